"""Completes labels with a teacher's detections, where the labels made by people lack something."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtdet.datasets.coco import read_json
from rtdet.datasets.incomplete import labeled_by_source
from rtdet.datasets.sample import Sample, places_of
from rtdet.errors import UsageError
from rtdet.geometry.boxes import area, iou, is_valid
from rtdet.types import FloatArray

# What a teacher sees: class name, score, (4,) xyxy.
Opinion = tuple[str, float, FloatArray]


def load_teacher(path: Path) -> dict[str, list[Opinion]]:
    """Detections as `rtdet detect` writes them, by file name: (class name, score, xyxy)."""
    rows = read_json(path)
    try:
        found: dict[str, list[Opinion]] = {}
        for row in rows:
            x, y, w, h = row["bbox"]
            entry = (
                str(row["category"]),
                float(row["score"]),
                np.array([x, y, x + w, y + h], dtype=np.float64),
            )
            found.setdefault(str(row["file_name"]), []).append(entry)
        return found
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise UsageError(f"{path} is not a detections file of `rtdet detect`: {error}") from error


@dataclass(frozen=True)
class Completion:
    """How far a teacher is believed about objects that the labels lack.

    Above `accept` (a class that this kind of picture never labels) or `accept_labeled` (one that it does)
    a detection becomes a label; above `unsure` an ignored region. Overlap with an existing label: dropped.
    """

    accept: float = 0.4
    accept_labeled: float = 0.6
    unsure: float = 0.15
    same_object_iou: float = 0.5


def complete_labels(
    samples: Sequence[Sample],
    teacher: dict[str, list[Opinion]],
    class_names: Sequence[str],
    rule: Completion | None = None,
) -> list[Sample]:
    """Fills in what the labels lack with a teacher's detections; see Completion.

    `teacher` is by file name, as load_teacher reads it. Accepted rows keep the teacher's score in `scores`.
    """
    rule = rule or Completion()
    labeled = labeled_by_source(samples)
    return [
        complete(s, teacher.get(s.path.name, []), class_names, labeled[s.source] - s.incomplete, rule)
        for s in samples
    ]


def complete(
    sample: Sample,
    found: Sequence[Opinion],
    class_names: Sequence[str],
    labeled: Set[int],
    rule: Completion,
) -> Sample:
    """One picture with what a teacher found in it. `labeled`: the classes that such pictures label in full."""
    index = places_of(class_names)
    boxes, labels, ignored = list(sample.boxes), list(sample.labels), list(sample.ignored)
    scores, areas = list(sample.scores), list(sample.areas)
    for name, score, box in sorted(found, key=lambda row: -row[1]):
        label = index.get(name, -1)
        if label < 0 or score < rule.unsure or not is_valid(box[None])[0]:
            continue
        overlaps = iou(box[None], np.array(boxes).reshape(-1, 4))[0]
        rival = int(overlaps.argmax()) if len(overlaps) else -1
        if rival >= 0 and overlaps[rival] > rule.same_object_iou:
            # An ambiguous label ("vehicle") takes the teacher's class.
            if labels[rival] < 0 and score >= rule.accept and not _is_crowd(sample, rival):
                labels[rival], ignored[rival], scores[rival] = label, False, score
            continue
        sure = score >= (rule.accept_labeled if label in labeled else rule.accept)
        boxes.append(box)
        labels.append(label)
        ignored.append(not sure)
        scores.append(score)
        areas.append(float(area(box)))
    added = np.zeros(len(boxes) - len(sample), dtype=bool)
    return replace(
        sample,
        boxes=np.array(boxes, dtype=np.float64).reshape(-1, 4),
        labels=np.array(labels, dtype=np.int64),
        ignored=np.array(ignored, dtype=bool),
        crowd=np.concatenate([sample.crowd, added]),
        areas=np.array(areas, dtype=np.float64),
        scores=np.array(scores, dtype=np.float64),
    )


def _is_crowd(sample: Sample, row: int) -> bool:
    return row < len(sample) and bool(sample.crowd[row])
