"""The options that several commands share: the spelling, help text and default of each, in one place.

Each function here makes a decorator for a command, as `click.option` does. Defaults are RunConfig's. With
`unset=True` the help text names the default, but an option that is not given is None, because the configuration
file and the environment come first. `remembered=True` adds that the viewer starts with the value last used in it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any, TypeVar

import click

from rtdet.class_groups import GROUPS
from rtdet.cli import completion
from rtdet.config import RunConfig
from rtdet.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

# A command's context_settings: -h as short for --help.
CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"]}

_GROUPS = ", ".join(GROUPS)
_TRACK_FILE = ".txt (MOT), .csv, .jsonl, .parquet or .json (COCO)"


def milliseconds(text: str) -> float:
    """The type of an option that takes them. Raises click.BadParameter."""
    try:
        return float(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a number of milliseconds; give one such as 200") from None


def model(
    help: str = "A name from `rtdet models`, or a .safetensors, .pth, .onnx, .xml, .tflite, .pb or .cfg file.",
    *,
    unset: bool = False,
    remembered: bool = False,
) -> Callable[[F], F]:
    return _setting(
        "--model", "--weights", metavar="NAME|FILE", help=help, unset=unset, remembered=remembered,
        shell_complete=completion.models,
    )  # fmt: skip


def conf(
    help: str, *, default: float = RunConfig.conf, unset: bool = False, remembered: bool = False
) -> Callable[[F], F]:
    return _setting(
        "--conf", "--conf-thres", type=float, default=default, help=help, unset=unset, remembered=remembered
    )


def iou(*, unset: bool = False, remembered: bool = False) -> Callable[[F], F]:
    return _setting(
        "--iou", "--iou-thres", type=float, help="Of two boxes that overlap by more, NMS keeps one.",
        unset=unset, remembered=remembered,
    )  # fmt: skip


def classes(help: str = f"Only these classes, e.g. person,car; or groups: {_GROUPS}.") -> Callable[[F], F]:
    """--classes; gives a tuple of names, or None where the option is not given."""
    more = """ A name with a comma stands in quotes: 'bus,"car, red"'."""
    return click.option("--classes", metavar="A,B", callback=split_names, help=help + more)


def max_det(*, unset: bool = False) -> Callable[[F], F]:
    return _setting("--max-det", type=int, help="The most objects detected in one frame.", unset=unset)


def imgsz() -> Callable[[F], F]:
    return click.option(
        "--imgsz", "--img-size", type=int, help="Longer side of the network's input, in pixels."
    )


def head() -> Callable[[F], F]:
    return click.option(
        "--head", metavar="NAME",
        help="The family of a foreign network's outputs, where rtdet does not recognise it or takes it for another: "
        "yolov5, yolov8, yolox, ...; a wrong name lists all.",
    )  # fmt: skip


def input_spec() -> Callable[[F], F]:
    """--input; gives the parameter `input`."""
    return click.option(
        "--input", metavar="SPEC",
        help="How the network takes pictures, e.g. rgb,0..1,letterbox; rgb, bgr or gray; 0..255, 0..1, -1..1 or "
        "imagenet, or mean=R/G/B,std=R/G/B; letterbox, corner or stretch.  [default: what its family takes]",
    )  # fmt: skip


def device(
    help: str = "auto, cpu, cuda[:N], mps, intel-gpu[:N], npu, tensorrt, directml, coreml; rtdet doctor lists yours.",
    *,
    unset: bool = False,
) -> Callable[[F], F]:
    return _setting("--device", metavar="DEV", help=help, unset=unset)


def backend(*, unset: bool = False) -> Callable[[F], F]:
    return _setting("--backend", metavar="NAME", help="auto, torch, openvino or onnxruntime.", unset=unset)


def precision(
    help: str = "auto, fp32, fp16 or bf16.", *, default: str = RunConfig.precision, unset: bool = False
) -> Callable[[F], F]:
    return _setting("--precision", metavar="P", default=default, help=help, unset=unset)


def tracker(
    help: str = "rtdet, bytetrack, ocsort or sort.", *, unset: bool = False, remembered: bool = False
) -> Callable[[F], F]:
    return _setting(
        "--tracker", metavar="NAME", help=help, unset=unset, remembered=remembered,
        shell_complete=completion.trackers,
    )  # fmt: skip


def tracker_settings() -> Callable[[F], F]:
    """--set KEY=VALUE, repeatable; gives the parameter `settings`."""
    return click.option(
        "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A tracker setting; repeatable."
    )


class TrackerCommand(click.Command):
    """A command whose help ends with the settings that --set takes for each tracker."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from rtdet.trackers.described import described_settings
        from rtdet.trackers.registry import TRACKERS

        for tracker in TRACKERS:
            with formatter.section(f"--set for {tracker}"):
                formatter.write_dl(
                    [
                        (
                            f"{one.name}={str(one.default).lower()}",
                            f"{one.text}. ({one.kind}{'; by class too' if one.by_class else ''})",
                        )
                        for one in described_settings(tracker)
                    ]
                )


def taken_as() -> Callable[[F], F]:
    return click.option(
        "--as",
        "taken_as",
        metavar="film|pictures",
        help="Take images as the frames of a film, or as single pictures without IDs.  "
        "[default: depends on their names and sizes]",
    )


def video_track() -> Callable[[F], F]:
    return click.option(
        "--video-track",
        type=int,
        metavar="N",
        help="Video track of a file to read, counted from 0.  [default: the main one]",
    )


def max_megapixels(*, unset: bool = False) -> Callable[[F], F]:
    return _setting("--max-megapixels", type=float, metavar="N", help="Refuse larger pictures.", unset=unset)


def hwaccel(*, unset: bool = False) -> Callable[[F], F]:
    return _setting(
        "--hwaccel",
        metavar="auto|off|NAME",
        help="Decode videos by graphics hardware: cuda, vaapi, d3d11va, videotoolbox, ...; auto where that gains.",
        unset=unset,
    )


def max_frames() -> Callable[[F], F]:
    return click.option("--max-frames", type=int, metavar="N", help="Stop after N frames.")


def in_detail(*, remembered: bool = False) -> Callable[[F], F]:
    """What a run looks for and with what: --model to --precision, each None where it is not given."""
    return _all(
        model(unset=True, remembered=remembered),
        conf(
            "Lowest score of a new object; a tracker may follow it through lower ones.",
            unset=True,
            remembered=remembered,
        ),
        iou(unset=True, remembered=remembered),
        classes(),
        max_det(unset=True),
        imgsz(),
        head(),
        input_spec(),
        device(unset=True),
        backend(unset=True),
        precision(unset=True),
    )


def tracking(*, remembered: bool = False) -> Callable[[F], F]:
    """How a run tracks: --tracker, --set and --camera-motion, each None where it is not given."""
    return _all(
        tracker("rtdet, bytetrack, ocsort, sort or none.", unset=True, remembered=remembered),
        click.option(
            "--set", multiple=True, callback=some_or_none, metavar="KEY=VALUE",
            help="A tracker setting, for all classes or one (max_age_s.person=2); repeatable.",
        ),
        click.option(
            "--camera-motion", is_flag=True, default=None,
            help="For a moving camera: estimate its motion from the picture and correct the tracks for it.",
        ),
    )  # fmt: skip


def part_of_source() -> Callable[[F], F]:
    """What a run reads of its source, and how: --start to --hwaccel, each None where it is not given."""
    return _all(
        click.option("--start", type=float, metavar="S", help="Start S seconds into a file."),
        click.option("--duration", type=float, metavar="S", help="Stop after S seconds of the source."),
        max_frames(),
        taken_as(),
        video_track(),
        max_megapixels(unset=True),
        hwaccel(unset=True),
    )


def every(metavar: str, more: str) -> Callable[[F], F]:
    return click.option(
        "--every",
        metavar=metavar,
        help="Run the model on every Nth frame; the tracker carries the boxes to those between, which all outputs "
        f"have. {more}  [default: 1]",
    )


def clock() -> Callable[[F], F]:
    return click.option(
        "--clock", metavar="T", help="Date and time at second 0, as 2026-05-01T08:00, for counts and events."
    )


def some_or_none(
    ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...] | None:
    """The callback of an option that may be repeated: None where it is not given."""
    return value or None


def out_tracks(metavar: str) -> Callable[[F], F]:
    """--out, the track file that a command writes."""
    return click.option("--out", required=True, metavar=metavar, help=f"{_TRACK_FILE}.")


def save_tracks() -> Callable[[F], F]:
    """--tracks, the track file that a run writes."""
    return click.option(
        "--tracks", metavar="OUT", shell_complete=completion.files, help=f"Write tracks: {_TRACK_FILE}."
    )


def zones(
    help: str = "A file of lines and areas to count at, and of the scale of the ground, for speeds.",
    *,
    required: bool = False,
) -> Callable[[F], F]:
    """--zones, the file of lines, areas and the ground's scale."""
    return click.option(
        "--zones", metavar="ZONES.json", required=required, shell_complete=completion.files, help=help
    )


def detections_fps() -> Callable[[F], F]:
    """--fps of a file of detections; None where the option is not given."""
    return click.option(
        "--fps",
        type=float,
        help="Frame rate: frame n is at (n - 1) / fps seconds.  "
        "[default: the one in SEQ/seqinfo.ini if the file is SEQ/det/DETS.txt, else 30]",
    )


def allow_loss() -> Callable[[F], F]:
    return click.option(
        "--allow-loss",
        is_flag=True,
        help="Continue even if more than a tenth of the labels cannot be used.",
    )


def link_pictures() -> Callable[[F], F]:
    return click.option("--link", is_flag=True, help="Make hard links to the pictures instead of copies.")


def offline(*, unset: bool = False) -> Callable[[F], F]:
    return click.option(
        "--offline",
        is_flag=True,
        default=None if unset else False,
        help="Never use the network to fetch a model.",
    )


def quiet(*, unset: bool = False) -> Callable[[F], F]:
    return click.option(
        "--quiet",
        is_flag=True,
        default=None if unset else False,
        help="Print only errors and warnings, no progress.",
    )


def size() -> Callable[[F], F]:
    return click.option(
        "--size",
        metavar="WxH",
        help="Size of the pictures that the tracks are of, where the file of tracks does not know it.",
    )


def picture_size(text: str | None) -> tuple[int, int] | None:
    """The width and height that --size names. Raises UsageError."""
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not all(side.isdecimal() and len(side) <= 5 and int(side) > 0 for side in (width, height)):
        raise UsageError(f"--size is width and height in pixels, as 1280x720, not {text[:40]}")
    return int(width), int(height)


def _all(*options: Callable[[F], F]) -> Callable[[F], F]:
    """These options, in this order in the help."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _setting(
    name: str, *more_names: str, help: str, unset: bool, remembered: bool = False, **attributes: Any
) -> Callable[[F], F]:
    """An option that is named like a field of RunConfig and has its default."""
    default = attributes.pop("default", getattr(RunConfig, name.removeprefix("--").replace("-", "_")))
    if unset:
        help = f"{help}  [default: {default}{'; in the viewer, as last used' if remembered else ''}]"
    return click.option(
        name, *more_names, default=None if unset else default, show_default=not unset, help=help, **attributes
    )


def split_names(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """The callback of an option that takes names with commas between."""
    if value is None:
        return None
    # As a row of CSV: a name with a comma stands in quotes.
    row = next(csv.reader([" ".join(value.splitlines())], skipinitialspace=True), [])
    return tuple(part.strip() for part in row if part.strip())
