"""Which detection belongs to which track: SORT's assignment by IoU, exact at every size.

Boxes are corners, (4, N): rows left, top, right, bottom; all have area.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from rtdet.types import BoolArray, FloatArray, IntArray

# Above this many pairs, listing only those that overlap is faster than the full matrix (measured).
DENSE_PAIRS = 80 * 80
# With no more pairs than this, the Hungarian method is faster than further rounds before it.
FEW_PAIRS = 64
# A matrix of so few cells is faster than looking for the rows and columns that are needed.
SMALL_MATRIX = 50 * 60
_NONE: IntArray = np.zeros(0, dtype=np.int64)

Pairs = tuple[IntArray, IntArray]


def match(
    detections: FloatArray,
    tracks: FloatArray,
    iou_threshold: float,
    labels: tuple[FloatArray, FloatArray] | None = None,
) -> Pairs:
    """Rows of `detections` (4, M) and of `tracks` (4, N) that belong together, as two index arrays.

    The assignment with the largest sum of IoU over all pairs; pairs under `iou_threshold` are undone
    *after* it. Where the pairs above the threshold are already one to one, they are the match. Pairs that
    do not touch never match. With `labels` (of the detections, of the tracks), different labels do not
    touch.
    """
    if detections.shape[1] == 0 or tracks.shape[1] == 0:
        return _NONE, _NONE
    if labels is not None and _is_one_value(labels):
        labels = None
    if detections.shape[1] * tracks.shape[1] <= DENSE_PAIRS:
        return _match_dense(detections, tracks, iou_threshold, labels)
    return _match_sparse(detections, tracks, iou_threshold, labels)


def _is_one_value(labels: tuple[FloatArray, FloatArray]) -> bool:
    first = labels[0][0]
    return bool((labels[0] == first).all() and (labels[1] == first).all())


def _match_dense(
    detections: FloatArray,
    tracks: FloatArray,
    iou_threshold: float,
    labels: tuple[FloatArray, FloatArray] | None,
) -> Pairs:
    overlap = iou_matrix(detections, tracks)
    if labels is not None:
        overlap[labels[0][:, None] != labels[1]] = 0.0
    rows, columns = (overlap > iou_threshold).nonzero()
    if is_one_to_one(rows, columns):
        return rows, columns
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    chosen = overlap[rows, columns]
    keep = (chosen >= iou_threshold) & (chosen > 0)
    return rows[keep], columns[keep]


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
    return np.asarray(size[0] * size[1])


def is_one_to_one(rows: IntArray, columns: IntArray) -> bool:
    return len(rows) > 0 and int(np.bincount(rows).max()) == 1 and int(np.bincount(columns).max()) == 1


def _match_sparse(
    detections: FloatArray,
    tracks: FloatArray,
    iou_threshold: float,
    labels: tuple[FloatArray, FloatArray] | None,
) -> Pairs:
    """The same over a list of the pairs that overlap. Pairs with IoU 0 add nothing to the sum that the
    assignment maximises and are undone in any case, so leaving them out changes nothing."""
    rows, columns, overlap = _overlapping_pairs(detections, tracks, labels)
    chosen = (overlap > iou_threshold).nonzero()[0]
    if not is_one_to_one(rows[chosen], columns[chosen]):
        chosen = heaviest_matching(rows, columns, overlap, detections.shape[1], tracks.shape[1])
        chosen = chosen[overlap[chosen] >= iou_threshold]
    chosen = chosen[np.argsort(rows[chosen])]
    return rows[chosen], columns[chosen]


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
    rows, columns = overlap.nonzero()
    return rows, columns, overlap[rows, columns]


def _overlapping_pairs(
    a: FloatArray, b: FloatArray, labels: tuple[FloatArray, FloatArray] | None
) -> tuple[IntArray, IntArray, FloatArray]:
    """Indices into `a` and `b`, and IoU, of all pairs with IoU > 0.

    Two boxes overlap in x when the left edge of one lies within the other; sorted edges find those by
    bisection.
    """
    # Sorted, so that neighbours in the picture are neighbours in memory.
    order_a, order_b = a[0].argsort(), b[0].argsort()
    a, b = a.take(order_a, axis=1), b.take(order_b, axis=1)
    rows_1, columns_1 = _starting_within(a, b, "left")
    columns_2, rows_2 = _starting_within(b, a, "right")
    rows, columns = np.concatenate((rows_1, rows_2)), np.concatenate((columns_1, columns_2))
    height = np.minimum(a[3].take(rows), b[3].take(columns)) - np.maximum(a[1].take(rows), b[1].take(columns))
    touch = (height > 0).nonzero()[0]
    rows, columns, height = rows.take(touch), columns.take(touch), height.take(touch)
    width = np.minimum(a[2].take(rows), b[2].take(columns)) - np.maximum(a[0].take(rows), b[0].take(columns))
    overlap = width * height
    overlap /= _area(a).take(rows) + _area(b).take(columns) - overlap
    rows, columns = order_a.take(rows), order_b.take(columns)
    keep = overlap > 0  # an overlap too thin for a float64 is none
    if labels is not None:
        keep &= labels[0].take(rows) == labels[1].take(columns)
    return (rows, columns, overlap) if keep.all() else (rows[keep], columns[keep], overlap[keep])


def _starting_within(a: FloatArray, b: FloatArray, side: Literal["left", "right"]) -> Pairs:
    """All pairs of a box of `a`, sorted by left edge, whose left edge lies within a box of `b`.

    side "right" leaves those out that start at the same place, so that a pair is not found twice."""
    first = a[0].searchsorted(b[0], side=side)
    count = np.maximum(a[0].searchsorted(b[2]) - first, 0)
    end = count.cumsum()
    columns = np.arange(len(count)).repeat(count)
    rows = np.arange(len(columns)) + (first - end + count).repeat(count)
    return rows, columns


def best_pairs(rows: IntArray, columns: IntArray, weight: FloatArray, counts: tuple[int, int]) -> IntArray:
    """`heaviest_matching` of pairs of `counts` rows and columns, most of which have no rival."""
    if len(rows) == 0:
        return _NONE
    alone = np.bincount(rows).take(rows) == 1
    alone &= np.bincount(columns).take(columns) == 1
    if alone.all():
        return np.arange(len(rows))
    if counts[0] * counts[1] <= SMALL_MATRIX:
        return _assign(rows, columns, weight, *counts)
    rival = (~alone).nonzero()[0]
    chosen = heaviest_matching(rows.take(rival), columns.take(rival), weight.take(rival), *counts)
    return np.concatenate((alone.nonzero()[0], rival.take(chosen)))


def heaviest_matching(
    rows: IntArray, columns: IntArray, weight: FloatArray, row_count: int, column_count: int
) -> IntArray:
    """Indices of the pairs of a one-to-one matching with the largest sum of weights, all above 0.

    A pair that outweighs the best rival of its row plus the best rival of its column belongs to every
    optimum (put it in, take at most those two out, and the sum grows). Taking such pairs again and again
    settles nearly all of a scene; the Hungarian method gets the rest.
    """
    taken: list[IntArray] = []
    left = weight.argsort()
    while len(left) > FEW_PAIRS:
        r, c, w = rows.take(left), columns.take(left), weight.take(left)
        best_of_row, rival_in_row = _best_and_rival(r, w, row_count)
        best_of_column, rival_in_column = _best_and_rival(c, w, column_count)
        index = (best_of_row & best_of_column).nonzero()[0]
        rivals = rival_in_row.take(r.take(index)) + rival_in_column.take(c.take(index))
        index = index[w.take(index) > rivals]
        if len(index) == 0:
            break
        taken.append(left.take(index))
        free_row, free_column = np.ones(row_count, dtype=bool), np.ones(column_count, dtype=bool)
        free_row[r.take(index)] = False
        free_column[c.take(index)] = False
        left = left[free_row.take(r) & free_column.take(c)]
    taken.append(left[_assign(rows[left], columns[left], weight[left], row_count, column_count)])
    return np.concatenate(taken)


def _best_and_rival(group: IntArray, weight: FloatArray, count: int) -> tuple[BoolArray, FloatArray]:
    """Whether each pair is the heaviest of its group, and the second weight (or 0) of each of `count` groups.

    `weight` rises, and where an index occurs twice in an assignment, NumPy keeps the last."""
    place = np.arange(len(group))
    last = np.zeros(count, dtype=np.int64)
    last[group] = place
    is_best = last.take(group) == place
    other = (~is_best).nonzero()[0]
    rival = np.zeros(count)
    rival[group.take(other)] = weight.take(other)
    return is_best, rival


def _assign(
    rows: IntArray, columns: IntArray, weight: FloatArray, row_count: int, column_count: int
) -> IntArray:
    """Indices of the pairs that the Hungarian method picks, over the rows and columns that occur."""
    if row_count * column_count > SMALL_MATRIX:
        rows, row_count = _renumbered(rows, row_count)
        columns, column_count = _renumbered(columns, column_count)
    matrix = np.zeros((row_count, column_count))
    matrix[rows, columns] = weight
    place = np.full(matrix.shape, -1)
    place[rows, columns] = np.arange(len(rows))
    picked = place[linear_sum_assignment(matrix, maximize=True)]
    return np.asarray(picked[picked >= 0], dtype=np.int64)


def _renumbered(index: IntArray, count: int) -> tuple[IntArray, int]:
    """The same indices (below `count`) without gaps, and how many different ones there are."""
    occurs = np.zeros(count, dtype=np.int64)
    occurs[index] = 1
    number = occurs.cumsum()
    return number.take(index) - 1, int(number[-1])
