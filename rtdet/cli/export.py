"""`rtdet export`: a network as ONNX or OpenVINO, for other programs and for machines without torch."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rtdet.cli import options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import progress
from rtdet.errors import RtdetError, UsageError
from rtdet.extras import require
from rtdet.output_file import check_output
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.detectors.family.rows import Selection

_SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}
_PRECISIONS = ("fp32", "fp16", "int8")


@click.command(context_settings=CONTEXT)
@options.model(
    "A name from `rtdet models`, a .safetensors of `rtdet train`, or an .onnx, .xml, .tflite or .pb."
)
@click.option(
    "--out",
    metavar="FILE",
    help="An .onnx file, or an .xml for OpenVINO, with a .bin beside it.  [default: the model's name, here]",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(_SUFFIXES)),
    help="[default: by the suffix of --out, else onnx]",
)
@click.option(
    "--precision", type=click.Choice(_PRECISIONS), default="fp32", show_default=True,
    help="fp16: weights of half the size. int8: quantised, quicker on processors with int8 instructions.",
)  # fmt: skip
@click.option(
    "--data", metavar="DIR",
    help="Labelled pictures that int8 is measured on, as for `rtdet eval detect`.  [default: rendered frames]",
)  # fmt: skip
@click.option("--split", metavar="NAME", help="Part of --data, such as train or val.")
@click.option(
    "--anyway", is_flag=True, help="Write int8 even if it loses more than 1 AP or is no quicker here."
)
@click.option(
    "--nms", is_flag=True,
    help="With NMS inside: rows of box, score and class, for one size of input; of a place only its best class.",
)  # fmt: skip
@options.conf("With --nms: boxes with lower scores are left out.", default=0.05)
@options.iou()
@options.max_det()
@options.imgsz()
@options.offline()
@options.quiet()
def command(
    model: str, out: str | None, kind: str | None, precision: str, data: str | None, split: str | None, anyway: bool,
    nms: bool, conf: float, iou: float, max_det: int, imgsz: int | None, offline: bool, quiet: bool,
) -> None:  # fmt: skip
    """Write a network as ONNX or OpenVINO, in full or half precision or in int8.

    A file of rtdet's own network takes pictures (1, 3, H, W), BGR from 0 to 255, and gives boxes (1, N, 4) in pixels
    of that input and scores (1, N, C), before NMS; with --nms rows (1, N, 6): box, score, class. A network of others
    keeps its inputs and outputs. The names of the classes are inside: `rtdet --model FILE` opens it again.

    int8 is measured before it is written: AP and time before and after, on the labelled pictures of --data. It is
    refused where it loses more than 1 AP or is no quicker on this machine.
    """
    show_messages(quiet=quiet)
    path, kind = _out(model, out, kind, precision)
    check_output(path)
    if data is not None and precision != "int8":
        raise UsageError("--data is what --precision int8 is measured on; omit it, or ask for int8")
    if data is not None and not Path(data).exists():
        raise UsageError(f"--data {data}: there is no such folder")
    selection = _selection(conf, iou, max_det) if nms else None
    with tempfile.TemporaryDirectory() as folder:
        source, what = _source(
            model, Path(folder), imgsz, selection, offline=offline, is_needed=precision == "int8"
        )
        _refuse_own(path, source, data)
        if precision == "int8":
            _write_int8(source, path, imgsz, data, split, anyway=anyway, quiet=quiet)
        else:
            from rtdet.exporting.converting import convert

            convert(source, path, precision, imgsz)
    say(f"wrote {path}: {what} in {precision}")


def _out(model: str, out: str | None, kind: str | None, precision: str) -> tuple[Path, str]:
    """The file to write, and its format."""
    if out is None:
        kind = kind or "onnx"
        stem = Path(model).stem if Path(model).suffix else model
        return Path(f"{stem}{'' if precision == 'fp32' else f'-{precision}'}{_SUFFIXES[kind]}"), kind
    path = Path(out)
    if path.suffix.lower() not in _SUFFIXES.values() or (kind and path.suffix.lower() != _SUFFIXES[kind]):
        wanted = _SUFFIXES[kind] if kind else ".onnx or .xml"
        raise UsageError(f"--out {out}: the file's name must end in {wanted}")
    return path, next(name for name, suffix in _SUFFIXES.items() if path.suffix.lower() == suffix)


def _selection(conf: float, iou: float, most: int) -> Selection:
    for name, value in (("conf", conf), ("iou", iou)):
        if not 0 <= value <= 1:
            raise UsageError(f"--{name} must be between 0 and 1, not {value:g}")
    if not 0 < most <= 1000:
        raise UsageError(f"--max-det must be from 1 to 1000 with --nms, not {most}")
    require("torch", "rtdet export --nms")
    from rtdet.detectors.family.rows import Selection

    return Selection(conf, iou, most)


def _source(
    model: str,
    folder: Path,
    imgsz: int | None,
    selection: Selection | None,
    *,
    offline: bool,
    is_needed: bool,
) -> tuple[Path, str]:
    """The network as a file in full precision, made in `folder` where it is one of rtdet's; and what it is."""
    from rtdet.detectors.registry import is_path, kind_of, model_card, weights_of

    if is_needed:  # before anything slow
        require("quantise", "--precision int8")
    card = None if is_path(model) else model_card(model)
    kind = card.kind if card else kind_of(Path(model).expanduser())
    if kind in ("ssd", "family"):
        return _own(model, folder, imgsz, selection)
    if kind != "graph":
        raise UsageError(
            f"{model} cannot be exported: it is neither a network of rtdet's nor one in a file that OpenVINO reads"
        )
    if selection is not None:
        raise UsageError(f"--nms is for networks of rtdet's; {model} keeps the outputs that it has")
    path = weights_of(card, offline=offline) if card else Path(model).expanduser()
    return path, card.name if card else path.name


def _own(model: str, folder: Path, imgsz: int | None, selection: Selection | None) -> tuple[Path, str]:
    require("torch", "rtdet export")
    from rtdet.detectors.family.detector import input_of
    from rtdet.detectors.family.export import export
    from rtdet.detectors.registry import is_path
    from rtdet.training.start import open_trained

    network = open_trained(model)
    if getattr(network.config, "region_count", 0):
        raise UsageError(
            f"{network.config.architecture} is told where to look by a search outside of the network, so a file of "
            "the network alone would find nothing; it cannot be exported"
        )
    size = input_of(network.config, imgsz)
    export(network, folder / "network.onnx", size, selection)
    name = Path(model).name if is_path(model) else model
    return folder / "network.onnx", f"{name} for inputs of {size[0]}x{size[1]}"


def _refuse_own(out: Path, source: Path, data: str | None) -> None:
    from rtdet.overwriting import refuse_overwriting

    weights = [out.with_suffix(".bin")] if out.suffix.lower() == ".xml" else []
    beside = [source.with_suffix(".bin")] if source.suffix.lower() == ".xml" else []
    outputs = {"--out": out, **{f"--out's {one.suffix}": one for one in weights}}
    refuse_overwriting(outputs, [source, *beside, data])


def _write_int8(
    source: Path,
    out: Path,
    imgsz: int | None,
    data: str | None,
    split: str | None,
    *,
    anyway: bool,
    quiet: bool,
) -> None:
    from rtdet.exporting import int8, pictures

    with tempfile.TemporaryDirectory() as folder:
        if data is None:
            if not quiet:
                say("rtdet: no --data: int8 is measured on rendered frames of a street", err=True)
            calibrating, measured = pictures.of_demo(Path(folder))
        else:
            calibrating, measured = pictures.of_data(Path(data), split)
        count = len(calibrating) + 2 * len(measured)
        with (
            progress("pictures", count, quiet) as tick,
            int8.made(source, out.suffix, imgsz, calibrating, tick) as file,
        ):
            price = int8.price_of(source, file, measured, tick)
            say(price.line)
            if (objection := price.objection()) and not anyway:
                raise RtdetError(f"{objection}; nothing was written, --anyway writes it all the same")
            int8.keep(file, out)
