"""A frame as a kept run has it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rtdet.types import Detections, FloatArray, Frame

# In place of the reason why a frame was dropped: the detector did not look at it, but it has tracks.
CARRIED = "carried"


@dataclass(frozen=True, eq=False)
class KeptFrame:
    """A frame of a run without its picture.

    number: from 1, in the order of the source, counting frames that were dropped. t: seconds on the source's clock.
    pts: the container's own time, None where it has none. size: width and height in pixels. candidates: None where
    the frame was dropped, for the reason `dropped`, or carried. camera_step: the camera's transform (2, 3) to this
    frame from the last one with candidates, where the tracker was told of it. and_more: so many frames after this one
    have gone the same way, and nobody knows when.
    """

    number: int
    t: float
    pts: int | None
    size: tuple[int, int]
    name: str = ""
    candidates: Detections | None = None
    dropped: str = ""
    camera_step: FloatArray | None = None
    and_more: int = 0

    @property
    def is_carried(self) -> bool:
        return self.dropped == CARRIED

    @classmethod
    def missed(cls, first: int, end: int) -> KeptFrame:
        """The frames of these numbers from 0 (`end` is the one after them), which nobody saw."""
        return cls(first + 1, math.nan, None, (0, 0), dropped="capture_busy", and_more=end - first - 1)

    @classmethod
    def of(
        cls,
        frame: Frame,
        candidates: Detections | None = None,
        dropped: str = "",
        camera_step: FloatArray | None = None,
    ) -> KeptFrame:
        return cls(
            frame.index + 1, frame.t, frame.pts, frame.size, frame.name, candidates, dropped, camera_step
        )  # fmt: skip
