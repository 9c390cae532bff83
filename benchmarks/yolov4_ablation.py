"""What each part of YOLOv4 is worth here: trained without it, on the same pictures for as many steps.

    python benchmarks/yolov4_ablation.py --steps 600 [--size 320] [--frames 300] [--parts mish,ciou]

Rendered frames of the demo to train on, frames of other scenes to measure on. Prints AP50 and AP of the whole
`yolov4-n`, then of one without each part, and what the part cost or gave. A run of few steps is noisy: differences
below a point or two say nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from street_frames import write_frames

from rtdet.evaluation import DetectionScores
from rtdet.terminal import say
from rtdet.training import TrainingSettings, train

# The part, and the setting without it.
PARTS = {
    "mish": "mish=false",
    "drop_block": "drop_block=0",
    "spp": "spp=false",
    "pan": "pan=false",
    "ciou": "ciou=false",
    "diou_nms": "diou_nms=false",
    "label_smoothing": "label_smoothing=0",
    "several_anchors": "min_overlap=1",
    "stretch": "stretch=[1.0,1.0,1.0]",
    "mosaic": "mosaic=false",
    "cosine": "cosine=false",
}


def measure(data: Path, val: Path, out: Path, options: argparse.Namespace, *network: str) -> DetectionScores:
    settings = TrainingSettings(
        data=data, val=val, model="yolov4-n", network=network, steps=options.steps, size=options.size,
        batch=options.batch, augment="yolo", ema=0.995,
    )  # fmt: skip
    return train(settings, out).scores


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, help="For each part; 600 tell something.")
    parser.add_argument("--size", type=int)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--parts", default=",".join(PARTS))
    options = parser.parse_args()
    if options.steps is None:
        say(f"skipped: {len(PARTS) + 1} trainings take hours; give --steps 600 to run them")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_frames(folder / "train", options.frames, seed=1000)
        write_frames(folder / "val", 60, seed=50_000)
        whole = None
        for part in ["", *options.parts.split(",")]:
            begun = time.monotonic()
            network = (PARTS[part],) if part else ()
            mean = measure(
                folder / "train", folder / "val", folder / (part or "whole"), options, *network
            ).mean
            whole = whole or mean
            gain = f"  {100 * (whole.ap50 - mean.ap50):+5.1f}" if part else "       "
            what = f"without {part}" if part else "all of it"
            minutes = (time.monotonic() - begun) / 60
            say(f"{what:<24} AP50 {100 * mean.ap50:5.1f}{gain}  AP {100 * mean.ap:5.1f}  {minutes:.1f} min")


if __name__ == "__main__":
    main()
