"""How the camera moved since the last frame, read from the boxes themselves: no picture is needed.

Where most boxes lie off their predictions in the same way, it is the camera that moved. The step is a similarity
(shift, zoom, roll) from predicted to detected centres, fitted by weighted least squares with Geman and McClure's
weights (1987) against those that move on their own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rtdet.types import FloatArray

LEAST_PAIRS = 5
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


def camera_step(predicted: FloatArray, detected: FloatArray, reach: float) -> CameraStep | None:
    """The step from rows cx, cy, w, h of predictions (4, K) to those of their detections (4, K); None for fewer
    than 5 pairs.

    reach  pixels, above 0: as if two more boxes, this far from the centre, had shown no zoom and no roll. It keeps a
           few boxes close together from turning the whole picture.
    """
    if predicted.shape[1] < LEAST_PAIRS:
        return None
    place = predicted[0] + 1j * predicted[1]
    offset = (detected[0] - predicted[0]) + 1j * (detected[1] - predicted[1])
    size_weight = 1.0 / (predicted[2] * predicted[3])
    size = np.sqrt(size_weight)
    ridge = 2 * reach**2 * float(_median(size_weight))
    weight = size_weight
    for _ in range(ROUNDS):
        total = weight.sum()
        centre, shift = (weight @ place) / total, (weight @ offset) / total
        arm = place - centre
        pull = weight * arm.conj()
        turn = (pull @ offset) / ((pull @ arm).real + ridge)
        residual = np.abs(offset - shift - turn * arm) * size
        scale = TOLERANCE * (1.4826 * _median(residual) + FINEST)
        weight = size_weight / (1 + (residual / scale) ** 2) ** 2
    return CameraStep(complex(centre), complex(shift), complex(turn))


def _median(values: FloatArray) -> float:
    """The upper median; NumPy's own is ten times slower on a few values."""
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])
