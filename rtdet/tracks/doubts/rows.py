"""The rows of a table track by track, with what each is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rtdet.geometry.boxes import paired_iou
from rtdet.tracks.offline.times import row_seconds
from rtdet.tracks.table import TrackTable
from rtdet.types import BoolArray, FloatArray, IntArray

# The velocity of a track is that over its last rows, at most so many.
_ROWS = 5


@dataclass(frozen=True, eq=False)
class CourseRows:
    """A table's rows with their times and motion. All arrays are in the table's order."""

    table: TrackTable

    @cached_property
    def seconds(self) -> FloatArray:
        """(N,) the time of each row's frame, never falling."""
        return row_seconds(self.table)

    @cached_property
    def by_track(self) -> IntArray:
        """(N,) all rows in order of ID, then frame."""
        return self.table.by_track()

    @cached_property
    def before(self) -> IntArray:
        """(N,) the row before each in its track; itself of a track's first."""
        order = self.by_track
        before = np.empty(len(order), dtype=np.int64)
        before[order] = np.where(self._is_first, order, np.roll(order, 1))
        return before

    @cached_property
    def seen(self) -> BoolArray:
        """(N,) whether it was seen, neither predicted nor filled in."""
        return np.asarray((self.table.scores != 0) & self.table.values["seen"])

    @cached_property
    def centers(self) -> FloatArray:
        """(N, 2) the centres of the boxes."""
        return np.asarray((self.table.boxes[:, :2] + self.table.boxes[:, 2:]) / 2)

    @cached_property
    def sizes(self) -> FloatArray:
        """(N,) the sizes of the boxes: the root of the area, at least a hundredth of a pixel."""
        sides = np.maximum(self.table.boxes[:, 2:] - self.table.boxes[:, :2], 0.01)
        return np.asarray(np.sqrt(sides[:, 0] * sides[:, 1]))

    @cached_property
    def predicted(self) -> FloatArray:
        """(N, 4) where the track was heading before this row, at the velocity of its last rows; its own box of a
        track's first row."""
        order, boxes = self.by_track, self.table.boxes
        places = np.arange(len(order))
        first = np.maximum.accumulate(np.where(self._is_first, places, 0))
        last, earlier = np.maximum(places - 1, first), np.maximum(places - 1 - _ROWS, first)
        centers, seconds = self.centers[order], self.seconds[order]
        elapsed_s = np.maximum(seconds[last] - seconds[earlier], 1e-9)
        velocity = (centers[last] - centers[earlier]) / elapsed_s[:, None]
        way = velocity * (seconds - seconds[last])[:, None]
        predicted = np.empty_like(boxes)
        predicted[order] = boxes[order][last] + np.tile(way, 2)
        return predicted

    @cached_property
    def _is_first(self) -> BoolArray:
        ids = self.table.ids[self.by_track]
        return np.asarray(np.diff(ids, prepend=-1) != 0)


def overlapping(table: TrackTable, least: float) -> tuple[IntArray, IntArray, FloatArray]:
    """All pairs of rows of one frame that overlap by an IoU of at least `least`, above 0; the lower ID first.

    Sorted by their left edges, a box is compared with those behind it until one begins right of its right edge.
    """
    order = np.lexsort((table.boxes[:, 0], table.frames))
    frames, boxes = table.frames[order], table.boxes[order]
    parts: list[tuple[IntArray, IntArray, FloatArray]] = []
    near, step = np.arange(len(order)), 1
    while len(near):
        near = near[near + step < len(order)]
        other = near + step
        meets = (frames[near] == frames[other]) & (boxes[other, 0] < boxes[near, 2])
        near, other = near[meets], other[meets]
        overlap = paired_iou(boxes[near], boxes[other])
        enough = overlap >= least
        parts.append((order[near[enough]], order[other[enough]], overlap[enough]))
        step += 1
    one, other, overlap = (np.concatenate(part) for part in zip(*parts, strict=True)) if parts else _none()
    is_lower = table.ids[one] < table.ids[other]
    return np.where(is_lower, one, other), np.where(is_lower, other, one), overlap


def _none() -> tuple[IntArray, IntArray, FloatArray]:
    return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
