"""Where one object was at all times, from all that was seen of it: Kalman filter forward, RTS smoother back.

An object is described by its centre and the logarithms of its width and height, each of constant velocity: four
pairs that do not mix. Logarithms, so that sides stay above 0, and a noise is a part of the size as it is for the
centre. The five numbers below are the same for every object; a distance is counted in sizes of the object
(square root of its box's area).
"""

from __future__ import annotations

import numpy as np

from rtdet.types import BoolArray, FloatArray

# Standard deviations: of a seen centre, and of the logarithm of a seen side.
CENTRE_NOISE = 0.05
SIDE_NOISE = 0.05
# By how much a velocity changes within a second (standard deviation): of the centre, in sizes a second, and of
# a side, in its logarithm a second.
CENTRE_AGILITY = 0.75
SIDE_AGILITY = 0.5
# Standard deviation of a velocity before anything is known of it: so large that it does not count, and a
# straight way stays straight from its first row on.
FIRST_VELOCITY = 1e3

_SHORTEST_SIDE = 0.01


def to_values(boxes: FloatArray) -> FloatArray:
    """(N, 4) centre x and y, logarithm of width and height. Sides under a hundredth of a pixel count as that."""
    side = np.maximum(boxes[:, 2:] - boxes[:, :2], _SHORTEST_SIDE)
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, np.log(side)], axis=1)


def to_boxes(values: FloatArray) -> FloatArray:
    """(N, 4) xyxy of the values."""
    half = np.exp(values[:, 2:]) / 2
    return np.concatenate([values[:, :2] - half, values[:, :2] + half], axis=1)


def was_seen(scores: FloatArray) -> BoolArray:
    """(N,) which rows of a track were seen; a score of 0 marks what was filled in. The first and the last row
    always count, and every row where no score tells."""
    seen: BoolArray = np.asarray(scores != 0)
    if not seen.any():
        seen[:] = True
    seen[[0, -1]] = True
    return seen


def smoothed(seconds: FloatArray, boxes: FloatArray, seen: BoolArray) -> FloatArray:
    """The most likely boxes (N, 4) of one object, given all those that were seen.

    seconds (N,) rise; boxes (N, 4) xyxy; seen (N,), of which the first is True. The box of a row that was not
    seen counts only for the object's size there. Rauch, Tung, Striebel 1965, as filterpy has it.
    """
    # Here, because it brings SciPy's linear algebra along, which the viewer's editing does not need.
    from filterpy.kalman import KalmanFilter

    if len(seconds) < 2:
        return boxes
    values = to_values(boxes)
    # In pixels for the centre, as it is for the logarithms.
    unit = np.ones_like(values)
    unit[:, :2] = np.exp(values[:, 2:].mean(axis=1))[:, None]
    variance = (unit * (CENTRE_NOISE, CENTRE_NOISE, SIDE_NOISE, SIDE_NOISE)) ** 2
    kalman = KalmanFilter(dim_x=8, dim_z=4)
    kalman.H = np.eye(4, 8)
    kalman.x = np.concatenate([values[0], np.zeros(4)])
    kalman.P = np.diag(np.concatenate([variance[0], (FIRST_VELOCITY * unit[0]) ** 2]))
    F, Q = _steps(np.diff(seconds, prepend=seconds[0]), unit)
    measured = [value if is_seen else None for value, is_seen in zip(values, seen, strict=True)]
    measured[0] = None  # it is the filter's start
    R = [np.diag(row) for row in variance]
    means, covariances, _, _ = kalman.batch_filter(measured, Fs=F, Qs=Q, Rs=R)
    return to_boxes(kalman.rts_smoother(means, covariances, F, Q)[0][:, :4])


def _steps(dt: FloatArray, unit: FloatArray) -> tuple[FloatArray, FloatArray]:
    """F and Q (N, 8, 8) of steps of `dt` (N,) seconds: constant velocity, disturbed by white noise of
    acceleration (Bar-Shalom, Li, Kirubarajan 2001, section 6.2.2). A step of 0 s changes nothing."""
    F = np.zeros((len(dt), 8, 8))
    Q = np.zeros_like(F)
    power = (unit * (CENTRE_AGILITY, CENTRE_AGILITY, SIDE_AGILITY, SIDE_AGILITY)) ** 2
    value, velocity = np.arange(4), np.arange(4, 8)
    dt = dt[:, None]
    F[:, range(8), range(8)] = 1.0
    F[:, value, velocity] = dt
    Q[:, value, value] = power * dt**3 / 3
    Q[:, value, velocity] = Q[:, velocity, value] = power * dt**2 / 2
    Q[:, velocity, velocity] = power * dt
    return F, Q
