"""The camera's own motion, as a pipeline reads it from the pictures, carried on in a tracker's predictions."""

from __future__ import annotations

import cmath
import math

import numpy as np

from rtdet.trackers.box_columns import moved
from rtdet.types import FloatArray

# The camera goes on until the picture is so many times as large, or as small.
MOST_GROWTH = 2.0


class CameraDrift:
    """Remembers the newest transform (2, 3), a similarity: a point p of the picture before is at transform @ (p, 1)
    in this one."""

    def __init__(self) -> None:
        self._transform: FloatArray | None = None
        self._taken: FloatArray | None = None
        self._frames = 1.0

    def take(self, transform: FloatArray) -> None:
        """Takes in the camera's transform between the last update and the next."""
        self._taken = transform

    def advance(self, dt: float) -> None:
        """The next update is there, `dt` frames after the last."""
        self._transform, self._taken, self._frames = self._taken, None, dt

    def carry(self, corners: FloatArray, dt: float) -> FloatArray:
        """Corners (4, N) of where things are if the camera goes on for `dt` frames as it did; below 0: the way
        back."""
        if self._transform is None:
            return corners
        return moved(corners, _repeated(self._transform, dt / self._frames))


def _repeated(transform: FloatArray, times: float) -> FloatArray:
    """The similarity applied so many times, also parts of one. As complex numbers it is p -> turn * p + shift, whose
    powers are turn**n and shift * (turn**n - 1) / (turn - 1)."""
    rate = cmath.log(complex(*transform[:, 0]))
    if abs(rate.real * times) > math.log(MOST_GROWTH):
        times = math.copysign(math.log(MOST_GROWTH) / abs(rate.real), times)
    turn = cmath.exp(rate * times)
    reach = complex(np.expm1(rate * times) / np.expm1(rate)) if rate else times
    shift = reach * complex(*transform[:, 2])
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
