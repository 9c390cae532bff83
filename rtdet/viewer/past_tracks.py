"""The tracks of what was watched, as they came, so that they can be counted again at other lines."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtdet.types import Tracks

# Boxes that are remembered: 28 MB, or 45 minutes of 15 objects at 25 frames a second.
MOST_BOXES = 1_000_000


class PastFrame(NamedTuple):
    """rows (N, 7) float32: x1, y1, x2, y2, score, label and ID, which is exact up to 16 million."""

    t: float
    number: int
    size: tuple[int, int]
    rows: NDArray[np.float32]
    class_names: tuple[str, ...]
    begins: bool

    @property
    def tracks(self) -> Tracks:
        rows = self.rows
        return Tracks(
            rows[:, :4].astype(np.float64), rows[:, 6].astype(np.int64), rows[:, 4].astype(np.float64),
            rows[:, 5].astype(np.int64), class_names=self.class_names,
        )  # fmt: skip


class PastTracks:
    """The newest frames, up to MOST_BOXES boxes. Not for two threads at once.

    first_t: since when they are remembered; None: nothing was forgotten.
    """

    def __init__(self, most: int = MOST_BOXES) -> None:
        self._most = most
        self._frames: deque[PastFrame] = deque()
        self._boxes = 0
        self._forgotten = 0
        self.first_t: float | None = None

    def add(self, frame: PastFrame) -> None:
        self._frames.append(frame)
        self._boxes += _weight(frame)
        while self._boxes > self._most and len(self._frames) > 1:
            self._boxes -= _weight(self._frames.popleft())
            self._forgotten += 1
            self.first_t = self._frames[0].t

    def after(self, number: int) -> tuple[list[PastFrame], int]:
        """All that came after the first `number` frames, and how many have come in all."""
        start = max(number - self._forgotten, 0)
        if start == 0:
            frames = list(self._frames)
        else:
            frames = [self._frames[i - len(self._frames)] for i in range(start, len(self._frames))]
        return frames, self._forgotten + len(self._frames)


def _weight(frame: PastFrame) -> int:
    """Empty frames take room as well."""
    return max(len(frame.rows), 4)


def past_frame(
    tracks: Tracks, t: float, number: int, size: tuple[int, int], *, begins: bool = False
) -> PastFrame:
    """What is remembered of a frame: the tracks that were seen in it. begins: none goes on from the one before."""
    seen = tracks.since_update_s == 0
    rows = np.column_stack([tracks.boxes, tracks.scores, tracks.labels, tracks.ids])[seen]
    return PastFrame(t, number, size, rows.astype(np.float32), tuple(tracks.class_names), begins)
