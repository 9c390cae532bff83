"""A Kalman filter over centre, width and height whose noise is a fraction of the box's size.

State (cx, cy, w, h) with a velocity each, as in BoT-SORT (Aharon et al. 2022, arXiv 2206.14651): in x and w every
standard deviation is a fraction of the width, in y and h the same fraction of the height. So all four, divided by
their size, have the same covariance, and that depends on when a track was measured and not on its box: one 2x2
matrix a track instead of an 8x8 one, and one gain for all four.

*Motion* is an array (8, N): rows cx, cy, w, h and their velocities, pixels and pixels a frame. *Spread* is (3, N):
var(value), cov(value, velocity) and var(velocity), in units of the box's size. *Corners* are (4, N).
"""

from __future__ import annotations

import numpy as np

from rtdet.types import FloatArray, IntArray

SIZE, VELOCITY, SIZE_VELOCITY = slice(2, 4), slice(4, 8), slice(6, 8)
VAR, COV, VELOCITY_VAR = range(3)
# Of the size, a frame. The measured one is twice BoT-SORT's.
POSITION_STD, VELOCITY_STD, MEASURED_STD = 1 / 20, 1 / 160, 1 / 10
_R, _Q, _U = MEASURED_STD**2, POSITION_STD**2, VELOCITY_STD**2
_P0 = np.array([[4 * _R], [0.0], [100 * _U]])
# The least that is left of a side in one step.
SHRINK = 0.5


def to_measurement(corners: FloatArray) -> FloatArray:
    """(4, N) rows cx, cy, w, h of the corners (4, N)."""
    measurement = np.empty_like(corners)
    np.subtract(corners[2:], corners[:2], out=measurement[2:])
    np.add(corners[:2], corners[2:], out=measurement[:2])
    measurement[:2] *= 0.5
    return measurement


def to_corners(motion: FloatArray) -> FloatArray:
    """Corners (4, N) of the rows cx, cy, w, h."""
    half = motion[SIZE] * 0.5
    corners = np.empty((4, motion.shape[1]))
    np.subtract(motion[:2], half, out=corners[:2])
    np.add(motion[:2], half, out=corners[2:])
    return corners


def begin(measurement: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Motion and spread of boxes seen for the first time: at rest, twice and ten times the usual noise."""
    motion = np.concatenate((measurement, np.zeros_like(measurement)))
    return motion, np.repeat(_P0, measurement.shape[1], axis=1)


def extrapolate(motion: FloatArray, dt: float) -> FloatArray:
    """Rows cx, cy, w, h (4, N), `dt` frames away; `motion` is left alone. No side shrinks to less than half."""
    moved: FloatArray = motion[:4] + dt * motion[VELOCITY]
    np.maximum(moved[SIZE], motion[SIZE] * SHRINK, out=moved[SIZE])
    return moved


def predict(motion: FloatArray, spread: FloatArray, dt: float) -> None:
    """Moves the tracks `dt` frames on, in place.

    Q(dt) is kalman.predict's polynomial: n steps of one frame and one step of n frames give the same.
    """
    motion[:4] = extrapolate(motion, dt)
    var, cov, velocity_var = spread
    var += (2 * dt) * cov
    var += dt**2 * velocity_var
    var += dt * _Q + _U * (dt * (dt - 1) * (2 * dt - 1) / 6)
    cov += dt * velocity_var
    cov += _U * (dt * (dt - 1) / 2)
    velocity_var += dt * _U


def correct(motion: FloatArray, spread: FloatArray, columns: IntArray, measurement: FloatArray) -> None:
    """Takes in one measurement (4, K) for each of `columns` (K,), in place."""
    before = spread.take(columns, axis=1)
    gain = before[:2] / (before[VAR] + _R)
    innovation = measurement - motion[:4, columns]
    motion[:, columns] += np.concatenate((gain[0] * innovation, gain[1] * innovation))
    before[VELOCITY_VAR] -= gain[1] * before[COV]
    before[:2] *= 1.0 - gain[0]
    spread[:, columns] = before


def uncertainty(motion: FloatArray, spread: FloatArray) -> FloatArray:
    """(N,) standard deviation of the centre, per axis in the mean, over the square root of the area."""
    width, height = motion[SIZE]
    var = np.maximum(spread[VAR], 0.0)  # a prediction backwards may take away more than there is
    return np.asarray(np.sqrt(var * 0.5 * (width / height + height / width)))
