"""How the camera moved since the last frame, read from the boxes themselves: no picture is needed.

Where most boxes lie off their predictions in the same way, it is the camera that moved. The step is a similarity
(shift, zoom, roll) from predicted to detected centres, fitted by weighted least squares with Geman and McClure's
weights (1987) against those that move on their own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from rtdet.types import FloatArray

LEAST_PAIRS = 3
ROUNDS = 4
# How far a box may be off the others' step, in robust standard deviations, before its weight falls to a quarter.
TOLERANCE = 2.0
# Residuals that cannot be told from nothing, in box sizes.
FINEST = 1e-3


class CameraStep(NamedTuple):
    """A point p (complex: x + iy, pixels) moves to p + shift + turn * (p - centre); sizes grow by `turn.real`."""

    centre: complex
    shift: complex
    turn: complex

    def apply(self, boxes: FloatArray) -> None:
        """Moves rows cx, cy, w, h (4 or more, N), in place."""
        x, y = boxes[0] - self.centre.real, boxes[1] - self.centre.imag
        boxes[0] += self.shift.real + self.turn.real * x - self.turn.imag * y
        boxes[1] += self.shift.imag + self.turn.real * y + self.turn.imag * x
        boxes[2:4] *= 1.0 + self.turn.real


def camera_step(
    predicted: FloatArray, detected: FloatArray, variance: FloatArray, reach: float
) -> CameraStep | None:
    """The step from rows cx, cy, w, h of predictions (4, K) to those of their detections (4, K); None for fewer
    than 3 pairs.

    variance  (K,) of the offset between the two that is to be expected with a camera at rest, in units of the
              boxes' size: tracks that are sure of their way tell most.
    reach     pixels, above 0. As if one more box had shown no step at all, and two, this far from the centre, no
              zoom and no roll: a few boxes alone do not move the picture, and boxes close together do not turn it.
    """
    if predicted.shape[1] < LEAST_PAIRS:
        return None
    place = predicted[0] + 1j * predicted[1]
    offset = (detected[0] - predicted[0]) + 1j * (detected[1] - predicted[1])
    sure = 1.0 / (predicted[2] * predicted[3] * variance)
    per_deviation = np.sqrt(sure)
    one_box = _median(sure)
    finest = FINEST / math.sqrt(_median(variance))
    weight = sure
    for _ in range(ROUNDS):
        total = weight.sum()
        centre, shift = (weight @ place) / total, (weight @ offset) / (total + one_box)
        arm = place - centre
        pull = weight * arm.conj()
        turn = (pull @ offset) / ((pull @ arm).real + 2 * reach**2 * one_box)
        residual = np.abs(offset - shift - turn * arm) * per_deviation
        scale = TOLERANCE * (1.4826 * _median(residual) + finest)
        weight = sure / (1 + (residual / scale) ** 2) ** 2
    return CameraStep(complex(centre), complex(shift), complex(turn))


def _median(values: FloatArray) -> float:
    """The upper median; NumPy's own is ten times slower on a few values."""
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])
