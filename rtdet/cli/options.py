"""The options that several commands have: the spelling, the text and the default of each, said once.

Each function here makes a decorator for a command, as `click.option` does. Defaults are RunConfig's. With
`unset=True` the default is told in the help text but not given: there the configuration file and the environment
come between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from rtdet.cli import completion
from rtdet.config import RunConfig

F = TypeVar("F", bound=Callable[..., Any])

# A command's context_settings: -h as short for --help.
CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"]}

_TRACK_FILE = ".txt (MOT), .csv, .jsonl, .parquet or .json (COCO)"


def model(
    help: str = "A name from `rtdet models`, or a .safetensors, .onnx or .pth file.", *, unset: bool = False
) -> Callable[[F], F]:
    return _setting(
        "--model", "--weights", metavar="NAME|FILE", help=help, unset=unset, shell_complete=completion.models
    )


def conf(help: str, *, default: float = RunConfig.conf, unset: bool = False) -> Callable[[F], F]:
    return _setting("--conf", "--conf-thres", type=float, default=default, help=help, unset=unset)


def iou(*, unset: bool = False) -> Callable[[F], F]:
    return _setting(
        "--iou", "--iou-thres", type=float, help="Overlap at which NMS takes two boxes for one.", unset=unset
    )


def classes(help: str = "Only these classes, e.g. person,car.") -> Callable[[F], F]:
    """The names between the commas; None where the option is not given."""
    return click.option("--classes", metavar="A,B", callback=_split, help=help)


def max_det(*, unset: bool = False) -> Callable[[F], F]:
    return _setting("--max-det", type=int, help="Most objects in a frame.", unset=unset)


def imgsz() -> Callable[[F], F]:
    return click.option(
        "--imgsz", "--img-size", type=int, help="Longer side of the network's input, in pixels."
    )


def device(help: str = "auto, cpu, cuda, cuda:N or mps.", *, unset: bool = False) -> Callable[[F], F]:
    return _setting("--device", metavar="DEV", help=help, unset=unset)


def backend(*, unset: bool = False) -> Callable[[F], F]:
    return _setting("--backend", metavar="NAME", help="auto, torch, openvino or onnxruntime.", unset=unset)


def precision(
    help: str = "auto, fp32, fp16 or bf16.", *, default: str = RunConfig.precision, unset: bool = False
) -> Callable[[F], F]:
    return _setting("--precision", metavar="P", default=default, help=help, unset=unset)


def tracker(help: str = "rtdet, bytetrack, ocsort or sort.", *, unset: bool = False) -> Callable[[F], F]:
    return _setting("--tracker", metavar="NAME", help=help, unset=unset, shell_complete=completion.trackers)


def tracker_settings() -> Callable[[F], F]:
    """--set KEY=VALUE, repeatable; gives the parameter `settings`."""
    return click.option(
        "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the tracker; repeatable."
    )


def max_frames() -> Callable[[F], F]:
    return click.option("--max-frames", type=int, metavar="N", help="End after N frames.")


def out_tracks(metavar: str) -> Callable[[F], F]:
    """--out for a track file that is written."""
    return click.option("--out", required=True, metavar=metavar, help=f"{_TRACK_FILE}.")


def save_tracks() -> Callable[[F], F]:
    """--tracks of a run."""
    return click.option(
        "--tracks", metavar="OUT", shell_complete=completion.files, help=f"Write tracks: {_TRACK_FILE}."
    )


def detections_fps() -> Callable[[F], F]:
    """--fps of a file of detections; None where the option is not given."""
    return click.option(
        "--fps",
        type=float,
        help="Frame rate: frame n is at (n - 1) / fps.  "
        "[default: that of the seqinfo.ini of SEQ/det/DETS.txt, else 30]",
    )


def link_pictures() -> Callable[[F], F]:
    return click.option("--link", is_flag=True, help="Hard links to the pictures instead of copies.")


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
        help="No progress bar, only errors and warnings.",
    )


def _setting(name: str, *more_names: str, help: str, unset: bool, **attributes: Any) -> Callable[[F], F]:
    """An option named as a field of RunConfig, whose default it has."""
    default = attributes.pop("default", getattr(RunConfig, name.removeprefix("--").replace("-", "_")))
    if unset:
        help = f"{help}  [default: {default}]"
    return click.option(
        name, *more_names, default=None if unset else default, show_default=not unset, help=help, **attributes
    )


def _split(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(part.strip() for part in value.split(",") if part.strip())
