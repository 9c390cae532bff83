"""One-to-one matching in stages: each assigns detections that are still free to tracks that are still open."""

from __future__ import annotations

import numpy as np

from rtdet.geometry.pairing import FEW_PAIRS, heaviest_matching
from rtdet.trackers.association import Pairs, is_one_to_one
from rtdet.types import BoolArray, FloatArray, IntArray


class Matching:
    """The assignment of detections to tracks so far.

    free      (M,) detections that no track has.
    open      (N,) tracks that have no detection.
    track_of  (M,) each detection's track, or -1.
    """

    def __init__(self, detections: int, tracks: int) -> None:
        self.free: BoolArray = np.empty(detections, dtype=bool)
        self.open: BoolArray = np.empty(tracks, dtype=bool)
        self.track_of: IntArray = np.empty(detections, dtype=np.int64)
        self.free.fill(True)
        self.open.fill(True)
        self.track_of.fill(-1)
        self._is_untouched = True

    def settle(self, rows: IntArray, columns: IntArray, worth: FloatArray, fits: BoolArray) -> None:
        """One stage: of the pairs that fit and are free and open, those one-to-one with the largest sum of worth."""
        if not self._is_untouched:
            fits = fits & self.free.take(rows) & self.open.take(columns)
        chosen = fits.nonzero()[0]
        if len(chosen) == 0:
            return
        self._is_untouched = False
        rows, columns = rows.take(chosen), columns.take(chosen)
        best = heaviest_matching(rows, columns, worth.take(chosen), len(self.free), len(self.open))
        rows, columns = rows.take(best), columns.take(best)
        self.free[rows], self.open[columns] = False, False
        self.track_of[rows] = columns

    def pairs(self) -> Pairs:
        """All assigned pairs, as indices of detections and of tracks."""
        rows = (~self.free).nonzero()[0]
        return rows, self.track_of.take(rows)


def mutual_best(rows: IntArray, columns: IntArray, worth: FloatArray, counts: tuple[int, int]) -> Pairs:
    """The pairs that are the best of their row (of `counts[0]`) and of their column (of `counts[1]`)."""
    if len(rows) <= FEW_PAIRS and is_one_to_one(rows, columns):
        return rows, columns
    order = worth.argsort(kind="stable")
    best_of_row, best_of_column = np.zeros(counts[0], dtype=np.int64), np.zeros(counts[1], dtype=np.int64)
    # Where an index occurs twice in an assignment, NumPy keeps the last: the best.
    best_of_row[rows.take(order)] = order
    best_of_column[columns.take(order)] = order
    chosen = best_of_row.take(rows) == best_of_column.take(columns)
    return rows[chosen], columns[chosen]
