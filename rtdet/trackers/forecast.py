"""Estimates how tracked boxes and the camera move, and forecasts where the boxes will be.

Boxes move within a scene, and the camera moves the whole scene. Both motions are expected to continue, but not for
ever: velocities fade (an Ornstein-Uhlenbeck process), slowly for a person who walks past, quickly for a camera held
in a hand. So a forecast relies on as much of a track's past as its velocity lasts, takes a young track to be nearly
at rest, and extrapolates less the farther ahead it looks.

- Own motion: Kalman filters for the centre's x and y and for the logarithm of the height; each track has a covariance
  for each of the three, in units of its box's size.
- Perspective: an object that approaches at a steady pace grows by some factor in each step; its way in that step is
  multiplied by the same factor, and its velocity by the square of it.
- The width follows the height. Their ratio swings with each stride of a person who walks: the deviation of the last
  ratio from the mean is believed by less than half, and soon forgotten.

*Motion* is an array (18, N) with a column for each track; it describes all tracks at the same moment. *Boxes* are
rows cx, cy, w, h (4, N) in pixels. benchmarks/streaming_accuracy.py measures what the forecast contributes.

A box of 40 x 100 pixels moves to the right by 10 pixels every tenth of a second. After five observations the filter
believes in most of that velocity, 100 pixels a second:

>>> def box(x):
...     return np.array([[x], [300.0], [40.0], [100.0]])
>>> motion = begin(box(200.0))
>>> for x in (210.0, 220.0, 230.0, 240.0):
...     advance(motion, 0.1)
...     surprise = correct(motion, box(x))
>>> print(motion[[X, X_VELOCITY], 0].round(1))  # x, and its velocity in pixels a second
[239.1  93.8]

Its velocity fades with a time constant of 4 seconds, so the box moves on by 83 pixels in the next second, and by
4 * 93.8 = 375 pixels in all, while the centre becomes uncertain (in units of the square root of the box's area):

>>> for elapsed_s in (0.1, 1.0, 60.0):
...     later = motion.copy()
...     advance(later, elapsed_s)
...     print(elapsed_s, to_boxes(later)[:, 0].round(1), deviation(later).round(2))
0.1 [248.4 300.   40.  100. ] [0.04]
1.0 [322.1 300.   40.  100. ] [0.23]
60.0 [614.4 300.   40.  100. ] [8.88]
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rtdet.trackers.camera_step import CameraStep, to_complex
from rtdet.types import FloatArray

# For x, y and log height: standard deviations of a measurement (box sizes) and of the velocity (box sizes a second),
# and the time constant of the velocity's fading (seconds). Most motion in the world is sideways, along x.
MEASURED_STD = np.array([0.04, 0.04, 0.04])
VELOCITY_STD = np.array([0.6, 0.15, 0.12])
LASTS_S = np.array([4.0, 0.6, 1.2])
# Half-life of the mean of log(width / height); the share of a deviation from it that is believed, and for how long.
ASPECT_HALF_LIFE_S, STRIDE_BELIEF, STRIDE_LASTS_S = 0.6, 0.4, 0.15
# A box grows or shrinks by no more than this factor in one step.
MOST_GROWTH = 2.0
# The camera's velocity: the time constant of its fading, and a step's standard deviation, expressed as the seconds in
# which the camera moves so far at its usual velocity.
CAMERA_LASTS_S, CAMERA_STEP_S = 0.3, 0.015
# A camera counts as moving when its squared steps exceed their noise by the factor EVIDENCE, averaged over EVIDENCE_S
# seconds. At first it is assumed to move.
EVIDENCE, EVIDENCE_S, FIRST_EVIDENCE, MOST_EVIDENCE = 2.0, 1.0, 4.0, 1e6

# The rows of motion: x, y and log height; the velocity of each; var(value), cov(value, velocity) and var(velocity) of
# each; then the mean of log(width / height), its weight, and the believed deviation of the last one. Rows of one kind
# lie together: with few tracks a step takes as long as it has calls of NumPy, and those on whole blocks are quickest.
ROWS = 18
_VALUE, _VELOCITY, _COVARIANCE = slice(0, 3), slice(3, 6), slice(6, 15)
_VAR, _COV, _VELOCITY_VAR = slice(6, 9), slice(9, 12), slice(12, 15)
X, Y, LOG_HEIGHT, X_VELOCITY, ASPECT, WEIGHT, STRIDE = 0, 1, 2, 3, 15, 16, 17
_BOX_ROWS = np.array((X, Y, STRIDE, LOG_HEIGHT))
_CENTER_AND_HEIGHT = np.array((0, 1, 3))
_R = (MEASURED_STD**2)[:, None]
_LOG_MOST_GROWTH = math.log(MOST_GROWTH)


def begin(boxes: FloatArray) -> FloatArray:
    """The motion (18, N) of boxes (4, N) seen for the first time: at rest, with an uncertain velocity."""
    motion = np.zeros((ROWS, boxes.shape[1]))
    motion[_VALUE], motion[ASPECT] = _values(boxes), np.log(boxes[2] / boxes[3])
    motion[_VAR], motion[_VELOCITY_VAR] = _R, VELOCITY_STD[:, None] ** 2
    motion[WEIGHT] = 1.0
    return motion


def advance(motion: FloatArray, elapsed_s: float, agility: float = 1.0) -> None:
    """Moves the tracks by `elapsed_s` seconds, in place; if negative, back in time, where they are as uncertain.

    agility  the factor by which velocities vary more than usual; they last shorter by its square (agility.py).
    """
    step = _step(elapsed_s, agility)
    value, velocity = motion[_VALUE], motion[_VELOCITY]
    moved = step.reach * velocity
    log_growth = moved[2]
    np.maximum(np.minimum(log_growth, _LOG_MOST_GROWTH, out=log_growth), -_LOG_MOST_GROWTH, out=log_growth)
    growth = np.exp(log_growth)
    in_plane = moved[:2]
    in_plane *= growth
    value += moved
    velocity *= step.fading
    growth *= growth
    in_plane = velocity[:2]
    in_plane *= growth
    covariance = motion[_COVARIANCE].reshape(3, 3, -1).swapaxes(0, 1)
    np.add(step.spreading @ covariance, step.noise, out=covariance)
    weight, stride = motion[WEIGHT], motion[STRIDE]
    weight *= step.weight_fading
    stride *= step.stride_fading


def correct(motion: FloatArray, boxes: FloatArray) -> FloatArray:
    """Updates each track with one measured box, in place. boxes: (4, N).

    Returns each track's surprise (N,): how far the centre of its box lies off, squared, over the expected variance,
    and averaged over x and y. 1 in the mean where the filter is right.
    """
    value, velocity = motion[_VALUE], motion[_VELOCITY]
    var, cov, velocity_var = motion[_VAR], motion[_COV], motion[_VELOCITY_VAR]
    expected_var = var + _R
    off = _values(boxes)
    off -= value
    gain, velocity_gain = var / expected_var, cov / expected_var
    value += gain * off
    velocity += velocity_gain * off
    velocity_var -= velocity_gain * cov
    left = 1.0 - gain
    var *= left
    cov *= left
    width, height = boxes[2], boxes[3]
    aspect, mean, weight = np.log(width / height), motion[ASPECT], motion[WEIGHT]
    weight += 1.0
    mean += (aspect - mean) / weight
    np.multiply(aspect - mean, STRIDE_BELIEF, out=motion[STRIDE])
    off *= off
    off /= expected_var
    return np.asarray(0.5 * (off[0] + off[1]) / (width * height))


def to_boxes(motion: FloatArray) -> FloatArray:
    """The boxes of the tracks, rows cx, cy, w, h (4, N)."""
    boxes = motion.take(_BOX_ROWS, axis=0)
    log_width, log_height = boxes[2], boxes[3]
    log_width += motion[ASPECT]
    log_width += log_height
    size = boxes[2:]
    np.exp(size, out=size)
    return boxes


def deviation(motion: FloatArray) -> FloatArray:
    """(N,) standard deviation of the centre, averaged over both axes, over the square root of the box's area."""
    x_var, y_var = motion[_VAR.start], motion[_VAR.start + 1]
    return np.asarray(np.sqrt(0.5 * (x_var + y_var)))


def apply_step(motion: FloatArray, step: CameraStep) -> None:
    """Moves the tracks in place as the camera's step moves the picture's points."""
    moved = to_complex(motion)
    moved *= step.turn
    moved += step.shift - step.turn * step.center
    x, y, log_height = motion[X], motion[Y], motion[LOG_HEIGHT]
    x += moved.real
    y += moved.imag
    log_height += math.log(min(max(1.0 + step.turn.real, 1 / MOST_GROWTH), MOST_GROWTH))


_STILL = CameraStep(0j, 0j, 0j)


class CameraVelocity:
    """Estimates the camera's velocity from its steps, which were read from the boxes.

    The measured step of a camera at rest is only noise, and large where there are few boxes or many of them turn the
    same way. So each step is shrunk by the ratio of noise to squared steps in the recent past (empirical Bayes, as in
    James and Stein 1961): to nothing for a camera at rest, hardly at all for one that moves.
    """

    def __init__(self) -> None:
        # The velocity of a picture's point p (complex: x + iy, pixels) is shift + turn * p, pixels a second.
        self._shift, self._turn = 0j, 0j
        self._var = 1.0
        self._expected = _STILL
        self._evidence = FIRST_EVIDENCE

    def expect(self, elapsed_s: float) -> CameraStep:
        """The step expected until the next update; `observe` is then given the measured step relative to it."""
        self._expected = self.ahead(elapsed_s)
        return self._expected

    def observe(self, step: CameraStep | None, elapsed_s: float) -> CameraStep | None:
        """Takes in the camera's `step` in the last `elapsed_s` seconds (above 0), relative to the expected one; None
        where it is unknown. Returns the part of it that is believed, or None."""
        expected, self._expected = self._expected, _STILL
        fading = math.exp(-elapsed_s / CAMERA_LASTS_S)
        self._shift, self._turn = fading * self._shift, fading * self._turn
        self._var = 1.0 - fading**2 * (1.0 - self._var)
        if step is None:
            return None
        step = self._believed(step, expected, elapsed_s)
        shift = expected.shift + step.shift - step.turn * step.center
        turn = expected.turn + step.turn
        gain = self._var / (self._var + (CAMERA_STEP_S / elapsed_s) ** 2)
        self._shift += gain * (shift / elapsed_s - self._shift)
        self._turn += gain * (turn / elapsed_s - self._turn)
        self._var *= 1.0 - gain
        return step

    def _believed(self, step: CameraStep, expected: CameraStep, elapsed_s: float) -> CameraStep:
        if step.noise <= 0:
            return step
        at_center = expected.shift + expected.turn * (step.center - expected.center)
        shift, turn = at_center + step.shift, expected.turn + step.turn
        rate = -math.expm1(-elapsed_s / EVIDENCE_S)
        self._evidence += rate * (min(abs(shift) ** 2 / step.noise, MOST_EVIDENCE) - self._evidence)
        belief = max(0.0, 1.0 - EVIDENCE / self._evidence) if self._evidence > 0 else 0.0
        return CameraStep(step.center, belief * shift - at_center, belief * turn - expected.turn)

    def ahead(self, elapsed_s: float) -> CameraStep:
        """The step expected in the next `elapsed_s` seconds; with a negative time, the way back."""
        reach = -CAMERA_LASTS_S * math.expm1(-abs(elapsed_s) / CAMERA_LASTS_S)
        reach = math.copysign(reach, elapsed_s)
        return CameraStep(0j, reach * self._shift, reach * self._turn)


class _Step(NamedTuple):
    """The coefficients of one step of time; the first index is x, y or log height.

    reach, fading (3, 1): the distance that a velocity of 1 covers, and the share of the velocity that is left.
    spreading (3, 3, 3), noise (3, 3, 1): the matrices by which the covariances are multiplied, and what is added.
    weight_fading, stride_fading: the shares of WEIGHT and STRIDE that are left.
    """

    reach: FloatArray
    fading: FloatArray
    spreading: FloatArray
    noise: FloatArray
    weight_fading: float
    stride_fading: float


@lru_cache(maxsize=64)
def _step(elapsed_s: float, agility: float) -> _Step:
    """The coefficients of an integrated Ornstein-Uhlenbeck process in its stationary state; exact for any step, so
    that two steps give the same as one of their total length."""
    size_s = abs(elapsed_s)
    lasts_s, velocity_std = LASTS_S / agility**2, VELOCITY_STD * agility
    fading = np.exp(-size_s / lasts_s)
    reach = lasts_s * (1.0 - fading)
    zero, one = np.zeros(3), np.ones(3)
    spreading = [[one, 2 * reach, reach**2], [zero, fading, fading * reach], [zero, zero, fading**2]]
    noise = [2 * lasts_s * (size_s - reach) - reach**2, reach * (1.0 - fading), 1.0 - fading**2]
    return _Step(
        np.copysign(reach, elapsed_s)[:, None],
        fading[:, None],
        np.moveaxis(np.array(spreading), 2, 0).copy(),
        (velocity_std**2 * np.array(noise)).T[:, :, None],
        2.0 ** (-size_s / ASPECT_HALF_LIFE_S),
        math.exp(-size_s / STRIDE_LASTS_S),
    )


def _values(boxes: FloatArray) -> FloatArray:
    values = boxes.take(_CENTER_AND_HEIGHT, axis=0)
    np.log(values[2], out=values[2])
    return values
