"""The smoother's closed form against filterpy's matrices, and against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter

from rtdet.tracks.offline.kalman import most_likely


def scene(seed, rows=60):
    """dt, values, variances, powers, seen."""
    rng = np.random.default_rng(seed)
    dt = rng.choice([1 / 30, 1 / 12, 0.4], rows) * rng.uniform(0.5, 1.5, rows)
    dt[0] = 0.0
    size = np.exp(rng.normal(0, 0.5, rows))
    seen = rng.random(rows) < 0.7
    seen[[0, -1]] = True
    return dt, rng.normal(0, 0.3, rows).cumsum(), (0.05 * size) ** 2, (0.75 * size) ** 2, seen


def by_filterpy(dt, values, variances, powers, seen, velocity_variance):
    kalman = KalmanFilter(dim_x=2, dim_z=1)
    kalman.H = np.array([[1.0, 0.0]])
    kalman.x = np.array([values[0], 0.0])
    kalman.P = np.diag([variances[0], velocity_variance])
    F = [np.array([[1.0, t], [0.0, 1.0]]) for t in dt]
    Q = [w * np.array([[t**3 / 3, t**2 / 2], [t**2 / 2, t]]) for t, w in zip(dt, powers, strict=True)]
    measured = [None, *(v if is_seen else None for v, is_seen in zip(values[1:], seen[1:], strict=True))]
    means, covariances, _, _ = kalman.batch_filter(
        measured, Fs=F, Qs=Q, Rs=[np.array([[r]]) for r in variances]
    )
    return kalman.rts_smoother(means, covariances, F, Q)[0][:, 0]


@pytest.mark.parametrize("seed", range(30))
def test_the_most_likely_values_are_those_of_filterpy(seed):
    ours = most_likely(*(column.tolist() for column in scene(seed)), 100.0)
    np.testing.assert_allclose(ours, by_filterpy(*scene(seed), 100.0), rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_nothing_cancels_however_little_is_known_of_the_first_velocity(seed):
    dt, values, variances, powers, seen = (column.tolist() for column in scene(seed, rows=12))
    dt[3:5] = 0.0, 1e-6
    rounded = most_likely(dt, values, variances, powers, seen, 1e6)
    exact = most_likely(
        *([Fraction(number) for number in column] for column in (dt, values, variances, powers)),
        seen,
        Fraction(10**6),
    )
    np.testing.assert_allclose(rounded, [float(value) for value in exact], rtol=0, atol=1e-13)


def test_one_row_is_what_was_seen():
    assert most_likely([0.0], [3.0], [1.0], [1.0], [True], 1e6) == [3.0]


def test_rows_of_one_time_have_one_value():
    values = most_likely([0.0, 0.0, 0.0], [1.0, 2.0, 6.0], [1.0] * 3, [1.0] * 3, [True] * 3, 1e6)
    np.testing.assert_allclose(values, [3.0] * 3)
