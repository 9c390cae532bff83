"""The Kalman filter of DeepSORT and ByteTrack for all boxes at once, in closed form.

State (cx, cy, a, h) with a = w/h and a velocity each (Wojke et al. 2017, arXiv 1703.07402; Zhang et al. 2022, arXiv
2110.06864). Noise follows the box's height: standard deviations of h/20 for positions and h/160 for velocities, of
constants for the aspect. Nothing ties one of the four to another, so the 8x8 filter is four 2x2 filters. A *state* is
laid out as in kalman.py, (5, 4, N), and velocities are per frame.
"""

from __future__ import annotations

import numpy as np

from rtdet.trackers.kalman import COV, MEAN, VAR, VELOCITY, VELOCITY_VAR
from rtdet.types import FloatArray, IntArray

ASPECT, HEIGHT = 2, 3
POSITION_STD, VELOCITY_STD = 1 / 20, 1 / 160
ASPECT_STD, ASPECT_VELOCITY_STD, ASPECT_MEASURED_STD = 1e-2, 1e-5, 1e-1
SHORTEST_HEIGHT = 1e-3


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
    half = 0.5 * mean[HEIGHT] * np.stack((mean[ASPECT], np.ones_like(mean[HEIGHT])))
    return np.concatenate((mean[:2] - half, mean[:2] + half))


def begin(measurement: FloatArray) -> FloatArray:
    """States (5, 4, N) of boxes seen for the first time: at rest, twice and ten times the usual noise."""
    state = np.zeros((5, *measurement.shape))
    state[MEAN] = measurement
    position, velocity = _variances(measurement[HEIGHT], ASPECT_STD)
    state[VAR], state[VELOCITY_VAR] = 4 * position, 100 * velocity
    state[VAR, ASPECT], state[VELOCITY_VAR, ASPECT] = ASPECT_STD**2, ASPECT_VELOCITY_STD**2
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
    position_noise, velocity_noise = _variances(mean[HEIGHT], ASPECT_STD)
    state[MEAN] = _upright(mean + dt * velocity, mean)
    var += 2 * dt * cov + dt**2 * velocity_var
    var += dt * position_noise + velocity_noise * (dt * (dt - 1) * (2 * dt - 1) / 6)
    cov += dt * velocity_var + velocity_noise * (dt * (dt - 1) / 2)
    velocity_var += dt * velocity_noise


def correct(state: FloatArray, columns: IntArray, measurement: FloatArray) -> None:
    """Takes in one measurement (4, K) for each of `columns` (K,), in place."""
    some = state[:, :, columns]
    noise, _ = _variances(some[MEAN, HEIGHT], ASPECT_MEASURED_STD)
    gain = some[VAR : COV + 1] / (some[VAR] + noise)
    some[: VELOCITY + 1] += gain * (measurement - some[MEAN])
    some[VELOCITY_VAR] -= gain[1] * some[COV]
    some[VAR : COV + 1] *= 1.0 - gain[0]
    state[:, :, columns] = some


def _upright(mean: FloatArray, before: FloatArray) -> FloatArray:
    """Heights and aspects that would reach zero stay as they were."""
    gone = mean[ASPECT:] < SHORTEST_HEIGHT
    mean[ASPECT:][gone] = np.maximum(before[ASPECT:][gone], SHORTEST_HEIGHT)
    return mean


def _variances(height: FloatArray, aspect_std: float) -> tuple[FloatArray, FloatArray]:
    """(4, N) of values and of velocities."""
    by_height = np.repeat(height[None], 4, axis=0)
    position, velocity = (POSITION_STD * by_height) ** 2, (VELOCITY_STD * by_height) ** 2
    position[ASPECT], velocity[ASPECT] = aspect_std**2, ASPECT_VELOCITY_STD**2
    return position, velocity
