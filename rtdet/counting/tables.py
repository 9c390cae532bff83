"""Tables of counts: in all, by the hour and by the minute, by class, each with its interval."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.counting.counter import Counter
from rtdet.counting.doubt import interval
from rtdet.counting.events import APPEARED, ENDED, ENTERED, LEFT, Event, wall_time
from rtdet.counting.zones import Line, Zone
from rtdet.csv_text import text_cell
from rtdet.errors import UsageError
from rtdet.output_file import suffix_of, write_whole

SUFFIXES = (".csv", ".json", ".parquet")
EVENT_SUFFIXES = (".csv", ".jsonl")
ALL = "all"
PERIODS = {"minute": 60, "hour": 3600}
# A table of more periods is of a broken clock.
_MOST_PERIODS = 50_000


@dataclass(frozen=True)
class CountRow:
    """A number of a line or zone in a period.

    kind: line or zone. what: a direction of the line; of a zone entered, left, appeared, ended, inside (how many were
    there at the period's end, or the run's), most (at once) or visits, with how long those that were over lasted.
    class_name: ALL, or one of the classes. period: all, hour or minute; begin_s, begin: of it, in seconds of the
    source and on the wall clock, "" where there is none. low, high: the count's interval. conf: the threshold, NaN
    without --sweep.
    """

    name: str
    kind: str
    what: str
    class_name: str
    period: str
    begin_s: float
    begin: str
    count: int
    low: int
    high: int
    dwell_mean_s: float = math.nan
    dwell_median_s: float = math.nan
    dwell_max_s: float = math.nan
    conf: float = math.nan

    def as_dict(self) -> dict[str, Any]:
        row = asdict(self)
        named = {"class" if key == "class_name" else key: value for key, value in row.items()}
        return {k: round(v, 3) + 0.0 if isinstance(v, float) else v for k, v in named.items()}


@dataclass(frozen=True)
class _Period:
    name: str
    begin_s: float
    end_s: float
    begin: str


def count_rows(
    counter: Counter, begin_s: float, end_s: float, clock: datetime | None = None, *, only_all: bool = False
) -> list[CountRow]:
    """The rows of all lines and zones for a run from `begin_s` to `end_s`. clock: the wall clock at second 0, by
    whose minutes and hours the periods go. Classes have rows where they were counted."""
    periods = [_Period(ALL, begin_s, math.inf, wall_time(clock, begin_s))]
    if not only_all:
        periods += [*_periods("hour", begin_s, end_s, clock), *_periods("minute", begin_s, end_s, clock)]
    rows: list[CountRow] = []
    for shape in counter.zones:
        events = [one for one in counter.events if one.name == shape.name]
        doubtful = [one for one in counter.doubtful if one.name == shape.name]
        classes = (ALL, *sorted({one.class_name for one in events}))
        for period in periods:
            for name in classes:
                rows += _rows_of(shape, period, end_s, name, events, doubtful)
    return rows


def _rows_of(
    shape: Line | Zone,
    period: _Period,
    end_s: float,
    class_name: str,
    events: list[Event],
    doubtful: list[Event],
) -> Iterator[CountRow]:
    def inside(these: list[Event], what: str) -> list[float]:
        return [
            one.sure
            for one in these
            if class_name in (ALL, one.class_name)
            and what == (one.direction or one.kind)
            and (period.name == ALL or period.begin_s <= one.t < period.end_s)
        ]

    words = shape.directions if isinstance(shape, Line) else (ENTERED, LEFT, APPEARED, ENDED)
    for what in words:
        here, maybe = inside(events, what), inside(doubtful, what)
        if here or class_name == ALL:
            low, high = interval(here, maybe)
            yield _row(shape, what, class_name, period, len(here), low, high)
    if isinstance(shape, Zone) and class_name == ALL:
        yield from _zone_rows(shape, period, end_s, events)


def _row(
    shape: Line | Zone, what: str, class_name: str, period: _Period, count: int, low: int, high: int
) -> CountRow:
    kind = "line" if isinstance(shape, Line) else "zone"
    return CountRow(
        shape.name, kind, what, class_name, period.name, period.begin_s, period.begin, count, low, high
    )


def _zone_rows(zone: Zone, period: _Period, end_s: float, events: list[Event]) -> Iterator[CountRow]:
    visits = _visits(events)
    begun = [one for one in visits if period.name == ALL or period.begin_s <= one[0] < period.end_s]
    # Whoever was seen to the end of the run was inside then, although the visit ends with it.
    at = min(period.end_s, end_s)
    now = sum(since < at <= until for since, until, _ in visits)
    most, sure = _most(visits, period)
    yield _row(zone, "inside", ALL, period, now, now, now)
    low, high = interval(sure)
    yield _row(zone, "most", ALL, period, most, min(low, most), max(high, most))
    low, high = interval([sure for *_, sure in begun])
    row = _row(zone, "visits", ALL, period, len(begun), low, high)
    dwells = [until - since for since, until, _ in begun if math.isfinite(until)]
    if dwells:
        mean, median = float(np.mean(dwells)), float(np.median(dwells))
        row = replace(row, dwell_mean_s=mean, dwell_median_s=median, dwell_max_s=max(dwells))
    yield row


def _visits(events: Iterable[Event]) -> list[tuple[float, float, float]]:
    """(begin, end, how sure) of each visit in seconds; the end of one that goes on is infinite."""
    open_: dict[int, tuple[float, float]] = {}
    visits = []
    for one in events:
        if one.kind in (ENTERED, APPEARED):
            open_[one.track_id] = one.t, one.sure
        elif one.track_id in open_:
            since, sure = open_.pop(one.track_id)
            visits.append((since, one.t, sure))
    return [*visits, *((since, math.inf, sure) for since, sure in open_.values())]


def _most(visits: list[tuple[float, float, float]], period: _Period) -> tuple[int, list[float]]:
    """The most visits at once in the period, and how sure those are."""
    there = [one for one in visits if one[0] < period.end_s and one[1] >= period.begin_s]
    changes = sorted([(since, 1) for since, _, _ in there] + [(until, 2) for _, until, _ in there])
    most = now = 0
    at = -math.inf
    for t, what in changes:
        now += 1 if what == 1 else -1
        if now > most:
            most, at = now, t
    return most, [sure for since, until, sure in there if since <= at <= until][:most]


def _periods(name: str, begin_s: float, end_s: float, clock: datetime | None) -> list[_Period]:
    """The whole minutes or hours, of the wall clock where there is one, that the run touches."""
    long = PERIODS[name]
    past = 0.0
    if clock is not None:
        past = (clock.minute % 60 * 60 if long == 3600 else 0) + clock.second + clock.microsecond * 1e-6
    first = math.floor((begin_s + past) / long)
    last = max(first, math.floor((end_s + past) / long))
    if last - first >= _MOST_PERIODS:
        raise UsageError(
            f"the times of these frames span {last - first + 1} {name}s; they are no seconds of a run"
        )
    begins = [number * long - past for number in range(first, last + 1)]
    return [_Period(name, begin, begin + long, wall_time(clock, begin)) for begin in begins]


def parse_clock(text: str) -> datetime:
    """The moment that an ISO text names: 2026-05-01T08:00. Raises UsageError."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00") if text.endswith("Z") else text)
    except ValueError:
        raise UsageError(
            f"--clock is the date and time at second 0, as 2026-05-01T08:00, not {text}"
        ) from None


# Files


def write_counts(path: str | Path, rows: Sequence[CountRow], about: dict[str, Any] | None = None) -> None:
    """Writes the table as .csv, .json (with what `about` says of it) or .parquet. Raises OutputError and
    UnknownNameError."""
    suffix = suffix_of(path, "table of counts", SUFFIXES)
    table = [one.as_dict() for one in rows]
    if suffix == ".csv":
        write_whole(path, _csv(table, list(_names())))
    elif suffix == ".json":
        known = [{k: v for k, v in row.items() if not _is_missing(v)} for row in table]
        lines = ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in known)
        head = json.dumps(about or {}, ensure_ascii=False)
        write_whole(path, f'{{\n  "about": {head},\n  "counts": [\n    {lines}\n  ]\n}}\n')
    else:
        write_whole(path, _parquet(table))


def write_events(path: str | Path, events: Sequence[Event], clock: datetime | None = None) -> None:
    """Writes the events, in order of time, as .csv or .jsonl. Raises OutputError and UnknownNameError."""
    suffix = suffix_of(path, "file of events", EVENT_SUFFIXES)
    events = sorted(events, key=lambda one: one.t)
    if suffix == ".jsonl":
        write_whole(path, "".join(one.as_line(clock) + "\n" for one in events))
        return
    names = [*Event("", "", "", 0, "", 0.0, 0, 0.0, 0.0, 0.0).as_dict(clock)]
    write_whole(path, _csv([one.as_dict(clock) for one in events], names))


def _csv(table: list[dict[str, Any]], names: list[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in table:
        writer.writerow("" if _is_missing(row[name]) else _cell(row[name]) for name in names)
    return text.getvalue()


def _cell(value: Any) -> Any:
    return text_cell(value) if isinstance(value, str) else value


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _names() -> dict[str, Any]:
    return CountRow("", "", "", "", "", 0.0, "", 0, 0, 0).as_dict()


def _parquet(table: list[dict[str, Any]]) -> bytes:
    from rtdet.tracks.formats.parquet_encoding import MAGIC, Kind, footer, row_group

    kinds = {str: Kind.TEXT, float: Kind.REAL, int: Kind.WHOLE}
    schema = {name: kinds[type(value)] for name, value in _names().items()}
    content, entry = row_group(schema, [[row[name] for row in table] for name in schema], len(MAGIC))
    return MAGIC + content + footer(schema, [entry], len(table))
