"""The Kalman filter of DeepSORT and ByteTrack for all boxes at once, in closed form.

State (cx, cy, a, h) with a = w/h and a velocity each (Wojke et al. 2017, arXiv 1703.07402; Zhang et al. 2022, arXiv
2110.06864). Noise follows the box's height: standard deviations of h/20 for positions and h/160 for velocities, of
constants for the aspect. Nothing ties one of the four to another, so the 8x8 filter is four 2x2 filters. A *state* is
laid out as in kalman.py, (5, 4, N), and velocities are per frame.
"""

from __future__ import annotations

import numpy as np

from rtdet.trackers import kalman
from rtdet.trackers.kalman import COV, MEAN, VAR, VELOCITY, VELOCITY_VAR
from rtdet.types import FloatArray

ASPECT, HEIGHT = 2, 3
SHORTEST_HEIGHT = 1e-3
# Variances are a share of the squared height, or, of the aspect, a constant: (4, 1) each, values then velocities.
_SHARE = np.array([[[1.0], [1.0], [0.0], [1.0]]]) * np.array([[[1 / 20]], [[1 / 160]]]) ** 2
_ASPECT = np.array([[[0.0], [0.0], [1.0], [0.0]]]) * np.array([[[1e-2]], [[1e-5]]]) ** 2
_MEASURED_ASPECT = np.array([[0.0], [0.0], [1e-1**2], [0.0]])


def to_measurement(corners: FloatArray) -> FloatArray:
    """(4, N) rows cx, cy, a = w/h, h of the corners (4, N). Sides must be above 0."""
    size = corners[2:] - corners[:2]
    measurement = np.empty_like(corners)
    measurement[:2] = corners[:2] + size * 0.5
    measurement[ASPECT] = size[0] / size[1]
    measurement[HEIGHT] = size[1]
    return measurement


def to_corners(mean: FloatArray) -> FloatArray:
    """Corners of means (4, N)."""
    half, corners = mean[ASPECT:] * 0.5, np.empty_like(mean)
    half[0] *= mean[HEIGHT]
    np.subtract(mean[:2], half, out=corners[:2])
    np.add(mean[:2], half, out=corners[2:])
    return corners


def begin(measurement: FloatArray) -> FloatArray:
    """States (5, 4, N) of boxes seen for the first time: at rest, with twice and ten times the usual noise."""
    state = np.zeros((5, *measurement.shape))
    state[MEAN] = measurement
    position, velocity = _noise(measurement)
    state[VAR], state[VELOCITY_VAR] = 4 * position, 100 * velocity
    state[VAR, ASPECT], state[VELOCITY_VAR, ASPECT] = position[ASPECT], velocity[ASPECT]
    return state


def extrapolate(state: FloatArray, dt: float) -> FloatArray:
    """Means (4, N) that are `dt` frames away; `state` is left alone."""
    mean: FloatArray = state[MEAN] + dt * state[VELOCITY]
    return _upright(mean, state[MEAN])


def predict(state: FloatArray, dt: float = 1.0) -> None:
    """Moves the states `dt` frames on, in place.

    Q(dt) is kalman.predict's polynomial: the published Q at dt = 1, continuous, and, while heights stay, the sum of n
    published steps at dt = n.
    """
    mean, velocity, var, cov, velocity_var = state
    noise = _noise(mean)
    state[MEAN] = _upright(mean + dt * velocity, mean)
    if dt == 1.0:  # nearly always: the same sums in fewer steps
        state[VAR : COV + 1] += state[COV:]
        var += cov
        state[VAR::2] += noise
        return
    position_noise, velocity_noise = noise
    var += 2 * dt * cov + dt**2 * velocity_var
    var += dt * position_noise + velocity_noise * (dt * (dt - 1) * (2 * dt - 1) / 6)
    cov += dt * velocity_var + velocity_noise * (dt * (dt - 1) / 2)
    velocity_var += dt * velocity_noise


def correct(state: FloatArray, measurement: FloatArray, measured: FloatArray) -> None:
    """Takes in the measurements (4, N) of the states whose `measured` (N,) is 1.0, in place; those with 0.0 stay."""
    noise = _SHARE[0] * state[MEAN, HEIGHT] ** 2
    noise += _MEASURED_ASPECT
    kalman.correct(state, measurement, measured, noise)


def _upright(mean: FloatArray, before: FloatArray) -> FloatArray:
    """Heights and aspects that would reach zero stay as they were."""
    gone = mean[ASPECT:] < SHORTEST_HEIGHT
    if gone.any():
        mean[ASPECT:][gone] = np.maximum(before[ASPECT:][gone], SHORTEST_HEIGHT)
    return mean


def _noise(mean: FloatArray) -> FloatArray:
    """(2, 4, N) variances that one frame adds to values and to velocities."""
    noise: FloatArray = _SHARE * mean[HEIGHT] ** 2
    noise += _ASPECT
    return noise
