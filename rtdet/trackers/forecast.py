"""Where tracked boxes will be: what each has done lately, and what the camera does, carried on.

Each box moves in a scene that stands still, and the camera moves the scene. Both go on as they do, but not for ever:
a velocity fades with a time constant of its own (an Ornstein-Uhlenbeck process; with the position, Singer 1970 one
order lower), long for those who walk past, short for a camera that is held in a hand. So the line fitted to the last
observations is as long as a velocity lasts, that of a young track is drawn to rest, and the horizon damps.

- Own motion: Kalman filters of the centre's x and y and of the height's logarithm, one covariance for each track and
  value, in units of the box's size.
- The camera: rates of shift, zoom and roll, filtered over the steps that the tracker read from the boxes.
- The width follows the height. Their ratio swings with each stride of who walks: of the last one only a part is
  believed, and for a moment; the rest is the mean.

benchmarks/streaming_accuracy.py measures what it brings.
"""

from __future__ import annotations

import math

import numpy as np

from rtdet.trackers.camera_step import CameraStep
from rtdet.types import BoolArray, FloatArray, IntArray

# Of x, y and log height: standard deviations of a measurement (box sizes) and of the velocity (box sizes a second),
# and how long a velocity lasts (seconds). The world is wider than high, so that most motion is along x.
MEASURED_STD = np.array([[0.04], [0.04], [0.04]])
VELOCITY_STD = np.array([[0.6], [0.15], [0.2]])
LASTS_S = np.array([[4.0], [0.6], [1.2]])
# The camera's velocity: how long it lasts, and a step's standard deviation in seconds of its usual velocity.
CAMERA_LASTS_S, CAMERA_STEP_S = 0.3, 0.015
# Half-life of the mean of width over height, and how long a deviation from it lasts.
ASPECT_HALF_LIFE_S, STRIDE_LASTS_S = 0.6, 0.15
# A box grows or shrinks by no more than this factor on its own.
MOST_GROWTH = 2.0

# Rows of the table, one column a track. x, y are pixels in the last frame; the covariances are in box sizes.
VALUE, VELOCITY = slice(0, 3), slice(3, 6)
VAR, COV, VELOCITY_VAR = slice(6, 9), slice(9, 12), slice(12, 15)
SEEN_S, ASPECT, ASPECT_SUM, ASPECT_WEIGHT = range(15, 19)


class Forecast:
    """The motion of a tracker's tracks; columns are the tracker's. Boxes are rows cx, cy, w, h (4, N) in pixels.

    In the order of an update: `follow_camera`, `observe`, then `keep` and `begin` as the tracker does.
    """

    def __init__(self) -> None:
        self._table = np.zeros((19, 0))
        # The velocity of a picture's point p (complex: x + iy, pixels) is shift + turn * p, pixels a second.
        self._shift, self._turn = 0j, 0j
        self._camera_var = 1.0
        self._camera_s = 0.0

    def keep(self, tracks: BoolArray) -> None:
        """Goes on with these (N,) tracks only."""
        self._table = self._table.compress(tracks, axis=1)

    def begin(self, boxes: FloatArray, now_s: float) -> None:
        """New tracks, seen for the first time: at rest, as far as one knows."""
        table = np.zeros((19, boxes.shape[1]))
        table[VALUE] = _values(boxes)
        table[VAR], table[VELOCITY_VAR] = MEASURED_STD**2, VELOCITY_STD**2
        table[ASPECT] = table[ASPECT_SUM] = np.log(boxes[2] / boxes[3])
        table[SEEN_S], table[ASPECT_WEIGHT] = now_s, 1.0
        self._table = np.concatenate((self._table, table), axis=1)

    def follow_camera(self, step: CameraStep | None, now_s: float) -> None:
        """The camera has moved by `step` since the last call; None: nobody knows."""
        elapsed_s, self._camera_s = now_s - self._camera_s, now_s
        lasting = math.exp(-elapsed_s / CAMERA_LASTS_S)
        self._shift *= lasting
        self._turn *= lasting
        self._camera_var = 1.0 - lasting**2 * (1.0 - self._camera_var)
        if step is None:
            return
        shift, turn = step.shift - step.turn * step.centre, step.turn
        gain = self._camera_var / (self._camera_var + (CAMERA_STEP_S / elapsed_s) ** 2)
        self._shift += gain * (shift / elapsed_s - self._shift)
        self._turn += gain * (turn / elapsed_s - self._turn)
        self._camera_var *= 1.0 - gain
        _move(self._table, shift, turn)

    def observe(self, columns: IntArray, boxes: FloatArray, now_s: float) -> None:
        """The tracks in `columns` (K,) were seen in `boxes` (4, K)."""
        table = self._table.take(columns, axis=1)
        elapsed_s = now_s - table[SEEN_S]
        _advance(table, elapsed_s)
        innovation = _values(boxes) - table[VALUE]
        uncertain = table[VAR] + MEASURED_STD**2
        gain, velocity_gain = table[VAR] / uncertain, table[COV] / uncertain
        table[VALUE] += gain * innovation
        table[VELOCITY] += velocity_gain * innovation
        table[VELOCITY_VAR] -= velocity_gain * table[COV]
        table[VAR] *= 1.0 - gain
        table[COV] *= 1.0 - gain
        remembered = np.exp2(-elapsed_s / ASPECT_HALF_LIFE_S)
        table[ASPECT] = np.log(boxes[2] / boxes[3])
        table[ASPECT_SUM] = table[ASPECT_SUM] * remembered + table[ASPECT]
        table[ASPECT_WEIGHT] = table[ASPECT_WEIGHT] * remembered + 1.0
        table[SEEN_S] = now_s
        self._table[:, columns] = table

    def extrapolate(self, columns: IntArray, now_s: float, ahead_s: float) -> tuple[FloatArray, FloatArray]:
        """Boxes (4, K) of the tracks in `columns` (K,), `ahead_s` seconds (also below 0) after the last update at
        `now_s`, and uncertainty (K,): the standard deviation of the centre, per axis in the mean, in box sizes."""
        table = self._table.take(columns, axis=1)
        elapsed_s = now_s + ahead_s - table[SEEN_S]
        _advance(table, elapsed_s)
        reach_s = _reach(ahead_s, CAMERA_LASTS_S)
        _move(table, self._shift * reach_s, self._turn * reach_s)
        x, y, log_height = table[VALUE]
        mean = table[ASPECT_SUM] / table[ASPECT_WEIGHT]
        aspect = mean + (table[ASPECT] - mean) * np.exp(-np.abs(elapsed_s) / STRIDE_LASTS_S)
        height = np.exp(log_height)
        uncertainty = np.sqrt(table[VAR][:2].mean(axis=0))
        return np.stack((x, y, height * np.exp(aspect), height)), uncertainty


def _values(boxes: FloatArray) -> FloatArray:
    values = boxes.take((0, 1, 3), axis=0)
    np.log(values[2], out=values[2])
    return values


def _move(table: FloatArray, shift: complex, turn: complex) -> None:
    """Moves each point p to p + shift + turn * p, in place."""
    x, y, log_height = table[VALUE]
    moved_x = shift.real + turn.real * x - turn.imag * y
    y += shift.imag + turn.real * y + turn.imag * x
    x += moved_x
    log_height += math.log(min(max(1.0 + turn.real, 1 / MOST_GROWTH), MOST_GROWTH))


def _reach(elapsed_s: float, lasts_s: float) -> float:
    """How far a velocity of 1 carries that fades with the time constant `lasts_s`; back in time, the same."""
    return math.copysign(-lasts_s * math.expm1(-abs(elapsed_s) / lasts_s), elapsed_s)


def _advance(table: FloatArray, elapsed_s: FloatArray) -> None:
    """Moves tracks and their covariances on by `elapsed_s` (K,), in place. Back in time they are as uncertain.

    The covariance of an integrated Ornstein-Uhlenbeck process whose velocity has always been fading.
    """
    size_s = np.abs(elapsed_s)
    fading = np.exp(-size_s / LASTS_S)
    reach = LASTS_S * (1.0 - fading)
    step = np.copysign(reach, elapsed_s) * table[VELOCITY]
    np.clip(step[2], -math.log(MOST_GROWTH), math.log(MOST_GROWTH), out=step[2])
    # Perspective: what comes nearer at a steady pace grows, moves so much faster, and its velocity changes twice so.
    growth = np.exp(step[2])
    step[:2] *= growth
    table[VALUE] += step
    table[VELOCITY] *= fading
    table[VELOCITY][:2] *= growth**2
    power = VELOCITY_STD**2
    table[VAR] += reach * (2 * table[COV] + reach * table[VELOCITY_VAR])
    table[VAR] += power * (2 * LASTS_S * (size_s - reach) - reach**2)
    table[COV] += reach * table[VELOCITY_VAR]
    table[COV] *= fading
    table[COV] += power * reach * (1.0 - fading)
    table[VELOCITY_VAR] *= fading**2
    table[VELOCITY_VAR] += power * (1.0 - fading**2)
