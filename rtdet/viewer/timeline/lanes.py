"""Which lanes there are and where: filtered, scrolled, and only those that can be seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rtdet.types import BoolArray, FloatArray, IntArray
from rtdet.viewer.timeline.axis import TimeAxis
from rtdet.viewer.timeline.spans import TrackSpans

LANE_PX = 20


@dataclass(frozen=True)
class LaneFilter:
    """Which tracks have a lane.

    classes: None means all of them. least_s, most_s: how long a track is there, from its first frame to its last;
    most_s None: however long. has: which of some IDs (T,) are wanted, as a zone says it; None: all. search: IDs as a
    person writes them ("7", "7, 12-15"), which go before everything else. in_view: only tracks of the stretch that
    the axis shows.
    """

    classes: frozenset[str] | None = None
    least_s: float = 0.0
    most_s: float | None = None
    has: Callable[[IntArray], BoolArray] | None = None
    search: str = ""
    in_view: bool = True

    def keeps(self, spans: TrackSpans, axis: TimeAxis) -> BoolArray:
        """(T,) the tracks that have a lane."""
        wanted = searched(self.search)
        if wanted:
            kept = np.zeros(len(spans), bool)
            for low, high in wanted:
                kept |= (spans.ids >= low) & (spans.ids <= high)
            return kept
        length_s = spans.last_s - spans.first_s
        kept = length_s >= self.least_s - 1e-9
        if self.most_s is not None:
            kept &= length_s <= self.most_s + 1e-9
        if self.classes is not None:
            kept &= spans.with_classes(self.classes)
        if self.has is not None:
            kept &= self.has(spans.ids)
        if self.in_view and not axis.is_fitted:
            kept &= (spans.first_s < axis.right_s) & (spans.last_s > axis.left_s)
        return kept


_IDS = re.compile(r"#?(\d{1,15})(?:\s*(?:-|\N{EN DASH})\s*#?(\d{1,15}))?")


def searched(text: str) -> list[tuple[int, int]]:
    """The IDs that a person asks for, as ranges: "7, 12-15" is (7, 7), (12, 15). Words that are no IDs are passed
    over."""
    return [(int(found[1]), int(found[2] or found[1])) for found in _IDS.finditer(text)]


class Strip(NamedTuple):
    """A stretch of one lane as it is painted, in pixels of the axis; `is_seen` False: filled in or predicted."""

    left: float
    right: float
    is_seen: bool


@dataclass
class Lanes:
    """The lanes of the filtered tracks, one below the other; only those in view are ever looked at.

    shown (L,): places in `spans` of the tracks that have a lane. top: by how many pixels the list is scrolled.
    """

    axis: TimeAxis = field(default_factory=TimeAxis)
    spans: TrackSpans = field(default_factory=TrackSpans)
    filter: LaneFilter = field(default_factory=LaneFilter)
    height: float = 0.0
    top: float = 0.0
    shown: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))

    def show(self, spans: TrackSpans, length_s: float = 0.0) -> None:
        """Takes over the spans of a new table; the axis goes to `length_s`, where the film does."""
        self.spans = spans
        self.axis.cover(spans.begin_s, max(spans.end_s, length_s))
        self.arrange()

    def arrange(self) -> None:
        """Chooses the lanes anew: after a change of the filter or of what is in view. The topmost lane that is still
        there stays where it is."""
        before, row = self.shown, int(self.top // LANE_PX)
        anchor = int(before[row]) if row < len(before) else -1
        self.shown = np.flatnonzero(self.filter.keeps(self.spans, self.axis))
        if anchor >= 0 and self.top > 0:
            self.top = float(np.searchsorted(self.shown, anchor) * LANE_PX) + self.top % LANE_PX
        self._settle()

    def resize(self, height: float) -> None:
        self.height = max(height, 0.0)
        self._settle()

    @property
    def deepest(self) -> float:
        """The largest `top` there is."""
        return max(len(self.shown) * LANE_PX - self.height, 0.0)

    def scroll_to(self, top: float) -> None:
        self.top = top
        self._settle()

    def visible(self) -> range:
        """The rows that can be seen, the last one in part perhaps."""
        first = int(self.top // LANE_PX)
        return range(first, min(int(-(-(self.top + self.height) // LANE_PX)), len(self.shown)))

    def y_of(self, row: int) -> float:
        """Where a row begins, in pixels below the upper edge of what can be seen."""
        return row * LANE_PX - self.top

    def row_at(self, y: float) -> int | None:
        row = int((y + self.top) // LANE_PX)
        return row if 0 <= y < self.height and 0 <= row < len(self.shown) else None

    def id_at(self, y: float) -> int | None:
        row = self.row_at(y)
        return None if row is None else int(self.spans.ids[self.shown[row]])

    def row_of(self, track_id: int) -> int | None:
        """The row of a track; None where it has no lane."""
        place = self.spans.place_of(track_id)
        row = -1 if place is None else int(np.searchsorted(self.shown, place))
        return row if place is not None and row < len(self.shown) and self.shown[row] == place else None

    def bring(self, track_id: int) -> None:
        """Scrolls so that a track's lane can be seen, if it has one."""
        row = self.row_of(track_id)
        if row is None:
            return
        if self.y_of(row) < 0 or self.y_of(row) + LANE_PX > self.height:
            self.scroll_to(row * LANE_PX - (self.height - LANE_PX) / 2)

    def neighbor(self, track_id: int | None, step: int) -> int | None:
        """The ID of the lane so many rows below another; the first one where that has none."""
        if not len(self.shown):
            return None
        row = None if track_id is None else self.row_of(track_id)
        row = self.visible().start if row is None else min(max(row + step, 0), len(self.shown) - 1)
        return int(self.spans.ids[self.shown[row]])

    def strips(self, row: int) -> list[Strip]:
        """What of a lane is painted: the spans in view; those without a visible gap between them are one strip."""
        spans, axis = self.spans, self.axis
        place = int(self.shown[row])
        first, last = spans.offsets[place], spans.offsets[place + 1]
        starts, ends = spans.starts_s[first:last], spans.ends_s[first:last]
        lower = first + int(np.searchsorted(ends, axis.left_s, side="right"))
        upper = first + int(np.searchsorted(starts, axis.right_s, side="left"))
        return joined(
            (spans.starts_s[lower:upper] - axis.left_s) * (axis.width / axis.seconds),
            (spans.ends_s[lower:upper] - axis.left_s) * (axis.width / axis.seconds),
            spans.is_seen[lower:upper],
        )

    def _settle(self) -> None:
        self.top = min(max(self.top, 0.0), self.deepest)


def joined(lefts: FloatArray, rights: FloatArray, is_seen: BoolArray, least: float = 0.75) -> list[Strip]:
    """The strips between these pixels, in order; gaps below `least` pixels are closed, and changes that are closer
    together than that are not told apart, so that there are never many more strips than pixels."""
    if not len(lefts):
        return []
    cells = np.floor(lefts / least)
    apart = (lefts[1:] - rights[:-1] >= least) | ((is_seen[1:] != is_seen[:-1]) & (cells[1:] != cells[:-1]))
    begins = np.append(0, np.flatnonzero(apart) + 1)
    stops = np.append(begins[1:], len(lefts)) - 1
    seen = np.logical_or.reduceat(is_seen, begins)
    return [
        Strip(*strip)
        for strip in zip(lefts[begins].tolist(), rights[stops].tolist(), seen.tolist(), strict=True)
    ]
