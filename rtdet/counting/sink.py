"""Counting as a run goes on: a sink of results."""

from __future__ import annotations

import math
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

from rtdet.counting.counter import Counter
from rtdet.counting.events import Event
from rtdet.counting.marks import marks_of_counter
from rtdet.counting.tables import EVENT_SUFFIXES, SUFFIXES, count_rows, write_counts
from rtdet.counting.webhook import Webhook
from rtdet.counting.zones import Zones
from rtdet.errors import UsageError
from rtdet.output_file import STDOUT, OutputFile, check_output, suffix_of
from rtdet.protocols import Sink
from rtdet.types import FrameResult
from rtdet.video.draw.zone_marks import ZoneMark


class CountSink(Sink):
    """Counts at `zones` what the results hold; writes each event as it happens and the table of counts at the end.

    counts: .csv, .json or .parquet. events: .jsonl, or - for standard output. url: an address that each event is
    posted to. size: of the pictures, where it is known beforehand. clock: the wall clock at second 0; `is_live`
    sources have the machine's own without it. source_name: what the events say that they are of. marks: the lines and
    zones with their counts, to be drawn, for any thread.

    It wants every result of the tracker, also where other sinks get what a window shows (`wants_results`). Raises
    OutputError and UsageError before anything is written.
    """

    wants_results = True

    def __init__(
        self,
        zones: Zones,
        *,
        counts: str | Path | None = None,
        events: str | Path | None = None,
        url: str | None = None,
        clock: datetime | None = None,
        is_live: bool = False,
        size: tuple[int, int] = (0, 0),
        source_name: str = "",
    ) -> None:
        self._zones, self._clock, self._is_live = zones, clock, is_live
        self._source_name = source_name
        self.counter = Counter(zones, size) if min(size) > 0 else None
        self.marks: tuple[ZoneMark, ...] = () if self.counter is None else marks_of_counter(self.counter)
        self._span: tuple[float, float] | None = None
        self._is_closed = False
        check_counting(counts, events)
        self._counts = None if counts is None else Path(counts)
        with ExitStack() as opened:
            self._held = None if self._counts is None else OutputFile(self._counts)
            if self._held is not None:
                opened.callback(self._held.close)
            self._events = None if events is None else OutputFile(events)
            if self._events is not None:
                opened.callback(self._events.close)
            self._webhook = None if url is None else Webhook(url)
            opened.pop_all()

    def write(self, result: FrameResult) -> None:
        frame = result.frame
        if not math.isfinite(frame.t):
            return
        if self._clock is None and self._is_live:
            self._clock = datetime.fromtimestamp(
                datetime.now(timezone.utc).timestamp() - frame.t, tz=timezone.utc
            ).astimezone()
        since, until = self._span or (frame.t, frame.t)
        self._span = min(since, frame.t), max(until, frame.t)
        happened: list[Event] = []
        if self.counter is None:
            self.counter = Counter(self._zones, frame.size)
        elif self.counter.size != frame.size:
            happened += self.counter.resize(frame.size)
        happened += self.counter.update(result.tracks, frame.t, frame.index + 1)
        self.marks = marks_of_counter(self.counter)
        self._tell(happened)

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        with ExitStack() as closing:
            closing.callback(self._write_counts)  # whatever happens to the rest
            for part in (self._webhook, self._events):
                if part is not None:
                    closing.callback(part.close)
            if self.counter is not None:
                self._tell(self.counter.finish())
            if self._events is not None:
                self._events.append(b"")  # without an event the file is empty, and not that of an earlier run

    def _tell(self, events: list[Event]) -> None:
        lines = [one.as_line(self._clock, self._source_name) for one in events]
        if lines and self._events is not None:
            self._events.append("".join(line + "\n" for line in lines).encode())
        if self._webhook is not None:
            for line in lines:
                self._webhook.post(line)

    def _write_counts(self) -> None:
        if self._counts is None or self._held is None:
            return
        self._held.close()  # gives up its lock, for the file to be written whole
        counter, (begin, end) = self.counter or Counter(self._zones, (1, 1)), self._span or (0.0, 0.0)
        about = {"size": list(counter.size), "point": self._zones.point}
        write_counts(self._counts, count_rows(counter, begin, end, self._clock), about)


def check_counting(counts: str | Path | None, events: str | Path | None) -> None:
    """Raises UnknownNameError, UsageError and OutputError for files that counting cannot write."""
    if counts is not None:
        suffix_of(counts, "table of counts", SUFFIXES)
        check_output(counts)
    if events is not None:
        if Path(events) != STDOUT and suffix_of(events, "file of events", EVENT_SUFFIXES) != ".jsonl":
            raise UsageError(f"events are written as they happen, to a .jsonl or to -, not to {events}")
        check_output(events)
