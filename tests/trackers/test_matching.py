"""Detections and tracks given to each other, stage by stage."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.trackers.matching import Matching, mutual_best


def some_pairs(row_count, column_count, share, seed):
    """Rows, columns and worth of some of all pairs, in the order of the indices."""
    rng = np.random.default_rng(seed)
    rows, columns = (rng.random((row_count, column_count)) < share).nonzero()
    return rows, columns, rng.permutation(len(rows)) + 1.0


@pytest.mark.parametrize("share", [0.0, 0.02, 0.2, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_mutually_best_are_the_pairs_that_outweigh_all_others_of_their_row_and_of_their_column(share, seed):
    rows, columns, worth = some_pairs(12, 15, share, seed)
    expected = [
        (row, column)
        for row, column, own in zip(rows, columns, worth, strict=True)
        if own == worth[rows == row].max() == worth[columns == column].max()
    ]
    found = mutual_best(rows, columns, worth, (12, 15))
    assert list(zip(*(part.tolist() for part in found), strict=True)) == expected


def test_a_later_stage_leaves_alone_what_an_earlier_one_has_settled():
    matching = Matching(3, 3)
    rows, columns = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 1])
    worth = np.array([0.9, 0.5, 0.5, 0.8, 0.95])
    nothing, early = np.zeros(5, dtype=bool), np.array([True, False, True, False, False])
    matching.settle(rows, columns, worth, nothing)
    matching.settle(rows, columns, worth, early)
    matching.settle(rows, columns, worth, ~nothing)
    assert matching.track_of.tolist() == [0, -1, 1]
    assert matching.free.tolist() == [False, True, False]
    assert matching.open.tolist() == [False, False, True]
    assert [part.tolist() for part in matching.pairs()] == [[0, 2], [0, 1]]
