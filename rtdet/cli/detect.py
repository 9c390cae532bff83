"""`rtdet detect SRC --model NAME --out DETS.json`: what a model sees, frame by frame."""

from __future__ import annotations

import click

from rtdet.cli.console import show_messages


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", metavar="SRC")
@click.option(
    "--out", required=True, metavar="DETS.json|.txt", help="COCO-style JSON, or MOT detection rows."
)
@click.option("--model", "--weights", default="rtdet-n", show_default=True, metavar="NAME|FILE")
@click.option(
    "--conf", "--conf-thres", type=float, default=0.01, show_default=True, help="Lowest score kept."
)
@click.option("--iou", "--iou-thres", type=float, default=0.5, show_default=True, help="Overlap for NMS.")
@click.option("--classes", metavar="A,B", help="Only these classes.")
@click.option("--max-det", type=int, default=300, show_default=True, help="Most boxes in a frame.")
@click.option("--imgsz", "--img-size", type=int, help="Longer side of the network's input, in pixels.")
@click.option("--device", default="auto", show_default=True)
@click.option("--backend", default="auto", show_default=True)
@click.option("--precision", default="auto", show_default=True)
@click.option("--max-frames", type=int, metavar="N", help="End after N frames.")
@click.option("--offline", is_flag=True, help="Never use the network.")
@click.option("--quiet", is_flag=True, help="Only errors and warnings.")
def command(
    source: str,
    out: str,
    model: str,
    conf: float,
    iou: float,
    classes: str | None,
    max_det: int,
    imgsz: int | None,
    device: str,
    backend: str,
    precision: str,
    max_frames: int | None,
    offline: bool,
    quiet: bool,
) -> None:
    """Write every detection of MODEL in SRC (a video, image, folder, glob, ...) to a file.

    JSON rows are {"file_name" or "frame", "category", "bbox": [x, y, w, h], "score"}.
    """
    from dataclasses import replace

    from rtdet.build import build_pipeline
    from rtdet.cli.run import run_to_end
    from rtdet.config import RunConfig
    from rtdet.tracks import open_detection_file

    show_messages(quiet=quiet)
    wanted = tuple(part.strip() for part in (classes or "").split(",") if part.strip())
    config = RunConfig(
        source=source, model=model, conf=conf, iou=iou, classes=wanted, max_det=max_det, imgsz=imgsz,
        device=device, backend=backend, precision=precision, tracker="none", policy="every",
        max_frames=max_frames, offline=offline, quiet=quiet, headless=True,
    )  # fmt: skip
    pipeline = build_pipeline(config, lambda info: [open_detection_file(out, info)])
    code = run_to_end(replace(config, tracks=out), pipeline)
    if code:
        raise SystemExit(code)
