"""How alike a detection and a track are: IoU that knows how sure the track is of its place, and of its height.

IoU of two boxes that do not touch is 0, however near they are, so it loses small and fast objects, most of all
where frames are far apart. Boxes that are enlarged in proportion meet again (C-BIoU, Yang et al. 2023, arXiv
2211.14317); here by what the Kalman filter says of the track's doubt, instead of by a constant. Height tells people
in a row from one another better than width does (height-modulated IoU of Hybrid-SORT, Yang et al. 2024, arXiv
2308.00783).
"""

from __future__ import annotations

import numpy as np

from rtdet.trackers.association import overlapping_pairs
from rtdet.types import FloatArray, IntArray

# Boxes grow on each side by this much of the deviation of the track's place, at most by that much of their size.
GROWTH, MOST_GROWTH = 0.6, 0.15
# Up to so many pairs, all of them are compared at once.
DENSE_PAIRS = 2500


def similar_pairs(
    detections: FloatArray, tracks: FloatArray, deviation: FloatArray, least: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Indices into corners `detections` (4, M) and `tracks` (4, N), and similarity, of all pairs above `least` (0 or
    more), in the order of the indices.

    deviation  (N,) standard deviation of where each track is, in units of its size.

    The similarity is the IoU of the grown boxes times the square root of the IoU of their heights.
    """
    growth = np.minimum(GROWTH * deviation, MOST_GROWTH)
    if detections.shape[1] * tracks.shape[1] <= DENSE_PAIRS:
        similarity = _similarity(detections[:, :, None], tracks[:, None, :], growth)
        rows, columns = (similarity > least).nonzero()
        return rows, columns, similarity[rows, columns]
    rows, columns, _ = overlapping_pairs(_grown(detections, MOST_GROWTH), _grown(tracks, growth))
    similarity = _similarity(
        detections.take(rows, axis=1), tracks.take(columns, axis=1), growth.take(columns)
    )
    chosen = (similarity > least).nonzero()[0]
    chosen = chosen[np.lexsort((columns[chosen], rows[chosen]))]
    return rows[chosen], columns[chosen], similarity[chosen]


def _similarity(a: FloatArray, b: FloatArray, growth: FloatArray) -> FloatArray:
    """Of corners (4, ...) that broadcast."""
    size_a, size_b = a[2:] - a[:2], b[2:] - b[:2]
    grow_a, grow_b = growth * size_a, growth * size_b
    shared = np.minimum(a[2:] + grow_a, b[2:] + grow_b)
    shared -= np.maximum(a[:2] - grow_a, b[:2] - grow_b)
    np.maximum(shared, 0.0, out=shared)
    scale = 1.0 + 2.0 * growth
    size_a, size_b = size_a * scale, size_b * scale
    intersection = shared[0] * shared[1]
    similarity: FloatArray = intersection / (size_a[0] * size_a[1] + size_b[0] * size_b[1] - intersection)
    similarity *= np.sqrt(shared[1] / (size_a[1] + size_b[1] - shared[1]))
    return similarity


def _grown(corners: FloatArray, growth: FloatArray | float) -> FloatArray:
    grow = growth * (corners[2:] - corners[:2])
    return np.concatenate((corners[:2] - grow, corners[2:] + grow))
