"""`rtdet detect SRC --model NAME --out DETS.json`: a model's detections, frame by frame."""

from __future__ import annotations

import click

from rtdet.cli import options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT


@click.command(context_settings=CONTEXT)
@click.argument("source", metavar="SRC")
@click.option(
    "--out", required=True, metavar="DETS.json|.txt", help="COCO-style JSON, or MOTChallenge detection rows."
)
@options.model()
@options.conf("Lowest score that is kept.", default=0.01)
@options.iou()
@options.classes()
@options.max_det()
@options.imgsz()
@options.head()
@options.input_spec()
@options.device()
@options.backend()
@options.precision()
@options.max_frames()
@options.taken_as()
@options.video_track()
@options.max_megapixels()
@options.offline()
@options.quiet()
def command(
    source: str,
    out: str,
    model: str,
    conf: float,
    iou: float,
    classes: tuple[str, ...] | None,
    max_det: int,
    imgsz: int | None,
    head: str | None,
    input: str | None,
    device: str,
    backend: str,
    precision: str,
    max_frames: int | None,
    taken_as: str | None,
    video_track: int | None,
    max_megapixels: float,
    offline: bool,
    quiet: bool,
) -> None:
    """Write every detection of MODEL in SRC (a video, image, folder, glob, ...) to a file.

    JSON rows are {"frame" (and "file_name" of pictures), "time_s", "category", "bbox": [x, y, w, h], "score"},
    and "keypoints": [x, y, confidence, ...] of a model that finds them.
    `rtdet track` makes the same tracks of that .json as a run does live. A .txt, MOTChallenge's rows, has no classes
    and no times, and boxes to a hundredth of a pixel: --fps says the times, and tracks come out nearly the same.
    """
    from dataclasses import replace

    from rtdet.build import build_pipeline, check_outputs
    from rtdet.cli.run import run_to_end
    from rtdet.config import RunConfig
    from rtdet.tracks import open_detection_file
    from rtdet.tracks.detection_files import About
    from rtdet.types import SourceInfo

    def about(info: SourceInfo) -> About:
        return About(None if info.fps is None else float(info.fps), conf, info.are_pictures)

    show_messages(quiet=quiet)
    config = RunConfig(
        source=source, model=model, conf=conf, iou=iou, classes=classes or (), max_det=max_det, imgsz=imgsz,
        head=head, input=input, device=device, backend=backend, precision=precision, tracker="none", policy="every",
        max_frames=max_frames, taken_as=taken_as, video_track=video_track, max_megapixels=max_megapixels,
        offline=offline, quiet=quiet, headless=True,
    )  # fmt: skip
    check_outputs(config, {"--out": out})
    pipeline = build_pipeline(config, lambda info: [open_detection_file(out, about(info))])
    code = run_to_end(replace(config, tracks=out), pipeline)
    if code:
        raise SystemExit(code)
