"""The heaviest matching of pairs: as heavy as the assignment of the full matrix, by every way of finding it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from rtdet.geometry import pairing
from rtdet.geometry.pairing import heaviest_matching

WAYS = {
    "search alone": {"FEW_PAIRS": 10**9},
    "without rivals first": {"FEW_PAIRS": 0, "SOME_PAIRS": 10**9},
    "compared first": {"FEW_PAIRS": 0, "SOME_PAIRS": 0},
    "compared to the end": {"FEW_PAIRS": 0, "SOME_PAIRS": 0, "_FRUITLESS": 0.999},
    "as a matrix": {"FEW_PAIRS": 10**9, "_MANY_PAIRS": 0, "_DENSE": 0.0},
}
cells = st.dictionaries(
    st.tuples(st.integers(0, 7), st.integers(0, 7)),
    st.one_of(st.integers(1, 4).map(float), st.floats(1e-3, 1.0)),
    max_size=40,
)


@pytest.fixture(params=WAYS)
def every_way(request, monkeypatch):
    for name, value in WAYS[request.param].items():
        monkeypatch.setattr(pairing, name, value)


def assert_heaviest(matrix, order=None):
    rows, columns = matrix.nonzero()
    if order is not None:
        rows, columns = rows[order], columns[order]
    weight = matrix[rows, columns]
    taken = heaviest_matching(rows, columns, weight, *matrix.shape)
    assert len(set(rows[taken].tolist())) == len(set(columns[taken].tolist())) == len(taken)
    best = matrix[linear_sum_assignment(matrix, maximize=True)].sum()
    assert weight[taken].sum() == pytest.approx(best, rel=1e-13, abs=1e-12)


@settings(deadline=None, max_examples=300)
@given(cells, st.sampled_from(sorted(WAYS)), st.randoms(use_true_random=False))
def test_no_matching_is_heavier(weights, way, random):
    matrix = np.zeros((8, 8))
    for cell, weight in weights.items():
        matrix[cell] = weight
    order = list(range(len(weights)))
    random.shuffle(order)
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in WAYS[way].items():
            monkeypatch.setattr(pairing, name, value)
        assert_heaviest(matrix, order)


@pytest.mark.parametrize("share", [0.03, 0.1, 0.4, 1.0])
@pytest.mark.parametrize("shape", [(50, 50), (20, 70), (70, 20), (1, 80), (80, 1)])
def test_no_matching_of_many_pairs_is_heavier(every_way, shape, share):
    rng = np.random.default_rng(int(100 * share))
    open_ = rng.random(shape) < share
    for matrix in (rng.random(shape), rng.integers(1, 4, shape), 1 + rng.random(shape) * 1e-9):
        assert_heaviest(matrix * open_)


def test_a_crowd_in_which_everybody_overlaps_everybody_is_matched_as_heavily():
    rng = np.random.default_rng(0)
    assert_heaviest(rng.random((130, 120)) + 0.1)
    assert_heaviest(np.ones((130, 120)))


def test_nothing_has_no_matching(every_way):
    none = np.zeros(0, dtype=np.int64)
    assert heaviest_matching(none, none, np.zeros(0), 3, 0).tolist() == []


def test_a_row_stays_alone_where_the_others_are_heavier_without_it(every_way):
    rows, columns = np.array([0, 1, 1, 2, 3]), np.array([0, 0, 1, 1, 2])
    taken = heaviest_matching(rows, columns, np.array([3.0, 2.0, 2.0, 3.0, 1.0]), 4, 3)
    assert sorted(taken.tolist()) == [0, 3, 4]
