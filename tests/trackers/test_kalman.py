"""The closed form against filterpy's 7x7 KalmanFilter, one filter for each track."""

from __future__ import annotations

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdet.trackers import kalman

TRACKS = 7


def published_filter(measurement):
    """SORT's filter with the matrices of the paper."""
    filter_ = KalmanFilter(dim_x=7, dim_z=4)
    filter_.F = np.eye(7) + np.eye(7, k=4)
    filter_.H = np.eye(4, 7)
    filter_.P = np.diag([10.0, 10, 10, 10, 1e4, 1e4, 1e4])
    filter_.Q = np.diag([1, 1, 1, 1, 0.01, 0.01, 0.0001])
    filter_.R = np.diag([1.0, 1, 10, 10])
    filter_.x[:4, 0] = measurement
    return filter_


def predict_published(filter_):
    if filter_.x[2, 0] + filter_.x[6, 0] <= 0:
        filter_.x[6] = 0
    filter_.predict()


def mean_of(state, i):
    """(7,) as the paper orders it."""
    return np.concatenate([state[kalman.MEAN, :, i], state[kalman.VELOCITY, :3, i]])


def covariance_of(state, i):
    """(7, 7) of track i."""
    p = np.diag(np.concatenate([state[kalman.VAR, :, i], state[kalman.VELOCITY_VAR, :3, i]]))
    for k in range(3):
        p[k, k + 4] = p[k + 4, k] = state[kalman.COV, k, i]
    return p


def assert_equal(state, filters):
    for i, filter_ in enumerate(filters):
        np.testing.assert_allclose(mean_of(state, i), filter_.x[:, 0], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(covariance_of(state, i), filter_.P, rtol=1e-9, atol=1e-9)


def random_corners(rng, count):
    left_top = rng.uniform(-100, 2000, (2, count))
    return np.concatenate([left_top, left_top + rng.uniform(1, 500, (2, count))])


@pytest.mark.parametrize("seed", range(5))
def test_every_predict_and_every_update_equals_filterpy(seed):
    rng = np.random.default_rng(seed)
    corners = random_corners(rng, TRACKS)
    state = kalman.begin(kalman.to_measurement(corners))
    filters = [published_filter(z) for z in kalman.to_measurement(corners).T]
    assert_equal(state, filters)
    velocity = rng.normal(0, 10, corners.shape)
    for step in range(60):
        kalman.predict(state)
        for filter_ in filters:
            predict_published(filter_)
        assert_equal(state, filters)
        seen = rng.random(TRACKS) < 0.7
        measurement = kalman.to_measurement(_ordered(corners + step * velocity))
        kalman.correct(state, measurement, seen.astype(float))
        for i in np.flatnonzero(seen):
            filters[i].update(measurement[:, i])
        assert_equal(state, filters)


def _ordered(corners):
    low, high = np.minimum(corners[:2], corners[2:]), np.maximum(corners[:2], corners[2:])
    return np.concatenate([low, high + 1])


def test_a_box_that_would_shrink_to_nothing_stops_shrinking_as_published():
    corners = np.array([[0.0], [0.0], [100.0], [100.0]])
    state = kalman.begin(kalman.to_measurement(corners))
    filter_ = published_filter(kalman.to_measurement(corners)[:, 0])
    small = kalman.to_measurement(np.array([[48.0], [48.0], [52.0], [52.0]]))
    kalman.predict(state)
    predict_published(filter_)
    kalman.correct(state, small, np.ones(1))
    filter_.update(small[:, 0])
    assert filter_.x[2, 0] + filter_.x[6, 0] <= 0
    ahead = kalman.extrapolate(state, 1.0)
    for _ in range(3):
        kalman.predict(state)
        predict_published(filter_)
        assert_equal(state, [filter_])
    assert ahead[kalman.AREA, 0] > 0
    assert np.isfinite(kalman.to_corners(ahead)).all()


def test_a_step_of_n_frames_equals_n_published_steps():
    rng = np.random.default_rng(1)
    corners = random_corners(rng, TRACKS)
    one = kalman.begin(kalman.to_measurement(corners))
    one[kalman.VELOCITY, :2] = rng.normal(0, 9, (2, TRACKS))
    for n in (2, 3, 10):
        many, at_once = one.copy(), one.copy()
        for _ in range(n):
            kalman.predict(many)
        kalman.predict(at_once, float(n))
        np.testing.assert_allclose(at_once, many, rtol=1e-9, atol=1e-9)


@given(a=st.floats(0.05, 8), b=st.floats(0.05, 8))
@settings(deadline=None, max_examples=50)
def test_two_steps_equal_one_step_of_both_durations(a, b):
    rng = np.random.default_rng(2)
    apart = kalman.begin(kalman.to_measurement(random_corners(rng, 3)))
    apart[kalman.VELOCITY, :2] = rng.normal(0, 9, (2, 3))
    together = apart.copy()
    kalman.predict(apart, a)
    kalman.predict(apart, b)
    kalman.predict(together, a + b)
    np.testing.assert_allclose(apart, together, rtol=1e-9, atol=1e-9)


@given(dt=st.floats(0.01, 30))
@settings(deadline=None, max_examples=50)
def test_the_covariance_stays_positive_at_every_time_step(dt):
    state = np.zeros((5, 4, 1))
    state[kalman.MEAN] = 100.0
    for _ in range(5):
        kalman.predict(state, dt)
    determinant = state[kalman.VAR] * state[kalman.VELOCITY_VAR] - state[kalman.COV] ** 2
    assert (state[kalman.VAR] > 0).all()
    assert (determinant[:3] > 0).all()


def test_nothing_jumps_at_the_nominal_time_step():
    state = kalman.begin(kalman.to_measurement(random_corners(np.random.default_rng(3), TRACKS)))
    exactly, nearly = state.copy(), state.copy()
    kalman.predict(exactly, 1.0)
    kalman.predict(nearly, 1.0 + 1e-9)
    np.testing.assert_allclose(nearly, exactly, rtol=1e-6, atol=1e-6)


def test_extrapolating_gives_the_predicted_means_and_changes_nothing():
    state = kalman.begin(kalman.to_measurement(random_corners(np.random.default_rng(4), TRACKS)))
    state[kalman.VELOCITY] = 0.5
    before = state.copy()
    ahead = kalman.extrapolate(state, 2.5)
    np.testing.assert_array_equal(state, before)
    kalman.predict(state, 2.5)
    np.testing.assert_allclose(ahead, state[kalman.MEAN])


def test_corners_survive_the_way_to_a_measurement_and_back():
    corners = random_corners(np.random.default_rng(5), 50)
    np.testing.assert_allclose(kalman.to_corners(kalman.to_measurement(corners)), corners, atol=1e-9)
