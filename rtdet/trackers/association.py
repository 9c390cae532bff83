"""Which detection belongs to which track: SORT's assignment by IoU, exact at every size.

Boxes are corners, (4, N): rows left, top, right, bottom; all have area.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from rtdet.geometry.pairing import heaviest_matching
from rtdet.types import FloatArray, IntArray

# Above this many pairs, listing only those that overlap is faster than the full matrix (measured).
DENSE_PAIRS = 80 * 80
# Up to so many indices a set is faster than an array of counts (measured).
SHORT_LIST = 50
_NONE: IntArray = np.zeros(0, dtype=np.int64)

Pairs = tuple[IntArray, IntArray]


def match(
    detections: FloatArray,
    tracks: FloatArray,
    iou_threshold: float,
    labels: tuple[FloatArray, FloatArray] | None = None,
) -> Pairs:
    """Rows of `detections` (4, M) and of `tracks` (4, N) that belong together, as two index arrays in no order.

    The assignment with the largest sum of IoU over all pairs; pairs under `iou_threshold` are undone
    *after* it. Where the pairs above the threshold are already one to one, they are the match. Pairs that
    do not touch never match. With `labels` (of the detections, of the tracks), different labels do not
    touch.
    """
    if detections.shape[1] == 0 or tracks.shape[1] == 0:
        return _NONE, _NONE
    if labels is not None and _is_one_value(labels):
        labels = None
    rows, columns, overlap = overlapping_pairs(detections, tracks, labels)
    near = (overlap > iou_threshold).nonzero()[0]
    pairs = rows.take(near), columns.take(near)
    if is_one_to_one(*pairs):
        return pairs
    # Pairs with IoU 0 add nothing to the sum, and would be undone in any case.
    chosen = heaviest_matching(rows, columns, overlap, detections.shape[1], tracks.shape[1])
    chosen = chosen[overlap.take(chosen) >= iou_threshold]
    return rows.take(chosen), columns.take(chosen)


def _is_one_value(labels: tuple[FloatArray, FloatArray]) -> bool:
    first = labels[0][0]
    return bool((labels[0] == first).all() and (labels[1] == first).all())


def iou_matrix(a: FloatArray, b: FloatArray) -> FloatArray:
    """(M, N) IoU of corners (4, M) and (4, N)."""
    side = np.minimum(a[2:, :, None], b[2:, None, :])
    side -= np.maximum(a[:2, :, None], b[:2, None, :])
    np.maximum(side, 0.0, out=side)
    overlap: FloatArray = side[0]
    overlap *= side[1]
    union = _area(a)[:, None] + _area(b)
    union -= overlap
    overlap /= union
    return overlap


def _area(corners: FloatArray) -> FloatArray:
    size = corners[2:] - corners[:2]
    area: FloatArray = size[0] * size[1]
    return area


def is_one_to_one(rows: IntArray, columns: IntArray) -> bool:
    """Whether there is a pair, and no row and no column is in two of them."""
    if len(rows) <= SHORT_LIST:
        return 0 < len(rows) == len(set(rows.tolist())) == len(set(columns.tolist()))
    return int(np.bincount(rows).max()) == 1 == int(np.bincount(columns).max())


def overlapping_pairs(
    a: FloatArray, b: FloatArray, labels: tuple[FloatArray, FloatArray] | None = None
) -> tuple[IntArray, IntArray, FloatArray]:
    """Indices into corners `a` (4, M) and `b` (4, N), and IoU, of all pairs with IoU > 0; with `labels` (of each),
    of those of one label. By the way that is faster for so many."""
    if a.shape[1] * b.shape[1] > DENSE_PAIRS:
        return _overlapping_pairs(a, b, labels)
    overlap = iou_matrix(a, b)
    if labels is not None:
        overlap[labels[0][:, None] != labels[1]] = 0.0
    touch = (overlap > 0).ravel().nonzero()[0]
    rows, columns = np.divmod(touch, b.shape[1])
    return rows, columns, overlap.take(touch)


def _overlapping_pairs(
    a: FloatArray, b: FloatArray, labels: tuple[FloatArray, FloatArray] | None
) -> tuple[IntArray, IntArray, FloatArray]:
    """Indices into `a` and `b`, and IoU, of all pairs with IoU > 0."""
    rows, columns = meeting_pairs(a, b)
    both_a, both_b = a.take(rows, axis=1), b.take(columns, axis=1)
    side = np.minimum(both_a[2:], both_b[2:])
    side -= np.maximum(both_a[:2], both_b[:2])
    overlap: FloatArray = side[0] * side[1]
    overlap /= _area(both_a) + _area(both_b) - overlap
    keep = overlap > 0  # an overlap too thin for a float64 is none
    if labels is not None:
        keep &= labels[0].take(rows) == labels[1].take(columns)
    return (rows, columns, overlap) if keep.all() else (rows[keep], columns[keep], overlap[keep])


def meeting_pairs(a: FloatArray, b: FloatArray) -> Pairs:
    """Indices into corners `a` (4, M) and `b` (4, N) of all pairs that overlap, in no order.

    Two boxes overlap in x when the left edge of one lies within the other; sorted edges find those by
    bisection.
    """
    # Sorted, so that neighbours in the picture are neighbours in memory.
    order_a, order_b = a[0].argsort(), b[0].argsort()
    a, b = a.take(order_a, axis=1), b.take(order_b, axis=1)
    rows_1, columns_1 = _starting_within(a, b, "left")
    columns_2, rows_2 = _starting_within(b, a, "right")
    rows, columns = np.concatenate((rows_1, rows_2)), np.concatenate((columns_1, columns_2))
    return order_a.take(rows), order_b.take(columns)


def _starting_within(a: FloatArray, b: FloatArray, side: Literal["left", "right"]) -> Pairs:
    """All pairs of a box of `a`, sorted by left edge, that starts within a box of `b`, and that overlap in y.

    side "right" leaves those out that start at the same place, so that a pair is not found twice."""
    first = a[0].searchsorted(b[0], side=side)
    count = np.maximum(a[0].searchsorted(b[2]) - first, 0)
    end = count.cumsum()
    # Many more meet in x than in both: until that is known, a pair is but a place in this list.
    rows = np.arange(count.sum())
    rows += (first - end + count).repeat(count)
    meets = a[1].take(rows) < b[3].repeat(count)
    meets &= a[3].take(rows) > b[1].repeat(count)
    places = meets.nonzero()[0]
    return rows.take(places), end.searchsorted(places, side="right")
