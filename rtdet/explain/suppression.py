"""Non-maximum suppression that remembers who suppressed whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.geometry.boxes import iou
from rtdet.geometry.nms import Overlap
from rtdet.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Suppression:
    """Of N boxes: kept, the rows that stay, by falling score; by (N,), the row that suppressed each, -1 for those
    that stay; overlap (N,), how much the two overlap, 0 for those that stay."""

    kept: IntArray
    by: IntArray
    overlap: FloatArray

    @property
    def suppressed(self) -> IntArray:
        """The rows that went."""
        return np.flatnonzero(self.by >= 0)


def suppress(
    boxes: FloatArray, scores: FloatArray, labels: IntArray, threshold: float, overlap: Overlap = iou
) -> Suppression:
    """Greedy NMS for each class, as `geometry.nms.batched_nms`: by falling score, each box that is still there
    suppresses those of its class that overlap it by more than `threshold`."""
    by, how_much = np.full(len(boxes), -1, dtype=np.int64), np.zeros(len(boxes))
    kept: list[int] = []
    order = np.argsort(-scores, kind="stable")
    for place, row in enumerate(order):
        if by[row] >= 0:
            continue
        kept.append(int(row))
        rest = order[place + 1 :]
        rest = rest[(by[rest] < 0) & (labels[rest] == labels[row])]
        if len(rest):
            overlaps = overlap(boxes[[row]], boxes[rest])[0]
            beaten = overlaps > threshold
            by[rest[beaten]], how_much[rest[beaten]] = row, overlaps[beaten]
    return Suppression(np.array(kept, dtype=np.int64), by, how_much)


def keep_all(scores: FloatArray) -> Suppression:
    """What a network without NMS does: everything stays."""
    return Suppression(
        np.argsort(-scores, kind="stable"), np.full(len(scores), -1, dtype=np.int64), np.zeros(len(scores))
    )
