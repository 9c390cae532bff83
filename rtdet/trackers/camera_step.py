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
# More of them change nothing (measured).
ROUNDS = 2
# How far a box may be off the others' step, in robust standard deviations, before its weight falls to a quarter.
TOLERANCE = 2.0
# Residuals that cannot be told from nothing, in standard deviations.
FINEST = 0.01


class CameraStep(NamedTuple):
    """A point p (complex: x + iy, pixels) moves to p + shift + turn * (p - centre); sizes grow by `turn.real`.

    noise  mean square of the shift's error, pixels squared; 0: it is known.
    """

    center: complex
    shift: complex
    turn: complex
    noise: float = 0.0


def camera_step(
    predicted: FloatArray, detected: FloatArray, variance: FloatArray, reach: float
) -> CameraStep | None:
    """The step from boxes (rows cx, cy, w, h) as predicted (4, K) to those detected (4, K); None for fewer than 5
    pairs.

    variance  (K,) of the offset between the two that is to be expected with a camera at rest, in units of the
              boxes' size: tracks that are sure of their way tell most.
    reach     pixels, above 0. As if one more box had shown no step at all, and two, this far from the centre, no
              zoom and no roll: a few boxes alone do not move the picture, and boxes close together do not turn it.
    """
    count = predicted.shape[1]
    if count < LEAST_PAIRS:
        return None
    place = predicted[0] + 1j * predicted[1]
    offset = (detected[0] + 1j * detected[1]) - place
    sure = 1.0 / (predicted[2] * predicted[3] * variance)
    per_deviation = np.sqrt(sure)
    one_box = float(sure.sum()) / count
    # Their sums, weighted, are all that a fit needs.
    terms = np.empty((5, count), dtype=np.complex128)
    terms[0], terms[1], terms[2] = 1.0, place, offset
    np.multiply(place.conj(), terms[1:3], out=terms[3:])
    # From the median step on: what most boxes do, however far off the others are.
    center, shift, turn = 0j, complex(_median(offset.real), _median(offset.imag)), 0j
    for _ in range(ROUNDS):
        residual = np.abs(offset - (shift - turn * center) - turn * place) * per_deviation
        residual /= TOLERANCE * (1.4826 * _median(residual) + FINEST)
        residual *= residual
        residual += 1.0
        residual *= residual
        total, places, offsets, arms, pulls = (terms @ (sure / residual)).tolist()
        center, shift = places / total, offsets / (total + one_box)
        arm = (arms - places.conjugate() * center).real
        turn = (pulls - places.conjugate() * offsets / total) / (arm + 2 * reach**2 * one_box)
    residual = np.abs(offset - (shift - turn * center) - turn * place) * per_deviation
    # The median of a Rayleigh distribution is 1.1774 deviations of one axis; there are two.
    return CameraStep(center, shift, turn, 2 * (_median(residual) / 1.1774) ** 2 / float(sure.sum()))


def _median(values: FloatArray) -> float:
    """The upper median; NumPy's own is ten times slower on a few values."""
    middle = len(values) // 2
    values = values.copy()
    values.partition(middle)
    return float(values[middle])
