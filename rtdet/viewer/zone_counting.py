"""What the lines and zones of what is open count, as it plays and of all that was watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.config import RunConfig
from rtdet.counting import Zones, count_table
from rtdet.counting.tables import SUFFIXES, count_rows, write_counts
from rtdet.counting.whole import picture_size
from rtdet.errors import RtdetError, UsageError
from rtdet.ground import SpeedMeter, scale_of
from rtdet.output_file import suffix_of
from rtdet.tracks.table import TrackTable
from rtdet.types import Tracks
from rtdet.video.draw.zone_marks import ZoneMark
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.live_counter import LiveCounter
from rtdet.viewer.notices import line_about
from rtdet.viewer.player import PlayerState, Severity
from rtdet.viewer.review import Review
from rtdet.viewer.tallies import Inside, Tallies, TallyBook, visitors
from rtdet.viewer.watched import WatchedState
from rtdet.viewer.zone_editor import ZoneEditor
from rtdet.viewer.zone_keeping import ZoneKeeping
from rtdet.viewer.zone_marks import marks_of_zones

if TYPE_CHECKING:
    from rtdet.pipeline import Pipeline

# What is shown of the counts is renewed this often.
TALLY_S = 0.25
# Counting a table that only grows takes no more than this share of the time.
_SHARE_OF_TIME = 0.2

NO_TIMES = "Single pictures have nothing to do with each other: nothing is counted in them."


@dataclass(eq=False)
class ZoneCounting(WatchedState):
    """Belongs to the GUI's thread; every field can be watched.

    tallies:     what each line and zone has counted, by name.
    inside:      how many of the objects on screen are in each zone.
    marks:       all of it as it is drawn.
    is_counting: whether the past is being counted again.
    since_s:     since when what was watched could be counted again; None: all of it.
    note:        why nothing is counted, a line for the user; "" when there is no reason.
    """

    player: PlayerState
    review: Review
    jobs: Jobs
    current_run: Callable[[], Path | None]
    editor: ZoneEditor = field(default_factory=ZoneEditor)
    tallies: Tallies = field(default_factory=dict)
    inside: Mapping[str, int] = field(default_factory=dict)
    marks: tuple[ZoneMark, ...] = ()
    is_counting: bool = False
    since_s: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        self.live = LiveCounter()
        self.keeping = ZoneKeeping(self.editor, self.player, self.jobs, self.current_run, self._measure)
        self._source, self._model = "", ""
        self._are_pictures = False
        self._pipeline: Pipeline | None = None
        self._measures = False
        self._ground: Mapping[str, Any] | None = None
        self._told_at = self._table_next_at = 0.0
        self._request, self._is_stale = 0, False
        self._inside: Inside | None = None
        self._size: tuple[int, int] | None = None
        self.editor.watch("zones", self._zones_changed)
        self.editor.watch("moving", self._mark)
        for name in ("tallies", "inside"):
            self.watch(name, self._mark)
        self.review.watch("table", self._table_changed)

    # A source is opened

    def opened(self, pipeline: Pipeline, config: RunConfig) -> None:
        """A pipeline of this source runs from now on. One that is opened again goes on counting, unless it is live:
        then it has no past that could be gone back to."""
        info = pipeline.source.info
        is_same = config.source == self._source
        goes_on = is_same and config.model == self._model and not info.is_live
        if not goes_on:
            self.live = LiveCounter()
            self.tallies, self.inside, self.since_s = {}, {}, None
        self._source, self._model = config.source, config.model
        self._are_pictures = info.are_pictures
        self.note = NO_TIMES if info.are_pictures else ""
        self._pipeline, self._ground = pipeline, None
        self._measures = config.zones is not None
        if not is_same:
            self._size = self.picture
        self.keeping.opened(config, self.picture)
        if not info.are_pictures:
            self._listen(pipeline)
        if is_same and not self.keeping.is_loading:
            self._measure()
        if not goes_on:
            self._recount()

    def _listen(self, pipeline: Pipeline) -> None:
        with suppress(UsageError):  # it has ended already
            pipeline.add_sink(self.live.sink())

    # They change

    def _zones_changed(self, zones: Zones) -> None:
        if not self.keeping.is_loading:
            self._measure()
        self._mark()
        names = {shape.name for shape in zones}
        self.tallies = {name: tally for name, tally in self.tallies.items() if name in names}
        self._recount()

    def look(self, tracks: Tracks, size: tuple[int, int]) -> None:
        """These are the objects on screen, in a picture of this size."""
        zones = self.editor.zones
        if size != self._size:
            self._size = size
            self._mark()
        if not zones.zones:
            self.inside = {}
            return
        if self._inside is None or self._inside.zones is not zones or self._inside.size != size:
            self._inside = Inside(zones, size)
        self.inside = self._inside.count(tracks)

    def _mark(self, _value: object = None) -> None:
        size = self._size or self.picture
        shown = self.editor.shown
        self.marks = () if size is None else marks_of_zones(shown, size, self.tallies, self.inside)

    def _measure(self) -> None:
        """Has speeds measured where the ground has a scale."""
        ground, pipeline = self.editor.zones.ground, self._pipeline
        is_new = ground != self._ground or (ground is None and self._measures)
        if pipeline is None or not is_new:
            return
        try:
            meter = None if ground is None else SpeedMeter(scale_of(ground))
        except RtdetError as error:
            meter = None
            self.player.say(line_about(error), Severity.WARNING)
        self._ground, self._measures = ground, meter is not None
        pipeline.swap_meter(meter)

    def _table_changed(self, _table: TrackTable | None) -> None:
        self._is_stale = True
        if self.review.table is None:
            self.review.zones = {}
            self._recount()

    def _recount(self) -> None:
        """Counts the past anew, in the background; of several requests the newest holds."""
        self._request += 1
        request, zones, live = self._request, self.editor.zones, self.live
        table = self.review.table
        size = self.picture
        self._is_stale = False
        if not len(zones) and table is None:
            self.is_counting = False
            self.tallies = {}
        else:
            self.is_counting = True

        def is_over() -> bool:
            return request != self._request

        def count() -> tuple[float, Tallies, dict[str, frozenset[int]]] | None:
            began = time.monotonic()
            if is_over():
                return None
            live.recount(zones, is_over)
            if table is None:
                return time.monotonic() - began, live.tallies(), {}
            counter = count_table(table, zones, picture_size(table) or size)
            return time.monotonic() - began, TallyBook(counter).tallies(), visitors(counter)

        def counted(outcome: tuple[float, Tallies, dict[str, frozenset[int]]] | None) -> None:
            if outcome is None or is_over():
                return
            took_s, self.tallies, of_zones = outcome
            self.review.zones = {zone.name: of_zones.get(zone.name, frozenset()) for zone in zones.zones}
            self._table_next_at = time.monotonic() + took_s / _SHARE_OF_TIME
            self.note = NO_TIMES if self._are_pictures else ""
            self.is_counting, self.since_s = False, live.since_s if table is None else None

        def failed(error: Exception) -> None:
            if not is_over():
                self.is_counting, self.note = False, line_about(error)

        self.jobs.run(count, done=counted, failed=failed, lane="counts", is_awaited=False)

    def save_counts(self, path: Path) -> None:
        """Writes what was counted, in all, by the hour and by the minute, as `rtdet count` does."""
        zones, live, table, size = self.editor.zones, self.live, self.review.table, self.picture

        def write() -> None:
            suffix_of(path, "table of counts", SUFFIXES)
            if table is None:
                counted = live.counted(zones)
            else:
                times_s = table.frame_list.times_s
                counter = count_table(table, zones, picture_size(table) or size)
                counted = (counter, float(times_s.min()), float(times_s.max())) if len(times_s) else None
            if counted is None:
                raise UsageError("nothing was watched yet, so there are no counts to save")
            counter, begin_s, end_s = counted
            about = {"size": list(counter.size), "point": zones.point}
            write_counts(path, count_rows(counter, begin_s, end_s), about)

        self.jobs.run(write, done=lambda _written: self.player.say(f"Saved to {path}"), lane="save counts")

    @property
    def picture(self) -> tuple[int, int] | None:
        """The size of the source's pictures; None where it is not known."""
        info = self.player.source_info
        return (info.width, info.height) if info is not None and info.width and info.height else None

    # Time passes

    def poll(self) -> None:
        """Called some twenty times a second."""
        now = time.monotonic()
        if self._is_stale and now >= self._table_next_at and not self.is_counting:
            self._recount()
        if self.review.table is None and not self.is_counting and now - self._told_at >= TALLY_S:
            self._told_at = now
            if len(self.editor.zones):
                self.tallies = self.live.tallies()
        self.keeping.poll()

    def close(self) -> None:
        """Nothing that was drawn is lost."""
        self.keeping.close()
