"""The size-relative filter against a plain 8x8 one, and its time step."""

from __future__ import annotations

import numpy as np
import pytest
from filterpy.kalman import KalmanFilter

from rtdet.trackers import kalman_xywh as kalman

WIDTH, HEIGHT = 40.0, 100.0


def plain_filter(z):
    """BoT-SORT's matrices for one box whose size is that of `z`."""
    size = np.array([z[2], z[3], z[2], z[3]])
    plain = KalmanFilter(dim_x=8, dim_z=4)
    plain.F, plain.H = np.eye(8) + np.eye(8, k=4), np.eye(4, 8)
    plain.Q = np.diag(np.concatenate(((size / 20) ** 2, (size / 160) ** 2)))
    plain.R = np.diag((size / 10) ** 2)
    plain.P = np.diag(np.concatenate((4 * (size / 10) ** 2, 100 * (size / 160) ** 2)))
    plain.x[:4, 0] = z
    return plain


def begun(measurement):
    """Box and velocity in one array, and the spread."""
    motion = np.concatenate((measurement, np.zeros_like(measurement)))
    return motion, kalman.first_spread(measurement.shape[1])


def parts_of(motion):
    return motion[:4], motion[4:]


def test_for_a_box_of_steady_size_it_is_the_eight_dimensional_filter():
    rng = np.random.default_rng(0)
    z = np.array([100.0, 200.0, WIDTH, HEIGHT])
    plain = plain_filter(z)
    motion, spread = begun(z[:, None])
    for i in range(20):
        plain.predict()
        kalman.predict(*parts_of(motion), spread, 1.0)
        if i % 5 != 3:
            seen = z + np.array([3.0 * i, *rng.normal(0, 2, 1), 0.0, 0.0])
            plain.update(seen)
            kalman.correct(*parts_of(motion), spread, seen[:, None])
        np.testing.assert_allclose(motion[:, 0], plain.x[:, 0], atol=1e-9)
        variance = spread[kalman.VAR, 0] * np.array([WIDTH, HEIGHT]) ** 2
        np.testing.assert_allclose(variance, np.diag(plain.P)[:2], rtol=1e-9)


@pytest.mark.parametrize("parts", [(1.0, 1.0, 1.0), (0.5, 2.5), (0.1, 0.2, 2.7), (3.0,)])
def test_steps_add_up(parts):
    motion, spread = begun(np.array([[100.0], [200.0], [WIDTH], [HEIGHT]]))
    motion[4:] = [[3.0], [-2.0], [0.5], [1.0]]
    for dt in parts:
        kalman.predict(*parts_of(motion), spread, dt)
    once, spread_once = begun(np.array([[100.0], [200.0], [WIDTH], [HEIGHT]]))
    once[4:] = motion[4:]
    kalman.predict(*parts_of(once), spread_once, 3.0)
    np.testing.assert_allclose(motion, once)
    np.testing.assert_allclose(spread, spread_once)


def test_a_side_never_shrinks_to_nothing():
    motion, spread = begun(np.array([[100.0], [200.0], [WIDTH], [HEIGHT]]))
    motion[6:] = -30.0
    for _ in range(50):
        kalman.predict(*parts_of(motion), spread, 4.0)
        assert (motion[kalman.SIZE] > 0).all()


def test_uncertainty_is_the_centres_deviation_over_the_root_of_the_area():
    motion, spread = begun(np.array([[0.0], [0.0], [50.0], [50.0]]))
    assert kalman.uncertainty(motion[:4], spread)[0] == pytest.approx(2 * kalman.MEASURED_STD)
    before = kalman.uncertainty(motion[:4], spread)
    kalman.predict(*parts_of(motion), spread, 10.0)
    assert (kalman.uncertainty(motion[:4], spread) > before).all()


def test_corners_and_measurements_are_each_others_inverse():
    corners = np.array([[10.0], [20.0], [50.0], [120.0]])
    np.testing.assert_allclose(kalman.to_corners(kalman.to_measurement(corners)), corners)
