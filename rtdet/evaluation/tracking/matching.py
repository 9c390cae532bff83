"""One-to-one matchings of the largest sum of weights, of every frame of a sequence at once."""

from __future__ import annotations

import numpy as np

from rtdet.evaluation.tracking.overlaps import Overlaps
from rtdet.evaluation.tracking.trial import only_heaviest
from rtdet.geometry.assignment import assign
from rtdet.types import BoolArray, FloatArray, IntArray


def heaviest_matching(
    overlaps: Overlaps, pairs: IntArray, weight: FloatArray, wanted: BoolArray | None = None
) -> IntArray:
    """The pairs that are taken, rising. pairs (K,): rising places among all pairs; weight (K,) above 0; wanted (K,):
    only which of these are taken is asked, and only these are given.

    Most are settled without a look at their frame (see settled), and most others by trying what is left of it.
    Where several matchings are equally heavy, the frame is solved by `assign`, and as a whole: which of them that
    finds depends on all of the frame, and so it is the one that others find who solve each frame with SciPy.
    """
    wanted = np.ones(len(pairs), dtype=bool) if wanted is None else wanted
    rows, columns, frames = overlaps.rows[pairs], overlaps.columns[pairs], overlaps.frames[pairs]
    taken, open_ = settled(rows, columns, weight)
    is_asked, is_whole = np.zeros((2, overlaps.frame_count), dtype=bool)
    is_asked[frames[open_[wanted[open_]]]] = True
    open_ = open_[is_asked[frames[open_]]]
    parts = []
    for group in np.split(open_, np.flatnonzero(np.diff(frames[open_])) + 1) if len(open_) else ():
        best = only_heaviest(rows[group].tolist(), columns[group].tolist(), weight[group].tolist())
        if best is not None:
            parts.append(group[list(best)])
            continue
        frame = frames[group[0]]
        is_whole[frame] = True
        whole = slice(*np.searchsorted(frames, (frame, frame + 1)))
        parts.append(np.searchsorted(pairs, match_frame(overlaps, pairs[whole], weight[whole])))
    taken = np.concatenate((taken[~is_whole[frames[taken]]], *parts))
    return np.sort(pairs[taken[wanted[taken]]])


def match_frame(overlaps: Overlaps, pairs: IntArray, weight: FloatArray) -> IntArray:
    """The pairs that `assign` takes, of those of one frame; all its boxes are rows and columns, and what
    is no pair weighs 0."""
    frame = overlaps.frames[pairs[0]]
    top, bottom = overlaps.truth_starts[frame : frame + 2]
    left, right = overlaps.track_starts[frame : frame + 2]
    row, column = overlaps.rows[pairs] - top, overlaps.columns[pairs] - left
    matrix = np.zeros((bottom - top, right - left))
    matrix[row, column] = weight
    place = np.full(matrix.shape, -1)
    place[row, column] = pairs
    picked = place[assign(matrix)]
    return np.asarray(picked[picked >= 0])


def settled(rows: IntArray, columns: IntArray, weight: FloatArray) -> tuple[IntArray, IntArray]:
    """Places of the pairs that every heaviest matching has, and of those that it may have or not.

    A pair that outweighs the best rival of its row plus the best rival of its column belongs to every optimum:
    put it in, take at most those two out, and the sum grows. Then what shares a row or a column with it is out,
    and others may be without rivals.
    """
    taken = [np.empty(0, dtype=np.int64)]
    open_ = np.arange(len(rows))
    row_free, column_free = (np.ones(n.max(initial=-1) + 1, dtype=bool) for n in (rows, columns))
    while len(open_):
        row, column, own = rows[open_], columns[open_], weight[open_]
        sure = own > _rival(row, own, len(row_free)) + _rival(column, own, len(column_free))
        if not sure.any():
            break
        taken.append(open_[sure])
        row_free[row[sure]] = column_free[column[sure]] = False
        open_ = open_[row_free[row] & column_free[column]]
    return np.concatenate(taken), open_


def _rival(group: IntArray, weight: FloatArray, count: int) -> FloatArray:
    """(K,) for each pair the heaviest other one of its group, 0 where there is none. group (K,) below `count`."""
    best, second = np.zeros(count), np.zeros(count)
    np.maximum.at(best, group, weight)
    is_best = weight == best[group]
    np.maximum.at(second, group[~is_best], weight[~is_best])
    is_tied = np.bincount(group[is_best], minlength=count) > 1
    return np.where(is_best & ~is_tied[group], second[group], best[group])
