"""Clips around events: which parts of a film they are, and what they are called."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rtdet.csv_text import text_of_cell
from rtdet.errors import SourceError, UsageError

EVENT_FILES = (".csv", ".jsonl")
# No film lasts longer: three years.
LATEST_S = 1e8
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Event:
    """Something that happened at `time_s` on the source's clock; `name` says in a few words what it was."""

    time_s: float
    name: str = ""


@dataclass(frozen=True)
class Clip:
    """A part of the film, in seconds of the source, with the events in it."""

    start_s: float
    end_s: float
    events: tuple[Event, ...]

    def file_name(self, number: int, suffix: str) -> str:
        """The name of the clip's file; names stand in order of number, which is from 1."""
        first = self.events[0]
        others = f"-and-{len(self.events) - 1}-more" if len(self.events) > 1 else ""
        what = _plain(first.name)
        return f"{number:04d}-{_minutes(first.time_s)}{f'-{what}' if what else ''}{others}{suffix}"


def clips_around(events: Iterable[Event], before_s: float, after_s: float) -> list[Clip]:
    """A clip for each event, from `before_s` before it to `after_s` after it, in order of time; where two overlap or
    touch they are one."""
    clips: list[Clip] = []
    for event in sorted(events, key=lambda one: one.time_s):
        start, end = max(0.0, event.time_s - before_s), event.time_s + after_s
        if clips and start <= clips[-1].end_s:
            last = clips[-1]
            clips[-1] = Clip(last.start_s, max(last.end_s, end), (*last.events, event))
        else:
            clips.append(Clip(start, end, (event,)))
    return clips


def events_of(text: str) -> tuple[list[Event], Path | None]:
    """The events that --around names, and the file that they are from: a moment (83.5 or 1:23.5), a file of events,
    or the N-th of a file (EVENTS.csv:N). Raises UsageError and SourceError."""
    moment = _moment(text)
    if moment is not None and not os.path.exists(text):
        return [Event(moment)], None
    path, number = Path(text), None
    if not os.path.exists(path):  # Path's own raises where a name is too long
        named, _, behind = text.rpartition(":")
        if named and behind.isdecimal() and len(behind) < 10:
            path, number = Path(named), int(behind)
    if path.suffix.lower() not in EVENT_FILES:
        raise UsageError(
            f"--around takes a moment in seconds (83.5 or 1:23.5) or a file of events ({' or '.join(EVENT_FILES)}, "
            f"or EVENTS.csv:N for its N-th), not {text}"
        )
    events = read_events(path)
    if number is None:
        return events, path
    if not 1 <= number <= len(events):
        raise UsageError(f"{path} has {len(events)} events, so there is none of number {number}")
    return [events[number - 1]], path


def read_events(path: str | Path) -> list[Event]:
    """The events of a file that `rtdet count --events` writes, or of any other .csv with a header or .jsonl whose
    rows have `time_s`; they are called by `event` (or `kind`), `name`, `direction`, `class` and `id`, where they have
    them. Raises SourceError."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = _json_lines(text) if path.suffix.lower() == ".jsonl" else _table(text)
        return [_event(row, number) for number, row in rows]
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not a file of events: it is not text") from None
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, csv.Error) as error:
        raise SourceError(f"{path} is not a file of events: {error}") from error


def _json_lines(text: str) -> list[tuple[int, Mapping[str, Any]]]:
    rows: list[tuple[int, Mapping[str, Any]]] = []
    for number, line in enumerate(text.split("\n"), 1):  # JSON may have other ends of lines in its texts
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                raise ValueError(f"line {number} is not JSON") from None
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is no object")
            rows.append((number, row))
    return rows


def _table(text: str) -> list[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if "time_s" not in (reader.fieldnames or ()):
        raise ValueError("it has no column time_s")
    return [(reader.line_num, row) for row in reader]


def _event(row: Mapping[str, Any], number: int) -> Event:
    try:
        time_s = float(row["time_s"])
    except (LookupError, TypeError, ValueError, OverflowError):
        time_s = math.nan
    if not 0 <= time_s <= LATEST_S:
        raise ValueError(f"line {number} has no time_s, in seconds from 0")
    track = row.get("id")
    words = [
        text_of_cell(str(value))
        for value in (row.get("event") or row.get("kind"), row.get("name"), row.get("direction"), row.get("class"))
        if value not in (None, "")
    ]  # fmt: skip
    return Event(time_s, " ".join([*words, *([str(track)] if track not in (None, "") else [])]))


_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)")


def _moment(text: str) -> float | None:
    """Seconds, from 83.5, 1:23.5 or 0:01:23.5; None for anything else."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    time_s = 3600 * hours + 60 * minutes + seconds
    return time_s if time_s <= LATEST_S else None


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds * 10), 600)
    return f"{minutes:02d}m{rest / 10:04.1f}s"


def _plain(name: str) -> str:
    """The words of a name as a part of a file's name."""
    return re.sub(r"[^\w.]+", "-", name).strip("-._")[:_LONGEST_NAME].rstrip("-._")


def length_of(clips: Sequence[Clip]) -> float:
    """How many seconds the clips are long together."""
    return sum(clip.end_s - clip.start_s for clip in clips)
