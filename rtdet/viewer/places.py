"""Places in a source as a person writes them: a time or the number of a frame."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rtdet.types import SourceInfo
from rtdet.viewer.rates import clock

FORMS = "a time (75, 1:15.2, 1:02:03) or a frame (#120)"


@dataclass(frozen=True)
class Place:
    """Seconds on the source's clock or, where it is given, the frame `index`, from 0. Track files and people count
    frames from 1: `#1` is the first."""

    t: float = 0.0
    index: int | None = None


_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?|[.,]\d+)\s*s?")
_FRAME = re.compile(r"(?:#|frame\s)\s*(\d+)", re.IGNORECASE)


def parse_place(text: str) -> Place | None:
    """`75`, `1:15.2` and `1:02:03` are times, `#120` is a frame; None for anything else."""
    text = text.strip()
    if found := _FRAME.fullmatch(text):
        return Place(index=int(found[1]) - 1) if len(found[1]) <= 15 else None
    found = _TIME.fullmatch(text)
    if found is None or len(text) > 30:
        return None
    hours, minutes, seconds = found[1] or "0", found[2] or "0", found[3].replace(",", ".")
    return Place(int(hours) * 3600.0 + int(minutes) * 60.0 + float(seconds))


def clamped(place: Place, info: SourceInfo) -> tuple[Place, str]:
    """The place itself or, where the source does not reach so far, its first or last one, and a line that says so."""
    if place.index is not None:
        last = place.index if info.frame_count is None else max(info.frame_count - 1, 0)
        if place.index > last:
            return Place(
                index=last
            ), f"There is no frame {place.index + 1}: this is the last one, {last + 1}."
        if place.index < 0:
            return Place(index=0), "Frames are counted from 1: this is the first one."
        return place, ""
    if info.duration_s is not None and place.t > info.duration_s:
        end = (
            Place(info.duration_s) if info.frame_count is None else Place(index=max(info.frame_count - 1, 0))
        )
        asked, length = clock(place.t, tenths=True), clock(info.duration_s, tenths=True)
        return end, f"There is no picture at {asked}: this is the last one of {length}."
    return place, ""
