"""Which detection belongs to which track: SORT's assignment by IoU, exact at every size.

Boxes are corners, (4, N): rows left, top, right, bottom; all have area.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from rtdet.types import FloatArray, IntArray

# Above this many pairs, listing only those that overlap is faster than the full matrix (measured).
DENSE_PAIRS = 80 * 80
_NONE: IntArray = np.zeros(0, dtype=np.int64)

Pairs = tuple[IntArray, IntArray]


def match(
    detections: FloatArray,
    tracks: FloatArray,
    iou_threshold: float,
    labels: tuple[FloatArray, FloatArray] | None = None,
) -> Pairs:
    """Rows of `detections` (4, M) and of `tracks` (4, N) that belong together, as two index arrays.

    The assignment with the largest sum of IoU over all pairs; pairs under `iou_threshold` are undone *after* it.
    Where the pairs above the threshold are already one to one, they are the match. Pairs that do not touch never
    match. With `labels` (of the detections, of the tracks), different labels do not touch.
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
    overlap = _iou_matrix(detections, tracks)
    if labels is not None:
        overlap[labels[0][:, None] != labels[1]] = 0.0
    rows, columns = (overlap > iou_threshold).nonzero()
    if _is_one_to_one(rows, columns):
        return rows, columns
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    chosen = overlap[rows, columns]
    keep = (chosen >= iou_threshold) & (chosen > 0)
    return rows[keep], columns[keep]


def _iou_matrix(a: FloatArray, b: FloatArray) -> FloatArray:
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


def _is_one_to_one(rows: IntArray, columns: IntArray) -> bool:
    count = len(rows)
    return count > 0 and len(set(rows.tolist())) == count and len(set(columns.tolist())) == count


def _match_sparse(
    detections: FloatArray,
    tracks: FloatArray,
    iou_threshold: float,
    labels: tuple[FloatArray, FloatArray] | None,
) -> Pairs:
    """The same over a list of the pairs that overlap. Pairs with IoU 0 add nothing to the sum that the assignment
    maximises and are undone in any case, so leaving them out changes nothing."""
    rows, columns, overlap = _overlapping_pairs(detections, tracks, labels)
    over = overlap > iou_threshold
    if _is_one_to_one(rows[over], columns[over]):
        return rows[over], columns[over]
    chosen = _max_weight_pairs(rows, columns, overlap, detections.shape[1], tracks.shape[1])
    chosen = chosen[overlap[chosen] >= iou_threshold]
    chosen = chosen[np.argsort(rows[chosen])]
    return rows[chosen], columns[chosen]


def _overlapping_pairs(
    a: FloatArray, b: FloatArray, labels: tuple[FloatArray, FloatArray] | None
) -> tuple[IntArray, IntArray, FloatArray]:
    """Indices into `a` and `b`, and IoU, of all pairs with IoU > 0.

    Two boxes overlap in x when the left edge of one lies within the other; sorted edges find those by bisection.
    """
    rows_1, columns_1 = _starting_within(a, b, "left")
    columns_2, rows_2 = _starting_within(b, a, "right")
    rows, columns = np.concatenate((rows_1, rows_2)), np.concatenate((columns_1, columns_2))
    height = np.minimum(a[3, rows], b[3, columns]) - np.maximum(a[1, rows], b[1, columns])
    keep = height > 0
    if labels is not None:
        keep &= labels[0][rows] == labels[1][columns]
    rows, columns, height = rows[keep], columns[keep], height[keep]
    width = np.minimum(a[2, rows], b[2, columns]) - np.maximum(a[0, rows], b[0, columns])
    intersection = width * height
    overlap = intersection / (_area(a)[rows] + _area(b)[columns] - intersection)
    touch = overlap > 0  # an overlap too thin for a float64 is none
    return (rows, columns, overlap) if touch.all() else (rows[touch], columns[touch], overlap[touch])


def _starting_within(a: FloatArray, b: FloatArray, side: str) -> Pairs:
    """All pairs of a box of `a` whose left edge lies within a box of `b` (side "right": not at its left edge)."""
    order = np.argsort(a[0], kind="stable")
    left = a[0, order]
    first = np.searchsorted(left, b[0], side="right" if side == "right" else "left")
    count = np.maximum(np.searchsorted(left, b[2], side="left") - first, 0)
    columns = np.repeat(np.arange(len(count)), count)
    start = np.repeat(first - (np.cumsum(count) - count), count)
    return order[np.arange(len(columns)) + start], columns


def _max_weight_pairs(
    rows: IntArray, columns: IntArray, weight: FloatArray, row_count: int, column_count: int
) -> IntArray:
    """Indices of the pairs of a one-to-one matching with the largest sum of weights (all above 0).

    A pair that outweighs the best rival of its row plus the best rival of its column belongs to every optimum (put
    it in, take at most those two out, and the sum grows). Taking such pairs until none is left settles nearly
    all of a scene; the Hungarian method gets the rest.
    """
    taken: list[IntArray] = []
    left = np.arange(len(rows))
    while len(left):
        r, c, w = rows[left], columns[left], weight[left]
        best_of_row, rival_in_row = _best_and_rival(r, w, row_count)
        best_of_column, rival_in_column = _best_and_rival(c, w, column_count)
        index = best_of_row[best_of_row >= 0]
        index = index[best_of_column[c[index]] == index]
        index = index[w[index] > rival_in_row[r[index]] + rival_in_column[c[index]]]
        if len(index) == 0:
            break
        taken.append(left[index])
        free_row, free_column = np.ones(row_count, dtype=bool), np.ones(column_count, dtype=bool)
        free_row[r[index]] = False
        free_column[c[index]] = False
        left = left[free_row[r] & free_column[c]]
    if len(left):
        taken.append(left[_assign(rows[left], columns[left], weight[left])])
    return np.concatenate(taken) if taken else _NONE


def _best_and_rival(group: IntArray, weight: FloatArray, count: int) -> tuple[IntArray, FloatArray]:
    """For each of `count` groups: index of its heaviest pair (-1: none) and the weight of the next (0: none)."""
    top = np.zeros(count)
    np.maximum.at(top, group, weight)
    is_top = (weight == top[group]).nonzero()[0]
    best = np.full(count, -1)
    best[group[is_top]] = is_top
    others = np.ones(len(group), dtype=bool)
    others[best[best >= 0]] = False
    rival = np.zeros(count)
    np.maximum.at(rival, group[others], weight[others])
    return best, rival


def _assign(rows: IntArray, columns: IntArray, weight: FloatArray) -> IntArray:
    """Indices of the pairs that the Hungarian method picks, over the rows and columns that occur."""
    row_ids, row = np.unique(rows, return_inverse=True)
    column_ids, column = np.unique(columns, return_inverse=True)
    matrix = np.zeros((len(row_ids), len(column_ids)))
    matrix[row, column] = weight
    index = np.full(matrix.shape, -1)
    index[row, column] = np.arange(len(rows))
    picked = index[linear_sum_assignment(matrix, maximize=True)]
    return picked[picked >= 0]
