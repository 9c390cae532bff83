"""The similarity of a detection and a track: an IoU that allows for the track's uncertainty and weighs the heights.

IoU of two boxes that do not touch is 0, however near they are, so it loses small and fast objects, most of all
where frames are far apart. Boxes that are enlarged in proportion meet again (C-BIoU, Yang et al. 2023, arXiv
2211.14317); here by what the Kalman filter says of the track's doubt, instead of by a constant. Height tells people
in a row from one another better than width does (height-modulated IoU of Hybrid-SORT, Yang et al. 2024, arXiv
2308.00783).

Boxes are rows cx, cy, w, h (4, N). To enlarge two boxes by a factor is to divide the distance of their centres by it:
IoU knows no scale.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rtdet.trackers.association import meeting_pairs
from rtdet.trackers.box_columns import to_corners
from rtdet.types import FloatArray, IntArray

# Boxes grow on each side by this much of the deviation of the track's place, at most by that much of their size.
GROWTH, MOST_GROWTH = 0.6, 0.15
# Up to so many pairs all are compared; up to so many, those that meet in x; beyond, those that meet, found by sorting
# (measured).
FEW_PAIRS, DENSE_PAIRS = 20 * 20, 150 * 150

SimilarPairs = tuple[IntArray, IntArray, FloatArray]


def similar_pairs(
    detections: FloatArray, tracks: FloatArray, deviation: FloatArray, least: float
) -> SimilarPairs:
    """Indices into `detections` (4, M) and `tracks` (4, N), and similarity, of all pairs above `least` (0 or more),
    in the order of the indices.

    deviation  (N,) standard deviation of where each track is, in units of its size.

    The similarity is the IoU of the grown boxes times the square root of the IoU of their heights.
    """
    counts = detections.shape[1], tracks.shape[1]
    pairs = counts[0] * counts[1]
    if pairs <= FEW_PAIRS:
        rows, columns = _all_pairs(*counts)
    elif pairs <= DENSE_PAIRS:
        rows, columns = _meeting_in_x(detections, tracks)
    else:
        size = 1.0 + 2.0 * MOST_GROWTH
        rows, columns = meeting_pairs(to_corners(_grown(detections, size)), to_corners(_grown(tracks, size)))
        order = (rows * counts[1] + columns).argsort()
        rows, columns = rows.take(order), columns.take(order)
    nearness = 1.0 / (1.0 + 2.0 * np.minimum(GROWTH * deviation, MOST_GROWTH))
    a, b = detections.take(rows, axis=1), tracks.take(columns, axis=1)
    similarity = _similarity(a, b, nearness.take(columns))
    chosen = (similarity > least).nonzero()[0]
    return rows.take(chosen), columns.take(chosen), similarity.take(chosen)


@lru_cache(maxsize=256)
def _all_pairs(row_count: int, column_count: int) -> tuple[IntArray, IntArray]:
    """Nobody may write into them."""
    return np.arange(row_count).repeat(column_count), np.tile(np.arange(column_count), row_count)


def _meeting_in_x(a: FloatArray, b: FloatArray) -> tuple[IntArray, IntArray]:
    """The pairs that may meet, as far as x tells: those in which boxes meet that are grown as far as any is."""
    reach_a, reach_b = a[2] * (0.5 + MOST_GROWTH), b[2] * (0.5 + MOST_GROWTH)
    meets = (a[0] - reach_a)[:, None] < b[0] + reach_b
    meets &= (a[0] + reach_a)[:, None] > b[0] - reach_b
    rows, columns = np.divmod(meets.ravel().nonzero()[0], b.shape[1])
    return rows, columns


def _similarity(a: FloatArray, b: FloatArray, nearness: FloatArray) -> FloatArray:
    """Of boxes (4, K) and (4, K)."""
    distance = a[:2] - b[:2]
    np.abs(distance, out=distance)
    distance *= nearness
    both = a[2:] + b[2:]
    shared = both * 0.5
    shared -= distance
    np.minimum(shared, np.minimum(a[2:], b[2:]), out=shared)
    np.maximum(shared, 0.0, out=shared)
    similarity: FloatArray = shared[0] * shared[1]
    similarity /= a[2] * a[3] + b[2] * b[3] - similarity
    similarity *= np.sqrt(shared[1] / (both[1] - shared[1]))
    return similarity


def _grown(boxes: FloatArray, factor: float) -> FloatArray:
    return np.concatenate((boxes[:2], boxes[2:] * factor))
