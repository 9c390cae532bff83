"""How tracked boxes move and where they will be: what each has done lately, and what the camera does, carried on.

Each box moves in a scene that stands still, and the camera moves the scene. Both go on as they do, but not for ever:
a velocity fades (an Ornstein-Uhlenbeck process), slowly that of who walks past, soon that of a camera held in a hand.
So the line through the last observations is as long as a velocity lasts, that of a young track is drawn to rest, and
the farther ahead, the less is made of it.

- Own motion: Kalman filters of the centre's x and y and of the height's logarithm, each with a covariance of its own
  for each track, in units of the box's size.
- Perspective: what comes nearer at a steady pace grows, moves faster as much, and its velocity changes twice as much.
- The width follows the height. Their ratio swings with each stride of who walks: the last one is half believed,
  and for a moment, else the mean.

*Motion* is an array (18, N), one column a track: where each is at one moment, the same for all. *Boxes* are rows
cx, cy, w, h (4, N) in pixels. benchmarks/streaming_accuracy.py measures what the forecast brings.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rtdet.trackers.camera_step import CameraStep
from rtdet.types import FloatArray

# Of x, y and log height: standard deviations of a measurement (box sizes) and of the velocity (box sizes a second),
# and how long a velocity lasts (seconds). The world is wider than high, so that most motion is along x.
MEASURED_STD = np.array([0.04, 0.04, 0.04])
VELOCITY_STD = np.array([0.6, 0.15, 0.12])
LASTS_S = np.array([4.0, 0.6, 1.2])
# Half-life of the mean of log width over height; how much of a deviation from it is believed, and for how long.
ASPECT_HALF_LIFE_S, STRIDE_BELIEF, STRIDE_LASTS_S = 0.6, 0.4, 0.15
# A box grows or shrinks by no more than this factor in one step.
MOST_GROWTH = 2.0
# The camera's velocity: how long it lasts, and a step's standard deviation in seconds of its usual velocity.
CAMERA_LASTS_S, CAMERA_STEP_S = 0.3, 0.015
# A camera moves when its steps are larger than noise makes them: this many times, in the mean square over so long. At
# first it is taken to move.
EVIDENCE, EVIDENCE_S, FIRST_EVIDENCE, MOST_EVIDENCE = 2.0, 1.0, 4.0, 1e6

# Rows of motion: of x, y and log height value and velocity in turn, then of each var(value), cov(value, velocity) and
# var(velocity); the mean of log width over height, its weight, and what is believed of how far the last one is off.
ROWS = 18
_STATE, _COVARIANCE = slice(0, 6), slice(6, 15)
X, Y, LOG_HEIGHT, ASPECT, WEIGHT, STRIDE = 0, 2, 4, 15, 16, 17
_R = (MEASURED_STD**2)[:, None, None]
_LOG_MOST_GROWTH = math.log(MOST_GROWTH)


def begin(boxes: FloatArray) -> FloatArray:
    """Motion of boxes seen for the first time: at rest, as far as one knows."""
    motion = np.zeros((ROWS, boxes.shape[1]))
    motion[0:6:2], motion[ASPECT] = _values(boxes), np.log(boxes[2] / boxes[3])
    motion[6:15:3], motion[8:15:3] = MEASURED_STD[:, None] ** 2, VELOCITY_STD[:, None] ** 2
    motion[WEIGHT] = 1.0
    return motion


def advance(motion: FloatArray, elapsed_s: float) -> None:
    """Moves the tracks on by `elapsed_s` seconds, in place; also back, where they are as uncertain as ahead."""
    step = _step(elapsed_s)
    state = motion[_STATE].reshape(3, 2, -1)
    value, velocity = state[:, 0], state[:, 1]
    moved = step.reach * velocity
    np.maximum(np.minimum(moved[2], _LOG_MOST_GROWTH, out=moved[2]), -_LOG_MOST_GROWTH, out=moved[2])
    growth = np.exp(moved[2])
    moved[:2] *= growth
    value += moved
    velocity *= step.fading
    growth *= growth
    velocity[:2] *= growth
    covariance = motion[_COVARIANCE].reshape(3, 3, -1)
    np.add(step.spreading @ covariance, step.noise, out=covariance)
    motion[WEIGHT] *= step.weight_fading
    motion[STRIDE] *= step.stride_fading


def correct(motion: FloatArray, boxes: FloatArray) -> None:
    """Takes in one measured box (4, N) for each track, in place."""
    state, covariance = motion[_STATE].reshape(3, 2, -1), motion[_COVARIANCE].reshape(3, 3, -1)
    gain = covariance[:, :2] / (covariance[:, :1] + _R)
    state += gain * (_values(boxes) - state[:, 0])[:, None]
    covariance[:, 2] -= gain[:, 1] * covariance[:, 1]
    covariance[:, :2] *= 1.0 - gain[:, :1]
    aspect = np.log(boxes[2] / boxes[3])
    motion[WEIGHT] += 1.0
    motion[ASPECT] += (aspect - motion[ASPECT]) / motion[WEIGHT]
    motion[STRIDE] = STRIDE_BELIEF * (aspect - motion[ASPECT])


def to_boxes(motion: FloatArray) -> FloatArray:
    """Where the tracks are: rows cx, cy, w, h (4, N)."""
    boxes = motion.take((X, Y, STRIDE, LOG_HEIGHT), axis=0)
    boxes[2] += motion[ASPECT]
    boxes[2] += boxes[3]
    np.exp(boxes[2:], out=boxes[2:])
    return boxes


def deviation(motion: FloatArray) -> FloatArray:
    """(N,) standard deviation of the centre, per axis in the mean, over the square root of the box's area."""
    x_var, y_var = motion[6], motion[9]
    return np.asarray(np.sqrt(0.5 * (x_var + y_var)))


def apply_step(motion: FloatArray, step: CameraStep) -> None:
    """Moves the tracks as the camera's step moves what is seen, in place."""
    moved = motion[X] + 1j * motion[Y]
    moved *= step.turn
    moved += step.shift - step.turn * step.center
    motion[X] += moved.real
    motion[Y] += moved.imag
    motion[LOG_HEIGHT] += math.log(min(max(1.0 + step.turn.real, 1 / MOST_GROWTH), MOST_GROWTH))


_STILL = CameraStep(0j, 0j, 0j)


class CameraVelocity:
    """The camera's velocity, filtered over the steps that were read from the boxes, so far as they are believed.

    The step of a camera at rest is noise, all the more where the boxes are few or many of them turn the same way.
    So a step counts for what its like have lately had beyond their noise (empirical Bayes, as in James and Stein
    1961): of a camera at rest nothing, of one that moves nearly all.
    """

    def __init__(self) -> None:
        # The velocity of a picture's point p (complex: x + iy, pixels) is shift + turn * p, pixels a second.
        self._shift, self._turn = 0j, 0j
        self._var = 1.0
        self._expected = _STILL
        self._evidence = FIRST_EVIDENCE

    def expect(self, elapsed_s: float) -> CameraStep:
        """The step until the next update; `observe` is then told what it was beyond that."""
        self._expected = self.ahead(elapsed_s)
        return self._expected

    def observe(self, step: CameraStep | None, elapsed_s: float) -> CameraStep | None:
        """The camera has moved by `step` in the last `elapsed_s` seconds (above 0), beyond what was expected; None:
        nobody knows. Gives what of it is believed."""
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
        """The step to be expected in the next `elapsed_s` seconds; below 0: the way back."""
        reach = -CAMERA_LASTS_S * math.expm1(-abs(elapsed_s) / CAMERA_LASTS_S)
        reach = math.copysign(reach, elapsed_s)
        return CameraStep(0j, reach * self._shift, reach * self._turn)


class _Step(NamedTuple):
    """What a step of time does to x, y and log height (the first index).

    reach, fading (3, 1): how far a velocity of 1 carries, and what is left of it. spreading (3, 3, 3), noise
    (3, 3, 1): what happens to their covariances. weight_fading, stride_fading: what is left.
    """

    reach: FloatArray
    fading: FloatArray
    spreading: FloatArray
    noise: FloatArray
    weight_fading: float
    stride_fading: float


@lru_cache(maxsize=64)
def _step(elapsed_s: float) -> _Step:
    """An integrated Ornstein-Uhlenbeck process whose velocity has always been fading; exact for any step, so that two
    steps are as good as one."""
    size_s = abs(elapsed_s)
    fading = np.exp(-size_s / LASTS_S)
    reach = LASTS_S * (1.0 - fading)
    zero, one = np.zeros(3), np.ones(3)
    spreading = [[one, 2 * reach, reach**2], [zero, fading, fading * reach], [zero, zero, fading**2]]
    noise = [2 * LASTS_S * (size_s - reach) - reach**2, reach * (1.0 - fading), 1.0 - fading**2]
    return _Step(
        np.copysign(reach, elapsed_s)[:, None],
        fading[:, None],
        np.moveaxis(np.array(spreading), 2, 0).copy(),
        (VELOCITY_STD**2 * np.array(noise)).T[:, :, None],
        2.0 ** (-size_s / ASPECT_HALF_LIFE_S),
        math.exp(-size_s / STRIDE_LASTS_S),
    )


def _values(boxes: FloatArray) -> FloatArray:
    values = boxes.take((0, 1, 3), axis=0)
    np.log(values[2], out=values[2])
    return values
