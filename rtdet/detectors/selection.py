"""What the thresholds keep of a detector's candidates, the same for every detector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rtdet.errors import UnknownNameError
from rtdet.geometry.boxes import iou, is_valid
from rtdet.geometry.nms import Overlap, batched_nms
from rtdet.types import BoolArray, Detections, FloatArray, IntArray, Thresholds, class_called

# Candidates beyond these before NMS are noise of a very low confidence threshold: the weakest go.
MAX_CANDIDATES = 1000


def check_classes(thresholds: Thresholds, class_names: Sequence[str]) -> None:
    """Raises UnknownNameError for a wanted class that a model does not know."""
    for name in sorted(thresholds.classes):
        if class_called(name, class_names) is None:
            raise UnknownNameError("class", name, class_names)


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
    chosen = {class_called(name, class_names) for name in thresholds.classes}
    wanted = np.array([name in chosen for name in class_names], dtype=bool)
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
) -> Detections:
    """NMS for each class (by `overlap`) and the `max_detections` best, by falling score. Boxes that are not finite
    or have no area are dropped: a network can produce them, nothing after it should see them. Without `suppress`
    there is no NMS: for networks that give one box for each object."""
    sound = is_valid(boxes) & np.isfinite(scores)
    boxes, scores, labels = boxes[sound], scores[sound], labels[sound]
    if suppress:
        keep = batched_nms(boxes, scores, labels, thresholds.iou, overlap)
    else:
        keep = np.argsort(-scores, kind="stable")
    keep = keep[: thresholds.max_detections]
    return Detections(boxes[keep], scores[keep], labels[keep], class_names)
