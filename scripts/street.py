"""The first part of `make model`: a model of the street's six classes, from YOLOX-nano and labelled street pictures.

1. labels    missing labels are added by a teacher: YOLOX-nano at two sizes, mirrored too
2. start     an SSD on YOLOX-nano's trunk that detects what YOLOX-nano does (training/transfer.py)
3. training  `rtdet train` on the completed labels and on rendered frames of the demo, the first stages left as
             they are
4. blend     between the start and the training (training/blending.py), the share chosen on the val pictures;
             the branches that tell classes apart stay the start's
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from rtdet.datasets import Dataset, load_dataset
from rtdet.datasets.completion import Completion
from rtdet.datasets.label import label_parts, parts_or_pictures
from rtdet.detectors.registry import load_detector
from rtdet.detectors.ssd.weights import load_weights, save_weights
from rtdet.training.blending import blend
from rtdet.training.transfer import from_yolox
from rtdet.training.validation import Validation
from rtdet.types import Thresholds

CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
TEACHER_SIZES = (416, 608)
# Rather generous: doubtful detections are ignored, and a wrong label of a rare class costs less than a missing one.
RULE = Completion(accept=0.35, accept_labeled=0.5, unsure=0.1)
# The branches that tell classes apart stay as COCO's 80 classes taught them. The street pictures show few objects of
# other classes: fine-tuned on them, these branches take bottles for people.
KEPT = (".class_branch.", ".classes.")
# Beyond .7 the model forgets more of what is not in the street pictures than the val pictures can show.
SHARES = (0.5, 0.6, 0.7)
# A smaller share keeps more of what was known: it wins unless it costs more AP50 than this on the val pictures.
WORTH = 0.002


def make_street(out: Path, val: Dataset, options: argparse.Namespace) -> Path:
    """All four steps into `out`; returns the model's file. Steps whose result exists are not repeated."""
    out.mkdir(parents=True, exist_ok=True)
    data, teacher = Path(options.data), Path(options.weights) / "yolox_nano_coco.onnx"
    labeled, start, training, model = (
        out / name for name in ("labelled", "start.safetensors", "training", "model.safetensors")
    )
    if model.exists():
        return model
    if not labeled.exists():
        complete_labels(data / "train", teacher, labeled, options.subset)
    if not start.exists():
        save_weights(from_yolox(teacher, CLASSES, norm_pictures(labeled)), start)
    train(labeled, data / "val", start, training, options)
    blend_best(start, training / "model.safetensors", model, val)
    return model


def complete_labels(folder: Path, teacher: Path, out: Path, subset: int | None) -> None:
    """Writes a data set with the labels made by people and those that the teacher adds."""
    parts = parts_or_pictures(folder)
    if subset:
        parts = {
            name: replace(raw, pictures=raw.pictures[:: max(1, len(raw.pictures) // subset)])
            for name, raw in parts.items()
        }
    detectors = [
        load_detector(teacher, thresholds=Thresholds(0.03, 0.6), imgsz=size) for size in TEACHER_SIZES
    ]
    unfinished = out.with_name(out.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    done = label_parts(parts, unfinished, detectors, CLASSES, RULE, teacher=teacher.stem)
    unfinished.rename(out)
    print(f"labels: {done.kept} kept, {done.added} added by the teacher, {done.doubted} in doubt")


def norm_pictures(folder: Path, count: int = 16, side: int = 416) -> Iterator[torch.Tensor]:
    """Pictures, spread evenly over the data set, to compute the statistics of the start's norms from."""
    samples = load_dataset(folder).samples
    for i in np.linspace(0, len(samples) - 1, min(count, len(samples))).astype(int):
        image = cv2.resize(samples[i].read(), (side, side))
        yield torch.from_numpy(image).permute(2, 0, 1)[None].float()


def train(labeled: Path, val: Path, start: Path, out: Path, options: argparse.Namespace) -> None:
    """Runs `rtdet train` as a user would."""
    begun = (out / "last.pt").exists()
    if begun and (out / "card.toml").exists():
        return
    command = [
        "train", "--data", labeled, "--val", val, "--model", start, "--classes", ",".join(CLASSES), "--out", out,
        "--steps", options.street_steps, "--lr", 5e-4, "--freeze", 8, "--ema", 0.999, "--batch", 16,
        "--demo-frames", options.demo_frames, "--balance", 0.2, "--device", options.device,
    ]  # fmt: skip
    if begun:
        command.append("--resume")
    words = [str(word) for word in command]
    print("$ rtdet", shlex.join(words), flush=True)
    subprocess.run([sys.executable, "-m", "rtdet", *words], check=True)


def blend_best(start: Path, tuned: Path, out: Path, val: Dataset) -> float:
    """Writes the blend with the smallest share that comes within WORTH of the best mean AP50; returns the share."""
    validation = Validation(val)
    before, after = load_weights(start), load_weights(tuned)
    scores = {}
    for share in SHARES:
        scores[share] = validation(blend(before, after, share, KEPT)).ap50
        print(f"share {share:.1f} of the training: AP50 {100 * scores[share]:.1f}", flush=True)
    share = next(share for share in SHARES if scores[share] >= max(scores.values()) - WORTH)
    save_weights(blend(before, after, share, KEPT), out)
    return share
