"""A Kalman filter over centre, width and height whose noise is a fraction of the box's size.

State (cx, cy, w, h) with a velocity each, as in BoT-SORT (Aharon et al. 2022, arXiv 2206.14651): in x and w every
standard deviation is a fraction of the width, in y and h the same fraction of the height. So all four, divided by
their size, have the same covariance, and that depends on when a track was measured and not on its box: one 2x2
matrix a track instead of an 8x8 one, and one gain for all four.

Boxes are rows cx, cy, w, h (4, N), pixels; *velocity* is theirs (4, N), pixels a frame. *Spread* is (3, N):
var(value), cov(value, velocity) and var(velocity), in units of the box's size. *Corners* are (4, N).
"""

from __future__ import annotations

import numpy as np

from rtdet.types import FloatArray

SIZE = slice(2, 4)
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
    np.subtract(corners[2:], corners[:2], out=measurement[SIZE])
    np.add(corners[:2], corners[2:], out=measurement[:2])
    measurement[:2] *= 0.5
    return measurement


def to_corners(boxes: FloatArray) -> FloatArray:
    """Corners (4, N) of the rows cx, cy, w, h."""
    half = boxes[SIZE] * 0.5
    corners = np.empty_like(boxes)
    np.subtract(boxes[:2], half, out=corners[:2])
    np.add(boxes[:2], half, out=corners[2:])
    return corners


def first_spread(count: int) -> FloatArray:
    """Spread (3, count) of boxes seen for the first time: at rest, twice and ten times the usual noise."""
    return np.repeat(_P0, count, axis=1)


def predict(boxes: FloatArray, velocity: FloatArray, spread: FloatArray, dt: float) -> None:
    """Moves the boxes `dt` frames on, in place. No side shrinks to less than half.

    Q(dt) is kalman.predict's polynomial: n steps of one frame and one step of n frames give the same.
    """
    least = boxes[SIZE] * SHRINK
    boxes += dt * velocity
    np.maximum(boxes[SIZE], least, out=boxes[SIZE])
    var, cov, velocity_var = spread
    var += (2 * dt) * cov
    var += dt**2 * velocity_var
    var += dt * _Q + _U * (dt * (dt - 1) * (2 * dt - 1) / 6)
    cov += dt * velocity_var
    cov += _U * (dt * (dt - 1) / 2)
    velocity_var += dt * _U


def correct(boxes: FloatArray, velocity: FloatArray, spread: FloatArray, measurement: FloatArray) -> None:
    """Takes in one measurement (4, N) for each box, in place."""
    gain = spread[:2] / (spread[VAR] + _R)
    innovation = measurement - boxes
    boxes += gain[VAR] * innovation
    velocity += gain[COV] * innovation
    spread[VELOCITY_VAR] -= gain[COV] * spread[COV]
    spread[:2] *= 1.0 - gain[VAR]


def uncertainty(boxes: FloatArray, spread: FloatArray) -> FloatArray:
    """(N,) standard deviation of the centre, per axis in the mean, over the square root of the area."""
    shape = boxes[2] / boxes[3]
    return np.asarray(np.sqrt(spread[VAR] * 0.5 * (shape + 1.0 / shape)))
