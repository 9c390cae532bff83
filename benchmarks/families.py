"""Every family that can be trained, on the same street: AP, parameters, multiply-adds and frames a second.

    python benchmarks/families.py --minutes 25 [--models fcos-n,yolov3-n] [--frames 500]

Each is trained for so many minutes on rendered frames of the demo and measured on frames of other scenes; then a line
with its figures, and at last `rtdet compare` over all of them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from street_frames import write_frames

from rtdet.detectors.family.counting import cost_of
from rtdet.detectors.family.registry import trainable
from rtdet.detectors.family.weights import load_weights
from rtdet.terminal import say
from rtdet.training import TrainingSettings, train

# Two cores train these in minutes.
SMALL = [name for name in trainable() if name.endswith("-n")]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, help="For each family; 25 tell something.")
    parser.add_argument("--models", default=",".join(SMALL))
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--out", type=Path, help="Keep the trainings here.")
    options = parser.parse_args()
    if options.minutes is None:
        say(f"skipped: {len(SMALL)} trainings take hours; give --minutes 25 to run them")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = options.out or Path(name)
        write_frames(folder / "train", options.frames, seed=1000)
        write_frames(folder / "val", 60, seed=50_000)
        files = []
        for model in options.models.split(","):
            settings = TrainingSettings(
                data=folder / "train", val=folder / "val", model=model, minutes=options.minutes,
                batch=options.batch, ema=0.995,
            )  # fmt: skip
            trained = train(settings, folder / model)
            network = load_weights(trained.model)
            cost = cost_of(network, network.config.input_size or (416, 416))
            mean = trained.scores.mean
            say(
                f"{model:<16} AP50 {100 * mean.ap50:5.1f}  AP {100 * mean.ap:5.1f}  {trained.steps} steps  {cost}"
            )
            files.append(str(trained.model))
        words = ["compare", "--data", str(folder / "val"), "--models", ",".join(files)]
        subprocess.run([sys.executable, "-m", "rtdet", *words], check=True)


if __name__ == "__main__":
    main()
