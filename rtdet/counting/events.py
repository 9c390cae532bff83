"""What happens at lines and zones: one `Event` each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

# Of a line; of a zone: in over its border, out over it, first seen inside, last seen inside.
CROSSED = "crossed"
ENTERED, LEFT, APPEARED, ENDED = "entered", "left", "appeared", "ended"


@dataclass(frozen=True, slots=True)
class Event:
    """kind: one of the words above. name: of the line or zone; direction: of a line, "" at a zone. t: seconds of the
    source at which the track's path met the border, between the frames where it does; number: the frame in which the
    track was next seen, from 1. x, y: where, in pixels. dwell_s: how long the visit lasted that has left or ended.
    sure: how likely it is that this is a real event, 0 to 1 (see `rtdet.counting.doubt`)."""

    kind: str
    name: str
    direction: str
    track_id: int
    class_name: str
    t: float
    number: int
    x: float
    y: float
    sure: float
    dwell_s: float | None = None

    def as_dict(self, clock: datetime | None = None) -> dict[str, Any]:
        """Its values as files have them. `clock`: the wall clock at second 0 of the source."""
        row: dict[str, Any] = {
            "event": self.kind,
            "name": self.name,
            "direction": self.direction,
            "id": self.track_id,
            "class": self.class_name,
            "time_s": round(self.t, 3) + 0.0,
            "frame": self.number,
            "x": round(self.x, 1) + 0.0,
            "y": round(self.y, 1) + 0.0,
            "dwell_s": None if self.dwell_s is None else round(self.dwell_s, 3) + 0.0,
            "sure": round(self.sure, 3),
        }
        if clock is not None:
            row["clock"] = wall_time(clock, self.t, "milliseconds")
        return row

    def as_line(self, clock: datetime | None = None, source_name: str = "") -> str:
        """A line of JSON without the values that it has none of; with the name of its source where that has one."""
        row = {"source": source_name, **self.as_dict(clock)}
        return json.dumps({key: value for key, value in row.items() if value not in (None, "")})


def wall_time(clock: datetime | None, t: float, timespec: str = "seconds") -> str:
    """The date and time at `t` seconds, in ISO 8601; `clock` is that at second 0. "" where there is none, also
    beyond the years that have four digits."""
    try:
        return "" if clock is None else (clock + timedelta(seconds=round(t, 3))).isoformat(timespec=timespec)
    except OverflowError:
        return ""
