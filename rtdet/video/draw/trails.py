"""Trails: the recent path of each object."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from rtdet.types import FloatArray, Tracks

# Opacity and width (in widths of a box's line) of a trail's three parts, the oldest first.
_PARTS = ((0.27, 0.75), (0.55, 1.0), (1.0, 1.25))


class TrailStore:
    """The foot points (bottom centre of the box) of each ID over the last `seconds`, bounded in number."""

    def __init__(self, seconds: float = 2.0, max_points: int = 256) -> None:
        self.seconds, self._max_points = seconds, max_points
        self._points: dict[int, deque[tuple[float, float, float]]] = {}
        self._newest = -math.inf

    def update(self, tracks: Tracks, t: float) -> None:
        """Adds the tracks at time `t`. If time runs backwards (a seek), everything is forgotten."""
        if t < self._newest:
            self.clear()
        self._newest = t
        feet = np.column_stack([(tracks.boxes[:, 0] + tracks.boxes[:, 2]) / 2, tracks.boxes[:, 3]])
        for track_id, (x, y) in zip(tracks.ids.tolist(), feet.tolist(), strict=True):
            if track_id > 0 and math.isfinite(x) and math.isfinite(y):
                self._points.setdefault(track_id, deque(maxlen=self._max_points)).append((t, x, y))
        self._forget(t - self.seconds)

    def points(self, track_id: int, at_most: int | None = None) -> FloatArray:
        """(N, 2) foot points of an ID, oldest first; (0, 2) for one that is not known. `at_most`: evenly thinned to
        so many, the newest among them."""
        points = list(self._points.get(track_id, ()))
        if at_most is not None and len(points) > at_most:
            step = -(-len(points) // at_most)
            points = points[(len(points) - 1) % step :: step]
        return np.array(points).reshape(-1, 3)[:, 1:]

    def clear(self) -> None:
        self._points.clear()
        self._newest = -math.inf

    def __len__(self) -> int:
        return len(self._points)

    def _forget(self, before: float) -> None:
        for track_id in list(self._points):
            points = self._points[track_id]
            while points and points[0][0] < before:
                points.popleft()
            if not points:
                del self._points[track_id]


@lru_cache(maxsize=512)
def trail_parts(count: int) -> tuple[tuple[slice, float, float], ...]:
    """(which points, opacity, width in widths of a box's line) of each part of a trail of `count` points, oldest
    first: it grows thicker and clearer towards now."""
    return tuple(_trail_parts(count))


def _trail_parts(count: int) -> Iterator[tuple[slice, float, float]]:
    third = max(count // 3, 1)
    for start, (opacity, width) in zip((0, third, 2 * third), _PARTS, strict=True):
        end = start + third + 1 if start < 2 * third else count
        if min(end, count) - start > 1:
            yield slice(start, end), opacity, width
