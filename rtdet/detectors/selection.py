"""What the thresholds keep of a detector's candidates, the same for every detector."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from rtdet.class_groups import GROUPS, grouped, with_groups
from rtdet.config import RunConfig
from rtdet.errors import UnknownNameError, UsageError
from rtdet.geometry.boxes import iou, is_valid
from rtdet.geometry.nms import Overlap, batched_nms
from rtdet.types import BoolArray, Detections, FloatArray, IntArray, Thresholds

# Candidates beyond these before NMS are noise of a very low confidence threshold: the weakest go.
MAX_CANDIDATES = 1000
_MOST_NAMED = 12  # classes in a message


def thresholds_of(config: RunConfig) -> Thresholds:
    """What a run keeps of what its detector finds."""
    return Thresholds(config.conf, config.iou, frozenset(config.classes), config.max_det)


def check_classes(thresholds: Thresholds, class_names: Sequence[str]) -> None:
    """Raises UnknownNameError for a wanted class that a model does not know, and UsageError for a group of classes of
    which it knows none."""
    for name in sorted(wanted_names(thresholds.classes, tuple(class_names))):
        if name not in class_names and name.strip().casefold() in GROUPS:
            known = ", ".join(class_names[:_MOST_NAMED]) + (", ..." if len(class_names) > _MOST_NAMED else "")
            raise UsageError(f"the model knows no class of the group {name!r}; it knows {known}")
        if name not in class_names:
            raise UnknownNameError("class", name, (*class_names, *grouped(class_names)))


@lru_cache(maxsize=16)
def wanted_names(wanted: frozenset[str], class_names: tuple[str, ...]) -> frozenset[str]:
    """The wanted classes, where some may be named by their group; all, when none is named."""
    return frozenset(with_groups(wanted, class_names) if wanted else class_names)


def strongest(scores: FloatArray, rows: IntArray) -> IntArray:
    """The MAX_CANDIDATES of `rows` whose `scores` (one for each row) are highest, in their order."""
    if len(rows) <= MAX_CANDIDATES:
        return rows
    best = np.argpartition(-scores, MAX_CANDIDATES)[:MAX_CANDIDATES]
    return np.asarray(rows[np.sort(best)])


def wanted_class(labels: IntArray, thresholds: Thresholds, class_names: Sequence[str]) -> BoolArray:
    """(N,) mask of the labels that the thresholds ask for; all, when they name none."""
    if not thresholds.classes:
        return np.ones(len(labels), dtype=bool)
    names = wanted_names(thresholds.classes, tuple(class_names))
    wanted = np.array([name in names for name in class_names], dtype=bool)
    return np.asarray(wanted[labels])


def select(
    boxes: FloatArray,
    scores: FloatArray,
    labels: IntArray,
    thresholds: Thresholds,
    class_names: Sequence[str],
    *,
    overlap: Overlap = iou,
    suppress: bool = True,
    points: FloatArray | None = None,
) -> Detections:
    """NMS for each class (by `overlap`) and the `max_detections` best, by falling score. Boxes that are not finite
    or have no area are dropped: a network can produce them, nothing after it should see them. Without `suppress`
    there is no NMS: for networks that give one box for each object. points: (N, K, 3) key points of each."""
    sound = is_valid(boxes) & np.isfinite(scores)
    if not sound.all():
        points = None if points is None else points[sound]
        boxes, scores, labels = boxes[sound], scores[sound], labels[sound]
    if suppress:
        keep = batched_nms(boxes, scores, labels, thresholds.iou, overlap)
    else:
        keep = np.argsort(-scores, kind="stable")
    keep = keep[: thresholds.max_detections]
    kept = None if points is None else points[keep]
    return Detections(boxes[keep], scores[keep], labels[keep], class_names, kept)
