"""The second part of `make model`: from the street's six classes to COCO's 80.

    5. start     an SSD on YOLOX-nano's trunk that detects the 80 classes as YOLOX-nano does (training/transfer.py)
    6. join      the 80 classes with what was learnt of the street, which left the branches that tell classes apart as
                 they were (training/blending.py)
    7. merge     both, layer by layer, by what each one's layers see on its own pictures (training/merging.py),
                 without a step of training
    8. training  the labels, and both as teachers: the joined one of the street's classes in the street's pictures,
                 the start of all else (training/distillation.py)
    9. blend     of the training and of a merge that is nearer to the start (training/blending.py), the share chosen
                 on the val pictures of both

The trunk is small, and has moved towards the street: joined alone the model finds little more than half of what the
start does on everyday pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from street import CLASSES as STREET
from street import norm_pictures
from torch import Tensor

from rtdet.datasets import Dataset, load_dataset
from rtdet.datasets.incomplete import declare_incomplete
from rtdet.detectors.coco import COCO_CLASSES
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.ssd.weights import load_weights, save_weights
from rtdet.training.augment import Labeled
from rtdet.training.blending import blend, graft
from rtdet.training.config import TrainConfig
from rtdet.training.distillation import Distillation, Teacher, everything
from rtdet.training.engine import Trainer
from rtdet.training.merging import Expert, merge
from rtdet.training.pictures import Budget, Picture, demo_pictures, open_pictures
from rtdet.training.sampling import repeat_factors
from rtdet.training.transfer import from_yolox
from rtdet.training.validation import Validation
from rtdet.types import FloatArray

OTHERS = tuple(name for name in COCO_CLASSES if name not in STREET)
# By no source of street pictures are these labelled; everyday pictures have all labels. So it tells the ones from the
# others.
MARK = COCO_CLASSES.index("bicycle")
# Of a batch, that share are everyday pictures, of which there are few.
EVERYDAY_SHARE = 0.4
# What the start teaches weighs more: it is the part that is forgotten.
START_WEIGHT = 3.0
LOGIT_WEIGHT = 10.0
# The street's shares of the merge that the training begins at, and of the one that it is blended with in the end.
BEGIN_SHARE, NEAR_START = 0.5, 0.3
# Shares of the training in that blend.
SHARES = (0.6, 0.7, 0.8, 0.9, 1.0)
MERGE_PICTURES = (155, 300)  # of everyday and of street pictures


def make_everyday(
    out: Path, street_model: Path, street_val: Dataset, everyday_val: Dataset, options: argparse.Namespace
) -> Path:
    """Steps 5 to 9 into `out`; returns the model's file. Steps whose result exists are not repeated."""
    out.mkdir(parents=True, exist_ok=True)
    street, everyday = (Path(folder) / "train" for folder in (options.data, options.everyday))
    start_file, merged_file, model = (out / f"{name}.safetensors" for name in ("start", "merged", "model"))
    if model.exists():
        return model
    if not start_file.exists():
        teacher = Path(options.weights) / "yolox_nano_coco.onnx"
        save_weights(from_yolox(teacher, COCO_CLASSES, norm_pictures(street)), start_file)
    start = load_weights(start_file)
    joined = graft(start, load_weights(street_model))
    experts = (
        Expert(start, list(merge_pictures(everyday, MERGE_PICTURES[0], options.subset))),
        Expert(joined, list(merge_pictures(street, MERGE_PICTURES[1], options.subset))),
    )
    if not merged_file.exists():
        save_weights(merge(*experts, BEGIN_SHARE), merged_file)
    trained = train(out / "training", load_weights(merged_file), start, joined, street, everyday, options)
    choose(merge(*experts, NEAR_START), trained, model, (street_val, everyday_val))
    return model


def merge_pictures(folder: Path, count: int, most: int | None, side: int = 416) -> Iterator[Tensor]:
    """Pictures spread evenly over the data set, at the input at which the model will see them."""
    samples = load_dataset(folder, COCO_CLASSES).samples
    for i in np.linspace(0, len(samples) - 1, min(count, len(samples), most or count)).astype(int):
        image = samples[i].read()
        height, width = (max(32, round(n * side / max(image.shape[:2]) / 32) * 32) for n in image.shape[:2])
        yield torch.from_numpy(cv2.resize(image, (width, height))).permute(2, 0, 1)[None].float()


def train(
    folder: Path,
    merged: DetectionNetwork,
    start: DetectionNetwork,
    joined: DetectionNetwork,
    street: Path,
    everyday: Path,
    options: argparse.Namespace,
) -> DetectionNetwork:
    """Step 8, into `folder`; an interrupted training is resumed."""
    if (folder / "done").exists():
        return load_weights(folder / "last.safetensors")
    config = TrainConfig(
        steps=options.steps, batch=16, size=(320, 320), lr=options.lr, warmup_steps=min(150, options.steps // 5),
        ema_decay=0.999, ema_warmup=300.0, folded=True, freeze=8, workers=1,
    )  # fmt: skip
    device = ("cuda" if torch.cuda.is_available() else "cpu") if options.device == "auto" else options.device
    teachers = (Teacher(start, everything, weight=START_WEIGHT), Teacher(joined, of_street))
    lesson = Distillation(teachers, logit_weight=LOGIT_WEIGHT)
    trainer = Trainer(merged, config, folder, device, extra_loss=lesson)
    if (folder / "last.pt").exists():
        trainer.resume()
    cv2.setNumThreads(1)
    pictures, weights, groups = training_pictures(street, everyday, options)
    trained = trainer.fit(
        pictures,
        lambda trainer, losses: print(f"step {trainer.step}", end="\r", flush=True),
        weights=weights,
        groups=groups,
    )
    (folder / "done").touch()
    return trained


def of_street(truth: Truth, classes: int) -> Tensor:
    """The street's classes, in its pictures only: for `Teacher`."""
    names = torch.zeros(classes, dtype=torch.bool)
    names[[COCO_CLASSES.index(name) for name in STREET]] = bool(truth.incomplete[MARK])
    return names.to(truth.boxes.device)


def training_pictures(
    street: Path, everyday: Path, options: argparse.Namespace
) -> tuple[list[Picture], FloatArray, list[int]]:
    """The pictures, how often each is shown, and the two groups within which they are mixed. All are declared
    incomplete for the classes that are no street's: the few labels of those would be learnt by heart. In street
    pictures so is every class that nobody labelled."""
    of_streets = subset(load_dataset(street, COCO_CLASSES), options.subset)
    of_streets = declare_incomplete(of_streets, {"*": ["*"]})
    of_everyday = declare_incomplete(
        subset(load_dataset(everyday, COCO_CLASSES), options.subset), {"*": OTHERS}
    )
    budget = Budget()
    unlabeled = frozenset(COCO_CLASSES.index(name) for name in (*OTHERS, "bicycle"))
    rendered = [picture() for picture in demo_pictures(options.demo_frames, COCO_CLASSES)]
    rendered = [replace(frame, incomplete=unlabeled) for frame in rendered]
    pictures = open_pictures(of_streets.samples, 320, budget)
    pictures += [_held(frame) for frame in rendered]
    labels = [sample.labels[~sample.ignored] for sample in of_streets.samples]
    labels += [frame.labels[~frame.ignored] for frame in rendered]
    weights = repeat_factors(labels, 0.2)
    count = len(of_everyday)
    often = weights.sum() * EVERYDAY_SHARE / (1 - EVERYDAY_SHARE) / count
    groups = [0] * len(pictures) + [1] * count
    pictures += open_pictures(of_everyday.samples, 416, budget)
    return pictures, np.concatenate([weights, np.full(count, often)]), groups


def _held(frame: Labeled) -> Picture:
    return lambda: frame


def subset(dataset: Dataset, count: int | None) -> Dataset:
    """About `count` of the pictures, evenly; all without a count."""
    step = max(1, len(dataset) // count) if count else 1
    return replace(dataset, samples=dataset.samples[::step])


def choose(
    near_start: DetectionNetwork, trained: DetectionNetwork, out: Path, val: tuple[Dataset, Dataset]
) -> None:
    """Step 9: writes the blend that is best for both kinds of pictures, by the mean of their AP50."""
    validations = [Validation(pictures) for pictures in val]
    best = -1.0
    for share in SHARES:
        made = blend(near_start, trained, share)
        both = [validation(made).ap50 for validation in validations]
        print(f"{share:.0%} of the training: AP50 {both[0]:.1%} street, {both[1]:.1%} everyday", flush=True)
        if sum(both) > best:
            best = sum(both)
            save_weights(made, out)
