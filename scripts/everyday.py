"""The step from the six classes of the street to COCO's 80, which the embedded model has not taken yet.

    python scripts/everyday.py [--data DIR] [--everyday DIR] [--weights DIR] [--street FILE] [--out runs/everyday]
                               [--steps N] [--lr X] [--subset N]

    1. start     an SSD on YOLOX-nano's trunk that detects the 80 classes as YOLOX-nano does (training/transfer.py)
    2. join      the 80 classes with what `make model` learnt of the street: it left the branches that tell classes
                 apart as they were (training/blending.py)
    3. training  the street's classes by labels, the others kept alive by the start, whose scores the network keeps on
                 the same pictures and on everyday ones (training/distillation.py)
    4. blend     between the start and that training, the share chosen on the val pictures of street and everyday
    5. finish    the scores of each class calibrated on the val pictures, measured beside the start and the street's
                 model, and written to --out with a card

The trunk is small, and has moved towards the street: joined alone (step 2) the model finds half of what the start
does on everyday pictures. Says at the end whether the result is at least as good as the start there and as the
street's model on the street; models/ is left as it is. Takes hours on two cores; an interrupted training is resumed.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from model import CLASSES as STREET

# As a script's folder is on the path, so is the other recipe.
from model import EMBEDDED, KEPT, ROOT, SHARED, norm_pictures

from rtdet.datasets import Dataset, load_dataset
from rtdet.datasets.incomplete import declare_incomplete
from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.ssd.module import SSDModule
from rtdet.detectors.ssd.weights import load_weights, save_weights
from rtdet.training.augment import Labeled
from rtdet.training.blending import blend, graft
from rtdet.training.config import TrainConfig
from rtdet.training.distillation import Distillation
from rtdet.training.engine import Trainer
from rtdet.training.finish import finish
from rtdet.training.pictures import Budget, Picture, demo_pictures, open_pictures
from rtdet.training.sampling import repeat_factors
from rtdet.training.transfer import from_yolox
from rtdet.training.validation import Validation
from rtdet.types import FloatArray

OTHERS = tuple(name for name in COCO_CLASSES if name not in STREET)
# Where the training begins, as the share of the street's model: from there it is about as far to its figures as to
# the start's.
BEGIN_SHARE = 0.75
# Everyday pictures are few; this share of a batch are such.
EVERYDAY_SHARE = 0.25
SHARES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def main() -> int:
    options = _options()
    street, everyday = Path(options.data), Path(options.everyday)
    teacher, model = Path(options.weights) / "yolox_nano_coco.onnx", Path(options.street)
    for needed in (street / "train", street / "val", everyday / "train", everyday / "val", teacher, model):
        if not needed.exists():
            print(
                f"{needed} is missing; name the folders: --data DIR --everyday DIR --weights DIR --street FILE"
            )
            return 2
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    if not (out / "start.safetensors").exists():
        save_weights(
            from_yolox(teacher, COCO_CLASSES, norm_pictures(street / "train")), out / "start.safetensors"
        )
    start = load_weights(out / "start.safetensors")
    joined = graft(start, load_weights(model))
    train(blend(start, joined, BEGIN_SHARE, KEPT), start, street / "train", everyday / "train", options)
    val = [
        subset(load_dataset(folder / "val", COCO_CLASSES), options.subset) for folder in (street, everyday)
    ]
    share = blend_best(start, load_weights(out / "training/model.safetensors"), out, val)
    finish(
        out,
        together(*val),
        {"training": f"{share:.0%} of {options.steps} steps, lr {options.lr:g}"},
        calibrate=True,
    )
    return compare(start, joined, load_weights(out / "model.safetensors"), val)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--data", default=str(SHARED / "street"), help="street pictures: holds train/ and val/"
    )
    parser.add_argument("--everyday", default=str(SHARED / "coco"), help="COCO's: holds train/ and val/")
    parser.add_argument("--weights", default=str(SHARED / "weights"), help="holds yolox_nano_coco.onnx")
    parser.add_argument("--street", default=str(EMBEDDED), help="the model of the street's classes")
    parser.add_argument("--out", default=str(ROOT / "runs/everyday"))
    parser.add_argument("--steps", type=int, default=8000)
    # 5e-4, the rate of the street's training, undoes more in its first hundred steps than it teaches.
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--demo-frames", type=int, default=600)
    parser.add_argument(
        "--subset", type=int, metavar="N", help="use only N pictures of each set, for a trial"
    )
    parser.add_argument("--device", default="auto")
    return parser.parse_args()


def train(
    begin: DetectionNetwork, start: SSDModule, street: Path, everyday: Path, options: argparse.Namespace
) -> None:
    """Step 3, into OUT/training."""
    folder = Path(options.out) / "training"
    if (folder / "done").exists():
        return
    config = TrainConfig(
        steps=options.steps, batch=16, size=(320, 320), lr=options.lr, warmup_steps=min(100, options.steps // 5),
        ema_decay=0.99, folded=True, freeze=8, workers=1,
    )  # fmt: skip
    device = ("cuda" if torch.cuda.is_available() else "cpu") if options.device == "auto" else options.device
    trainer = Trainer(begin, config, folder, device, extra_loss=Distillation(start))
    if (folder / "last.pt").exists():
        trainer.resume()
    cv2.setNumThreads(1)
    pictures, weights = training_pictures(street, everyday, options)
    trainer.fit(
        pictures, lambda trainer, losses: print(f"step {trainer.step}", end="\r", flush=True), weights=weights
    )
    (folder / "done").touch()


def training_pictures(
    street: Path, everyday: Path, options: argparse.Namespace
) -> tuple[list[Picture], FloatArray]:
    """The pictures and how often each is shown. All are declared incomplete for the classes that are no street's: the
    few labels of those would be learnt by heart. In street pictures so is every class that nobody labelled."""
    of_street = subset(load_dataset(street, COCO_CLASSES), options.subset)
    of_street = declare_incomplete(of_street, {"*": ["*"]})
    of_everyday = declare_incomplete(
        subset(load_dataset(everyday, COCO_CLASSES), options.subset), {"*": OTHERS}
    )
    budget = Budget()
    rendered = [_incomplete(picture()) for picture in demo_pictures(options.demo_frames, COCO_CLASSES)]
    pictures = open_pictures(of_street.samples, 320, budget)
    pictures += [lambda frame=frame: frame for frame in rendered]
    labels = [sample.labels[~sample.ignored] for sample in of_street.samples]
    labels += [frame.labels[~frame.ignored] for frame in rendered]
    weights = repeat_factors(labels, 0.2)
    count = len(of_everyday)
    often = weights.sum() * EVERYDAY_SHARE / (1 - EVERYDAY_SHARE) / count
    pictures += open_pictures(of_everyday.samples, 416, budget)
    return pictures, np.concatenate([weights, np.full(count, often)])


def _incomplete(frame: Labeled) -> Labeled:
    return replace(frame, incomplete=frozenset(COCO_CLASSES.index(name) for name in OTHERS))


def subset(dataset: Dataset, count: int | None) -> Dataset:
    """About `count` of the pictures, evenly; all without a count."""
    step = max(1, len(dataset) // count) if count else 1
    return replace(dataset, samples=dataset.samples[::step])


def validation_pictures(folder: Path, count: int | None) -> Dataset:
    return subset(load_dataset(folder, COCO_CLASSES), count)


def together(street: Dataset, everyday: Dataset) -> Validation:
    """Both, without counting classes that nobody labelled in a picture of the street."""
    samples = declare_incomplete(street, {"*": ["*"]}).samples + everyday.samples
    return Validation(replace(street, samples=samples))


def blend_best(start: SSDModule, tuned: SSDModule, out: Path, val: list[Dataset]) -> float:
    """Writes the blend that is best for street and everyday pictures together, by the mean of their AP50; returns the
    training's share of it."""
    validations = [Validation(pictures) for pictures in val]
    scores = {}
    for share in SHARES:
        both = [validation(blend(start, tuned, share)).ap50 for validation in validations]
        scores[share] = float(np.mean(both))
        print(
            f"share {share:.1f} of the training: AP50 {both[0]:.1%} street, {both[1]:.1%} everyday",
            flush=True,
        )
    share = max(scores, key=scores.__getitem__)
    save_weights(blend(start, tuned, share), out / "model.safetensors")
    return share


def compare(start: SSDModule, joined: DetectionNetwork, made: SSDModule, val: list[Dataset]) -> int:
    """Prints the figures of all three; 0 where the last is nowhere below what it should reach, else 1."""
    reached = True
    for name, pictures, goal in (("street", val[0], joined), ("everyday", val[1], start)):
        validation = Validation(pictures)
        wanted, found = (validation.evaluate(validation.detect(one)) for one in (goal, made))
        reached = reached and found.mean.ap50 >= wanted.mean.ap50
        print(f"{name}: mean AP50 {found.mean.ap50:.1%}, wanted {wanted.mean.ap50:.1%}")
        for one, other in zip(found.classes, wanted.classes, strict=True):
            if one.ap50 == one.ap50:
                print(f"  {one.name:14s} {one.ap50:6.1%}, {other.ap50:6.1%}")
    print(
        "reached: it may become the embedded model"
        if reached
        else "not reached: the embedded model is better"
    )
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
