"""The state of the timeline: what is selected and followed, and the lanes as they are in view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rtdet.tracks.table import TrackTable
from rtdet.types import BoolArray, IntArray
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.review import Review
from rtdet.viewer.timeline.charts import ObjectCounts
from rtdet.viewer.timeline.lanes import LaneFilter, Lanes
from rtdet.viewer.timeline.spans import TrackSpans, spans_of
from rtdet.viewer.watched import WatchedState


@dataclass(eq=False)
class Timeline(WatchedState):
    """Follows the table of a review. Belongs to the GUI's thread.

    selected:   IDs, the one that was chosen last at the end.
    following:  the ID of the object that the picture stays on; None: none.
    is_drawing: a missing box is about to be drawn in the picture.
    position_s: the time of the picture on screen.
    length_s:   of the film that is open; 0 where it has no end, or none is known.
    spans, counts: of the table's tracks; empty where there is none.
    view:       rises whenever lanes and charts have to be painted anew.
    """

    selected: tuple[int, ...] = ()
    following: int | None = None
    is_drawing: bool = False
    position_s: float = 0.0
    length_s: float = 0.0
    spans: TrackSpans = field(default_factory=TrackSpans)
    counts: ObjectCounts = field(default_factory=lambda: ObjectCounts(TrackSpans()))
    view: int = 0

    def __post_init__(self) -> None:
        self.lanes = Lanes()

    def attend(self, review: Review, jobs: Jobs) -> None:
        """Shows the review's table from now on; its spans are found in a worker thread."""

        def found(made: tuple[TrackTable | None, TrackSpans, ObjectCounts]) -> None:
            if made[0] is review.table:  # else a newer one is on its way
                self.show(*made[1:])

        def table_changed(table: TrackTable | None) -> None:
            jobs.run(lambda: _made(table), done=found, lane="timeline", is_awaited=False)

        review.watch("table", table_changed, now=True)

    def show(self, spans: TrackSpans, counts: ObjectCounts | None = None) -> None:
        """Takes over the spans of a new table. Tracks that are gone are no longer selected."""
        self.lanes.show(spans, self.length_s)
        self.spans, self.counts = spans, counts or ObjectCounts(spans)
        self.selected = tuple(one for one in self.selected if spans.place_of(one) is not None)
        self.repaint()

    @property
    def filter(self) -> LaneFilter:
        return self.lanes.filter

    def sift(self, **changes: Any) -> None:
        """Changes the filter's fields."""
        self.lanes.filter = replace(self.lanes.filter, **changes)
        self.rearrange()

    def choose_zone(self, name: str | None, zones: Mapping[str, frozenset[int]]) -> None:
        """Only tracks of this zone have a lane; None: all."""
        members = None if name is None else zones.get(name)
        self.sift(has=None if members is None else _in(members))

    def rearrange(self) -> None:
        """After a change of the axis or the filter."""
        self.lanes.arrange()
        self.repaint()

    def repaint(self) -> None:
        self.view += 1

    # What the user does with it.

    @property
    def chosen(self) -> int | None:
        """The ID that was selected last."""
        return self.selected[-1] if self.selected else None

    def select(self, track_id: int | None, *, add: bool = False, bring: bool = True) -> None:
        """Selects a track, or one more; once more takes it out again. None selects nothing. With `bring` its lane is
        scrolled into view."""
        if track_id is None:
            self.selected = self.selected if add else ()
            return
        if not add:
            self.selected = (track_id,)
        elif track_id in self.selected:
            self.selected = _without(self.selected, track_id)
        else:
            self.selected = (*self.selected, track_id)
        if bring:
            self.lanes.bring(track_id)
            self.repaint()

    def zoom(self, factor: float, at_x: float | None = None) -> None:
        """Zooms the time axis about a place, or about the playhead where it is in view, else the middle."""
        axis = self.lanes.axis
        if at_x is None:
            at_x = axis.x_of(self.position_s)
            at_x = at_x if 0 <= at_x <= axis.width else axis.width / 2
        axis.zoom_by(factor, at_x)
        self.rearrange()

    def pan(self, dx: float, dy: float = 0.0) -> None:
        """Drags the lanes by so many pixels."""
        self.lanes.axis.pan_by(dx)
        if dy:
            self.lanes.scroll_to(self.lanes.top - dy)
        self.rearrange()

    def fit(self) -> None:
        self.lanes.axis.fit()
        self.rearrange()

    def bring_into_view(self, track_id: int) -> None:
        """Shows a track's lane and, where it fits, all of its time."""
        place = self.spans.place_of(track_id)
        if place is not None:
            self.lanes.axis.show(float(self.spans.first_s[place]), float(self.spans.last_s[place]))
            self.lanes.arrange()
            self.lanes.bring(track_id)
            self.repaint()

    def look_around(self, seconds: float, width_s: float) -> None:
        """Shows a time and so much around it; less where the axis shows less already."""
        axis = self.lanes.axis
        if axis.seconds > width_s:
            axis.zoom_by(axis.seconds / width_s, axis.x_of(seconds))
        axis.show(seconds - axis.seconds / 4, seconds + axis.seconds / 4)
        self.rearrange()

    def move_to(self, seconds: float, *, is_playing: bool = False) -> None:
        """The picture on screen is another; while it plays the axis turns its page with it."""
        self.position_s = seconds
        if is_playing and self.lanes.axis.follow(seconds):
            self.rearrange()


def _made(table: TrackTable | None) -> tuple[TrackTable | None, TrackSpans, ObjectCounts]:
    spans = TrackSpans() if table is None else spans_of(table)
    return table, spans, ObjectCounts(spans)


def _in(members: frozenset[int]) -> Callable[[IntArray], BoolArray]:
    known = np.array(sorted(members), dtype=np.int64)

    def has(ids: IntArray) -> BoolArray:
        return np.isin(ids, known)

    return has


def _without(ids: Iterable[int], track_id: int) -> tuple[int, ...]:
    return tuple(one for one in ids if one != track_id)
