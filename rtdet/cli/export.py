"""`rtdet export`: a network that rtdet trained as ONNX or OpenVINO, for other programs and machines without torch."""

from __future__ import annotations

from pathlib import Path

import click

from rtdet.cli import options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.errors import UsageError
from rtdet.extras import require
from rtdet.terminal import say

_SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}


@click.command(context_settings=CONTEXT)
@options.model("rtdet-n, or a .safetensors that `rtdet train` wrote.")
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    help="An .onnx file, or an .xml for OpenVINO, with a .bin beside it.",
)
@click.option(
    "--format", "kind", type=click.Choice(list(_SUFFIXES)), help="[default: by the suffix of --out]"
)
@options.imgsz()
def command(model: str, out: str, kind: str | None, imgsz: int | None) -> None:
    """Write a network of rtdet as ONNX or OpenVINO.

    The file takes pictures (1, 3, H, W), BGR from 0 to 255, and gives boxes (1, N, 4) in pixels of that input and
    scores (1, N, C), before NMS. `rtdet --model FILE` opens it again.
    """
    path = Path(out)
    if path.suffix.lower() not in _SUFFIXES.values() or (kind and path.suffix.lower() != _SUFFIXES[kind]):
        wanted = _SUFFIXES[kind] if kind else ".onnx or .xml"
        raise UsageError(f"--out {out}: the file's name must end in {wanted}")
    require("torch", "rtdet export")
    show_messages()
    from rtdet.detectors.family.detector import input_of
    from rtdet.detectors.family.export import export
    from rtdet.training.start import open_trained

    network = open_trained(model)
    if getattr(network.config, "region_count", 0):
        raise UsageError(
            f"{network.config.architecture} is told where to look by a search outside of the network, so a file of "
            "the network alone would find nothing; it cannot be exported"
        )
    size = input_of(network.config, imgsz)
    export(network, path, size)
    say(f"wrote {out}: {network.config.architecture} for inputs of {size[0]}x{size[1]}")
