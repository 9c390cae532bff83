"""SORT's Kalman filter for all boxes at once, in closed form.

The model is that of Bewley et al. 2016 (arXiv 1602.00763): state (cx, cy, s, r, vcx, vcy, vs) with s = w*h
and r = w/h, constant velocity, the first four measured. Nothing in F, H, Q, R or the first P ties one of
(cx, cy, s, r) to another, so the 7x7 filter falls apart into three 2x2 filters (value, velocity) and one
scalar, r. Here r gets a velocity whose value and variances stay zero, which makes all four the same
arithmetic.

A *state* is one array (5, 4, N): for each of (cx, cy, s, r) and each of N boxes the mean, its velocity, and
the three numbers of the symmetric P: var(value), cov(value, velocity), var(velocity). Velocities are per
frame. *Corners* are boxes as (4, N): rows left, top, right, bottom.
"""

from __future__ import annotations

import numpy as np

from rtdet.types import FloatArray

MEAN, VELOCITY, VAR, COV, VELOCITY_VAR = range(5)
AREA = 2
# Far out, the sides of a small box are less than what a float64 tells apart.
LEAST_AREA = 1e-12

R = np.array([[1.0], [1.0], [10.0], [10.0]])
Q_VALUE = np.array([[1.0], [1.0], [1.0], [1.0]])
Q_VELOCITY = np.array([[0.01], [0.01], [0.0001], [0.0]])
_Q = np.stack([Q_VALUE, Q_VELOCITY])
P0_VALUE = np.array([[10.0], [10.0], [10.0], [10.0]])
P0_VELOCITY = np.array([[1e4], [1e4], [1e4], [0.0]])


def to_measurement(corners: FloatArray) -> FloatArray:
    """(4, N) rows cx, cy, s = w*h, r = w/h of the corners. Sides must be above 0."""
    size = corners[2:] - corners[:2]
    measurement = np.empty_like(corners)
    np.add(corners[:2], size * 0.5, out=measurement[:2])
    np.multiply(size[0], size[1], out=measurement[2])
    np.divide(size[0], size[1], out=measurement[3])
    return measurement


def to_corners(mean: FloatArray) -> FloatArray:
    """Corners of means (4, N): w = sqrt(s*r), h = s/w. Not finite where s*r is not above 0."""
    corners = np.empty_like(mean)
    half = np.empty_like(mean[:2])
    np.sqrt(mean[2] * mean[3], out=half[0])
    np.divide(mean[2], half[0], out=half[1])
    half *= 0.5
    np.subtract(mean[:2], half, out=corners[:2])
    np.add(mean[:2], half, out=corners[2:])
    return corners


def begin(measurement: FloatArray) -> FloatArray:
    """States (5, 4, N) of boxes seen for the first time: at rest, of very uncertain velocity."""
    state = np.zeros((5, *measurement.shape))
    state[MEAN] = measurement
    state[VAR] = P0_VALUE
    state[VELOCITY_VAR] = P0_VELOCITY
    return state


def extrapolate(state: FloatArray, dt: float | FloatArray) -> FloatArray:
    """Means (4, N) that are `dt` frames away, one for all or (N,); `state` is left alone."""
    mean: FloatArray = state[MEAN] + dt * state[VELOCITY]
    gone = mean[AREA] <= 0
    if gone.any():
        mean[AREA, gone] = state[MEAN, AREA, gone]
    return mean


def predict(state: FloatArray, dt: float | FloatArray = 1.0) -> None:
    """Moves the states `dt` frames on, one for all or (N,), in place.

    An area that would reach zero or less stops shrinking first: its velocity becomes 0.

    Q(dt) is the polynomial that n published steps (dt = 1) add up to when dt = n: for a value with noise q
    and velocity noise u,

        var += dt*q + u*dt(dt-1)(2dt-1)/6,   cov += u*dt(dt-1)/2,   velocity var += dt*u.

    So it is continuous in dt, is the published Q at dt = 1, and predicting a then b equals predicting a + b.
    """
    mean, velocity, var, cov, velocity_var = state
    moved = mean[AREA] + dt * velocity[AREA]
    if moved.min(initial=1.0) <= 0:
        velocity[AREA, moved <= 0] = 0.0
    if isinstance(dt, float) and dt == 1.0:  # nearly always: the same sums in fewer steps
        mean += velocity
        state[VAR : COV + 1] += state[COV : VELOCITY_VAR + 1]
        var += cov
        state[VAR::2] += _Q
        return
    mean += dt * velocity
    var += 2 * dt * cov + dt**2 * velocity_var
    var += dt * Q_VALUE + Q_VELOCITY * (dt * (dt - 1) * (2 * dt - 1) / 6)
    cov += dt * velocity_var + Q_VELOCITY * (dt * (dt - 1) / 2)
    velocity_var += dt * Q_VELOCITY


def correct(
    state: FloatArray, measurement: FloatArray, measured: float | FloatArray, noise: FloatArray = R
) -> None:
    """Takes in the measurements (4, N) of the states whose `measured` (N,) is 1.0, in place; those with 0.0
    stay. One number counts for all. `noise` is the variance of the measurements, (4, 1) or (4, N).

    The posterior for the gain K = P H' S^-1, S = var + R. Term by term, the published (I-KH)P(I-KH)' + KRK'
    is (1-k)*var, (1-k)*cov and velocity var - k_velocity*cov.
    """
    gain = state[VAR : COV + 1] / (state[VAR] + noise)
    gain *= measured
    innovation = measurement - state[MEAN]
    state[: VELOCITY + 1] += gain * innovation
    state[VELOCITY_VAR] -= gain[1] * state[COV]
    state[VAR : COV + 1] *= 1.0 - gain[0]


def move(state: FloatArray, transform: FloatArray, growth: tuple[float, float]) -> None:
    """Takes the camera's step out of the states, in place: centres and their velocities go by `transform` (2, 3), the
    other two values and theirs by a factor each. A step turns and zooms by too little to matter for P."""
    turn = transform[:, :2]
    state[MEAN, :2] = turn @ state[MEAN, :2] + transform[:, 2:]
    state[VELOCITY, :2] = turn @ state[VELOCITY, :2]
    state[: VELOCITY + 1, 2:] *= np.reshape(growth, (2, 1))


def zoom(transform: FloatArray) -> float:
    """How many times as long everything is after a similarity (2, 3)."""
    return float(np.hypot(transform[0, 0], transform[1, 0]))


def uncertainty(state: FloatArray, boxes: FloatArray) -> FloatArray:
    """(N,) standard deviation of the centre, per axis in the mean, over the square root of the area of the boxes
    (N, 4)."""
    size = boxes[:, 2:] - boxes[:, :2]
    area = np.maximum(size.prod(axis=1), LEAST_AREA)
    return np.asarray(np.sqrt(state[VAR, :2].mean(axis=0) / area))
