"""Non-maximum suppression in NumPy."""

from __future__ import annotations

import numpy as np

from rtdet.geometry.boxes import iou
from rtdet.types import FloatArray, IntArray


def nms(boxes: FloatArray, scores: FloatArray, iou_threshold: float) -> IntArray:
    """Indices that survive, by falling score; ties go to the lower index.

    Greedy NMS: the best box stays, those that overlap it by more than `iou_threshold` go, and so on.
    """
    order = np.argsort(-scores, kind="stable")
    if len(order) < 2:
        return order
    overlap = iou(boxes[order], boxes[order]) > iou_threshold
    suppressed = np.zeros(len(order), dtype=bool)
    for i in range(len(order)):
        if not suppressed[i]:
            suppressed[i + 1 :] |= overlap[i, i + 1 :]
    return order[~suppressed]


def batched_nms(boxes: FloatArray, scores: FloatArray, labels: IntArray, iou_threshold: float) -> IntArray:
    """NMS for each class separately: classes are moved apart so that they cannot overlap."""
    if len(boxes) == 0:
        return np.zeros(0, dtype=np.int64)
    span = float(boxes.max() - boxes.min()) + 1.0
    return nms(boxes + (labels * span)[:, None], scores, iou_threshold)
