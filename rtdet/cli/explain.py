"""`rtdet explain PICTURE --model NAME --out PAGE.html`: what happens inside a detector, with pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import completion, options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.errors import SourceError, UsageError
from rtdet.extras import require
from rtdet.terminal import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rtdet.explain.inside import Truth
    from rtdet.types import Frame


@click.command(context_settings=CONTEXT)
@click.argument("picture", metavar="PICTURE", shell_complete=completion.files)
@click.option(
    "--out", required=True, metavar="PAGE.html", help="The page to write: one file, with all in it."
)
@options.model()
@click.option(
    "--labels", metavar="FILE|DIR",
    help="Labels of the picture, to match with: a data set's folder, or its COCO JSON, VOC XML or YOLO txt. The demo "
    "knows its own.",
)  # fmt: skip
@click.option(
    "--start", type=float, metavar="S", default=0.0, help="Of a video or the demo, the frame at S seconds."
)
@options.conf("Lowest score that is kept; the page shows what others would give, too.")
@options.iou()
@options.classes()
@options.max_det()
@options.imgsz()
@options.head()
@options.input_spec()
@options.device()
@options.backend()
@options.precision()
@options.max_megapixels()
@options.offline()
@options.quiet()
def command(picture: str, out: str, labels: str | None, start: float, **settings: Any) -> None:
    """Write a page that shows what MODEL does with PICTURE (an image, a frame of a video, or demo), step by step.

    What the network sees, its feature maps, where it looks and what fires, how numbers become boxes, which box
    suppresses which, and what another threshold would give. The page is one file that opens in any browser, offline.
    """
    from rtdet.build import build_detector
    from rtdet.config import RunConfig
    from rtdet.detectors.registry import files_of_model
    from rtdet.explain import explain, render
    from rtdet.output_file import check_output, suffix_of, write_whole
    from rtdet.overwriting import refuse_overwriting
    from rtdet.video.sources.inputs import files_of_source

    show_messages(quiet=settings["quiet"])
    suffix_of(out, "page", (".html",))
    require("report", "rtdet explain", "jinja2")
    config = RunConfig(source=picture, **{**settings, "classes": settings["classes"] or ()})
    refuse_overwriting({"--out": out}, [*files_of_source(picture), *files_of_model(config.model), labels])
    check_output(out)
    frame = _frame(picture, start, config.max_megapixels)
    detector = build_detector(config)
    try:
        truth = _truth(picture, labels, frame, detector.class_names)
        page = explain(
            detector, frame.bgr, model=_shown(config.model), picture=_picture_name(picture, frame), truth=truth,
            about=_about(config),
        )  # fmt: skip
    finally:
        detector.close()
    write_whole(out, render(page).encode("utf-8", errors="replace"))
    say(f"wrote {out}", err=True)


def _frame(picture: str, start: float, max_megapixels: float) -> Frame:
    """The picture, or the video's frame at `start` seconds. Raises SourceError."""
    from rtdet.video.sources import open_source

    source = open_source(picture, start_s=start, max_megapixels=max_megapixels)
    try:
        frame = source.read()
    finally:
        source.close()
    if frame is None:
        raise SourceError(f"{picture} has no picture" + (f" at {start:g} s" if start else ""))
    return frame


def _truth(picture: str, labels: str | None, frame: Frame, class_names: Sequence[str]) -> Truth | None:
    from rtdet.explain import demo_truth, truth_in
    from rtdet.video.sources.inputs import file_of

    if labels is not None:
        path = file_of(picture)
        if path is None:
            raise UsageError("--labels is for a picture in a file; the demo knows its own labels")
        return truth_in(Path(labels), path, class_names)
    name, _, seed = picture.strip().partition(":")
    if name == "demo" and (not seed or seed.isdecimal()):
        return demo_truth(int(seed or 0), frame.t, class_names)
    return None


def _shown(model: str) -> str:
    """A file by its name; a model's name as it is."""
    return Path(model).name if ("/" in model or "\\" in model) else model


def _picture_name(picture: str, frame: Frame) -> str:
    from rtdet.address import hide_secrets

    name = hide_secrets(picture)
    name = Path(name).name or name
    return f"{name} at {frame.t:.2f} s" if frame.t else name


def _about(config: Any) -> dict[str, str]:
    from importlib.metadata import version

    lines = {
        "model": _shown(config.model),
        "confidence": f"{config.conf:g}",
        "NMS IoU": f"{config.iou:g}",
        "precision": config.precision,
        "rtdet": version("rtdet"),
    }
    if config.imgsz is not None:
        lines["input size"] = str(config.imgsz)
    return lines
