"""Estimates from the boxes alone how the camera moved since the last frame; no picture is needed.

If most boxes are off their predictions in the same way, the camera moved. The step is a similarity (shift, zoom,
roll) from predicted to detected centres, fitted by weighted least squares; Geman and McClure's weights (1987) play
down objects that move on their own.

Five boxes lie 8 pixels to the right of where they were predicted, and one lies 30 pixels to the left. The fit ignores
the odd one. It also imagines one more box that did not move at all (see `reach`), so the estimate falls short of 8
pixels; the more boxes agree, the less it does:

>>> predicted = np.array(
...     [[100.0, 300, 500, 700, 900, 500], [200, 400, 200, 400, 200, 500], [50] * 6, [50] * 6]
... )
>>> detected = predicted.copy()
>>> detected[0] += [8, 8, 8, 8, 8, -30]
>>> step = camera_step(predicted, detected, variance=np.full(6, 0.01), reach=500.0)
>>> print(f"shift {step.shift:.1f}, zoom {1 + step.turn.real:.2f}")
shift 6.4+0.0j, zoom 1.00
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtdet.types import FloatArray

LEAST_PAIRS = 5
# Measured: more rounds change nothing.
ROUNDS = 2
# The distance from the common step, in robust standard deviations, at which a box's weight has fallen to a quarter.
TOLERANCE = 2.0
# Up to so many values a sorted list is faster than an array (measured).
FEW = 30
# OpenBLAS keeps a product of so many columns with five rows to itself: the limit is 4096 complex numbers.
MOST_UNSHARED = 800
# Residuals smaller than this, in standard deviations, count as zero.
FINEST = 0.01


class CameraStep(NamedTuple):
    """The camera's motion between two frames: a point p of the picture (complex, x + iy, in pixels) moves to
    p + shift + turn * (p - center), and sizes are multiplied by 1 + turn.real.

    noise  mean square error of the shift in pixels squared; 0: the shift is exact.
    """

    center: complex
    shift: complex
    turn: complex
    noise: float = 0.0


def camera_step(
    predicted: FloatArray, detected: FloatArray, variance: FloatArray, reach: float
) -> CameraStep | None:
    """The camera's step from predicted boxes to the detected ones, rows cx, cy, w, h (4, K) of each; None for fewer
    than 5 pairs.

    variance  (K,) variance of the offset between the two that is expected with a camera at rest, in units of the
              box's area: tracks with certain predictions count most.
    reach     pixels, above 0. The fit imagines one more box that shows no shift, and two more, at this distance from
              the centre, that show no zoom and no roll. So a few boxes alone do not move the picture, and boxes
              close together do not turn it.
    """
    count = predicted.shape[1]
    if count < LEAST_PAIRS:
        return None
    place = to_complex(predicted)
    offset = to_complex(detected)
    offset -= place
    sure = 1.0 / (predicted[2] * predicted[3] * variance)
    per_deviation = np.sqrt(sure)
    all_sure = float(sure.sum())
    one_box = all_sure / count
    # The weighted sums of these terms are all that the fit needs.
    terms = np.empty((5, count), dtype=np.complex128)
    terms[0], terms[1], terms[2] = 1.0, place, offset
    np.multiply(place.conj(), terms[1:3], out=terms[3:])
    # Start from the median step, which is what most boxes do, however far off the others are.
    shift, turn = complex(_median(offset.real), _median(offset.imag)), 0j
    residual = np.abs(offset - shift) * per_deviation
    for _ in range(ROUNDS):
        residual /= TOLERANCE * (1.4826 * _median(residual) + FINEST)
        residual *= residual
        residual += 1.0
        residual *= residual
        total, places, offsets, arms, pulls = _sums(terms, sure / residual)
        center, shift = places / total, offsets / (total + one_box)
        arm = (arms - places.conjugate() * center).real
        turn = (pulls - places.conjugate() * offsets / total) / (arm + 2 * reach**2 * one_box)
        residual = np.abs(offset - (shift - turn * center) - turn * place) * per_deviation
    # The median of a Rayleigh distribution is 1.1774 deviations of one axis; there are two.
    return CameraStep(center, shift, turn, 2 * (_median(residual) / 1.1774) ** 2 / all_sure)


def to_complex(rows: FloatArray) -> npt.NDArray[np.complex128]:
    """(N,) the first two rows as one: x + iy."""
    points = np.empty(rows.shape[1], dtype=np.complex128)
    points.real, points.imag = rows[0], rows[1]
    return points


def _sums(terms: npt.NDArray[np.complex128], weight: FloatArray) -> list[complex]:
    """terms @ weight, of terms (5, K).

    BLAS shares out large products among its threads, which wait for each other where a machine has other things to
    do: 10 ms instead of 2 µs. Two smaller ones stay in this thread, to the same last bit.
    """
    if len(weight) <= MOST_UNSHARED:
        sums: list[complex] = (terms @ weight).tolist()
        return sums
    return [*(terms[:3] @ weight).tolist(), *(terms[3:] @ weight).tolist()]


def _median(values: FloatArray) -> float:
    """The upper median; NumPy's own is ten times slower on a few values."""
    middle = len(values) // 2
    if len(values) <= FEW:
        return float(sorted(values.tolist())[middle])
    values = values.copy()
    values.partition(middle)
    return float(values[middle])
