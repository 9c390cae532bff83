"""The camera's own motion, as a pipeline reads it from the pictures, carried on in a tracker's predictions."""

from __future__ import annotations

import numpy as np

from rtdet.types import FloatArray

STILL = np.eye(2, 3)


class CameraDrift:
    """Remembers the newest transform (2, 3): a point p of the picture before is at transform @ (p, 1) in this one."""

    def __init__(self) -> None:
        self._transform: FloatArray | None = None
        self._per_frame: FloatArray | None = None

    def take(self, transform: FloatArray) -> None:
        """What the camera did between the last update and the next."""
        self._transform = transform

    def advance(self, dt: float) -> None:
        """The next update is there, `dt` frames after the last."""
        taken, self._transform = self._transform, None
        self._per_frame = None if taken is None else (taken - STILL) / dt

    def carry(self, corners: FloatArray, dt: float) -> FloatArray:
        """Corners (4, N) of where things are if the camera goes on for `dt` frames as it did."""
        if self._per_frame is None:
            return corners
        turn, shift = self._per_frame[:, :2] * dt, self._per_frame[:, 2:] * dt
        return np.concatenate([corner + turn @ corner + shift for corner in (corners[:2], corners[2:])])
