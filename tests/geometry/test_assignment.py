"""The heaviest assignment of a matrix: SciPy's, cell for cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from rtdet.geometry.assignment import assign

shapes = st.tuples(st.integers(0, 9), st.integers(0, 9))


def assert_as_scipy(weight):
    ours, theirs = assign(weight), linear_sum_assignment(weight, maximize=True)
    assert [n.tolist() for n in ours] == [n.tolist() for n in theirs], weight.tolist()


@settings(deadline=None, max_examples=500)
@given(shapes.flatmap(lambda shape: arrays(float, shape, elements=st.integers(-2, 4).map(float))))
def test_of_assignments_that_are_equally_heavy_it_is_the_one_that_scipy_finds(weight):
    assert_as_scipy(weight)


@settings(deadline=None, max_examples=200)
@given(shapes.flatmap(lambda shape: arrays(float, shape, elements=st.floats(-1e6, 1e6))))
def test_the_sum_is_the_largest_that_there_is(weight):
    rows, columns = assign(weight)
    assert len(set(rows.tolist())) == len(set(columns.tolist())) == len(rows) == min(weight.shape)
    assert weight[rows, columns].sum() == pytest.approx(
        weight[linear_sum_assignment(weight, maximize=True)].sum(), rel=1e-12, abs=1e-6
    )


@pytest.mark.parametrize("seed", range(20))
def test_thousands_of_small_matrices_with_ties_are_assigned_as_by_scipy(seed):
    rng = np.random.default_rng(seed)
    for _ in range(250):
        shape = rng.integers(1, 12, 2)
        weight = rng.integers(0, rng.integers(2, 7), shape).astype(float)
        weight *= rng.random(shape) < rng.choice([0.3, 0.7, 1.0])
        assert_as_scipy(weight)
        assert_as_scipy(weight / 10 + rng.choice([0.0, 1000.0], shape))


@pytest.mark.parametrize("shape", [(60, 60), (40, 90), (90, 40), (1, 200), (200, 1)])
@pytest.mark.parametrize("levels", [1, 2, 10, 10**6])
def test_large_matrices_are_assigned_as_by_scipy(shape, levels):
    rng = np.random.default_rng(levels)
    assert_as_scipy(rng.integers(0, levels, shape).astype(float))
    assert_as_scipy(rng.integers(0, levels, shape) * (rng.random(shape) < 0.05))


def test_the_matrix_stays_as_it_is():
    weight = np.arange(12.0).reshape(3, 4)
    for matrix in (weight, weight.T):
        before = matrix.copy()
        assign(matrix)
        np.testing.assert_array_equal(matrix, before)
