"""Non-maximum suppression in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rtdet.geometry.boxes import iou
from rtdet.types import BoolArray, FloatArray, IntArray

# Boxes judged at once. Tables of this many rows stay in the processor's cache, and few of them are needed.
_BLOCK = 64

# How much each box (N, 4) overlaps each of others (M, 4): (N, M).
Overlap = Callable[[FloatArray, FloatArray], FloatArray]


def nms(boxes: FloatArray, scores: FloatArray, iou_threshold: float, overlap: Overlap = iou) -> IntArray:
    """Indices that survive, by falling score; ties go to the lower index.

    Greedy NMS: the best box stays, those that overlap it by more than `iou_threshold` go, and so on. The
    best _BLOCK boxes settle who of them stays, those who stay suppress among the rest, and so on: a table
    of all pairs would take a hundred times as long for a thousand boxes. `overlap` may be another measure than IoU.
    """
    left = np.argsort(-scores, kind="stable")
    kept: list[IntArray] = []
    while len(left):
        block, left = left[:_BLOCK], left[_BLOCK:]
        best = boxes[block]
        block = block[_survivors(overlap(best, best) > iou_threshold)]
        kept.append(block)
        if len(left):
            left = left[~(overlap(boxes[block], boxes[left]) > iou_threshold).any(axis=0)]
    return np.concatenate(kept) if kept else left


def _survivors(overlaps: BoolArray) -> BoolArray:
    """(N,) mask from a table (N, N) of which boxes, best first, overlap too much."""
    suppressed = np.zeros(len(overlaps), dtype=bool)
    better, worse = overlaps.nonzero()
    # Few boxes overlap a worse one at all.
    for i in dict.fromkeys(better[better < worse].tolist()):
        if not suppressed[i]:
            suppressed[i + 1 :] |= overlaps[i, i + 1 :]
    return ~suppressed


def batched_nms(
    boxes: FloatArray, scores: FloatArray, labels: IntArray, iou_threshold: float, overlap: Overlap = iou
) -> IntArray:
    """NMS for each class separately: classes are moved apart so that they cannot overlap."""
    if len(boxes) == 0:
        return np.zeros(0, dtype=np.int64)
    span = float(boxes.max() - boxes.min()) + 1.0
    return nms(boxes + (labels * span)[:, None], scores, iou_threshold, overlap)
