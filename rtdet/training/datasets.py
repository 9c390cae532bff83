"""Labelled pictures for training: COCO JSON, and labels completed by a teacher's detections."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from rtdet.errors import UsageError
from rtdet.geometry.boxes import clip, iou, is_valid
from rtdet.types import BoolArray, FloatArray, Image, IntArray


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture. boxes (G, 4) xyxy pixels, labels (G,) into the class names of the training, ignored (G,)
    bool: rows that are neither rewarded nor punished (unsure, or of an ambiguous class)."""

    path: Path
    size: tuple[int, int]
    boxes: FloatArray
    labels: IntArray
    ignored: BoolArray
    source: str = ""

    def read(self) -> Image:
        """The picture as (H, W, 3) BGR; raises UsageError when it cannot be decoded."""
        image = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if image is None:
            raise UsageError(f"cannot decode the picture {self.path}; remove it or replace it")
        return np.asarray(image, dtype=np.uint8)


def load_coco(annotations: Path, images: Path, class_names: Sequence[str]) -> list[Sample]:
    """The pictures of a COCO JSON. Categories outside `class_names` become ignored regions: there is
    something there, but its class is not ours. Raises UsageError for files that do not fit."""
    try:
        content: dict[str, Any] = json.loads(annotations.read_text(encoding="utf-8"))
        names = {c["id"]: str(c["name"]) for c in content["categories"]}
        rows: dict[Any, list[dict[str, Any]]] = {}
        for row in content["annotations"]:
            rows.setdefault(row["image_id"], []).append(row)
        return [
            _sample(picture, rows.get(picture["id"], []), names, class_names, images)
            for picture in content["images"]
        ]
    except OSError as error:
        raise UsageError(f"cannot read the labels {annotations}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{annotations} is not COCO JSON: {type(error).__name__} {error}") from error


def _sample(
    picture: dict[str, Any],
    rows: list[dict[str, Any]],
    names: dict[Any, str],
    class_names: Sequence[str],
    images: Path,
) -> Sample:
    path = images / str(picture["file_name"])
    if images.resolve() not in path.resolve().parents:
        raise UsageError(f"the labels name a picture outside {images}: {picture['file_name']}")
    width, height = int(picture["width"]), int(picture["height"])
    ltwh = np.array([row["bbox"] for row in rows], dtype=np.float64).reshape(-1, 4)
    boxes = clip(np.concatenate([ltwh[:, :2], ltwh[:, :2] + ltwh[:, 2:]], axis=1), width, height)
    index = {name: i for i, name in enumerate(class_names)}
    labels = np.array([index.get(names[row["category_id"]], -1) for row in rows], dtype=np.int64)
    crowd = np.array([bool(row.get("iscrowd", 0)) for row in rows], dtype=bool)
    keep = is_valid(boxes)
    ignored = crowd | (labels < 0)
    source = str(picture.get("source", ""))
    return Sample(path, (width, height), boxes[keep], labels[keep], ignored[keep], source)


def load_teacher(path: Path) -> dict[str, list[tuple[str, float, FloatArray]]]:
    """Detections as `rtdet detect` writes them, by file name: (class name, score, xyxy)."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found: dict[str, list[tuple[str, float, FloatArray]]] = {}
        for row in rows:
            x, y, w, h = row["bbox"]
            entry = (
                str(row["category"]),
                float(row["score"]),
                np.array([x, y, x + w, y + h], dtype=np.float64),
            )
            found.setdefault(str(row["file_name"]), []).append(entry)
        return found
    except OSError as error:
        raise UsageError(f"cannot read the teacher's detections {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is not a detections file of `rtdet detect`: {error}") from error


@dataclass(frozen=True)
class Completion:
    """How far a teacher is believed about objects that the labels lack.

    Above `accept` (a class that this kind of picture never labels) or `accept_labelled` (one that it does)
    a detection becomes a label; above `unsure` an ignored region. Overlap with an existing label: dropped.
    """

    accept: float = 0.4
    accept_labelled: float = 0.6
    unsure: float = 0.15
    same_object_iou: float = 0.5


def complete_labels(
    samples: Sequence[Sample],
    teacher: dict[str, list[tuple[str, float, FloatArray]]],
    class_names: Sequence[str],
    rule: Completion | None = None,
) -> list[Sample]:
    """Fills in what the labels lack with a teacher's detections; see Completion."""
    rule = rule or Completion()
    labelled: dict[str, set[int]] = {}
    for sample in samples:
        known = labelled.setdefault(sample.source, set())
        known.update(int(label) for label in sample.labels[~sample.ignored])
    return [
        _complete(s, teacher.get(s.path.name, []), class_names, rule, labelled[s.source]) for s in samples
    ]


def _complete(
    sample: Sample,
    found: list[tuple[str, float, FloatArray]],
    class_names: Sequence[str],
    rule: Completion,
    labelled: set[int],
) -> Sample:
    index = {name: i for i, name in enumerate(class_names)}
    boxes, labels, ignored = list(sample.boxes), list(sample.labels), list(sample.ignored)
    for name, score, box in sorted(found, key=lambda row: -row[1]):
        label = index.get(name, -1)
        if label < 0 or score < rule.unsure or not is_valid(box[None])[0]:
            continue
        overlaps = iou(box[None], np.array(boxes).reshape(-1, 4))[0]
        rival = int(overlaps.argmax()) if len(overlaps) else -1
        if rival >= 0 and overlaps[rival] > rule.same_object_iou:
            # An ambiguous label ("vehicle") takes the teacher's class.
            if labels[rival] < 0 and score >= rule.accept:
                labels[rival], ignored[rival] = label, False
            continue
        sure = score >= (rule.accept_labelled if label in labelled else rule.accept)
        boxes.append(box)
        labels.append(label)
        ignored.append(not sure)
    return replace(
        sample,
        boxes=np.array(boxes, dtype=np.float64).reshape(-1, 4),
        labels=np.array(labels, dtype=np.int64),
        ignored=np.array(ignored, dtype=bool),
    )
