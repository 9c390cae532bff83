"""Speeds and distances of finished tracks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import numpy as np

from rtdet.ground.distance import distances
from rtdet.ground.motion import Courses
from rtdet.ground.places import places_of
from rtdet.ground.scale import Ground, Scale, Size
from rtdet.ground.smoother import Course, smoothed
from rtdet.tracks.offline.motion import can_be_one
from rtdet.tracks.offline.times import row_seconds
from rtdet.tracks.picture_size import check_size
from rtdet.tracks.table import TrackTable
from rtdet.types import BoolArray, FloatArray, IntArray

VALUES = ("speed", "speed_se", "distance_m")
# A speed is given once it is known this well: m/s, or as a part of itself.
MOST_ERROR, MOST_ERROR_PART = 1.0, 1 / 3
# A track that was measured less often has no speed.
LEAST_MEASURED = 4
# What stands in the picture for hours is measured in parts of so many rows: they are in memory together.
_LONGEST_PART = 5000


class Walked(NamedTuple):
    """What one object did: rows (n,) of the table, one after the other, and its course (n for T) at each of them."""

    rows: IntArray
    course: Courses


def walked(table: TrackTable, scale: Scale, on_track: Callable[[], None] = lambda: None) -> Iterator[Walked]:
    """Where on the ground the objects of a table were, smoothed over the whole of each track: what was seen before
    and after counts too. An ID that went over to another object is two. `on_track` is called after each.

    Raises SourceError where the picture's size is not known and the scale needs it, UsageError where boxes lie
    clearly beyond the size that the scale has.
    """
    seconds = row_seconds(table)
    places, roots, usable = (np.zeros((len(table), 2)), np.zeros((len(table), 2, 2)), _seen(table))
    for ground, rows in grounds(table, scale):
        found = places_of(ground, table.boxes[rows])
        places[rows], roots[rows], usable[rows] = found.places, found.roots, usable[rows] & found.usable
    parts = [part for rows in table.tracks() for part in _parts(table.boxes, seconds, usable, rows)]
    courses = [Course(seconds[rows], places[rows], roots[rows], usable[rows]) for rows in parts]
    for one, course in smoothed(courses):
        yield Walked(parts[one], course)
        on_track()


def grounds(table: TrackTable, scale: Scale) -> Iterator[tuple[Ground, IntArray]]:
    """The ground in pictures of each size that the table has, and its rows there."""
    sizes = table.frame_list.sizes[table.frame_list.place_of(table.frames)]
    for width, height in np.unique(sizes, axis=0).tolist():
        size: Size | None = (width, height) if min(width, height) > 0 else None
        if size is None and scale.size is not None:
            check_size(table, scale.size, "the file of the ground's scale")
        yield scale.on(size), np.flatnonzero((sizes == (width, height)).all(axis=1))


def with_speeds(table: TrackTable, scale: Scale, on_track: Callable[[], None] = lambda: None) -> TrackTable:
    """The same rows with `speed` and `speed_se` (its standard error), both in m/s, and `distance_m`, gone so far.

    NaN where there is none: above the horizon, where the border cuts the box off before or after all that was seen of
    it, and where a speed is not known to within 1 m/s or a third of it. Raises as `walked` does.
    """
    values = {name: np.full(len(table), np.nan) for name in VALUES}
    gone: dict[int, float] = {}
    for rows, course in sorted(walked(table, scale, on_track), key=lambda one: int(one.rows[0])):
        known = settled(course.speed, course.speed_se)
        values["speed"][rows] = np.where(known, course.speed, np.nan)
        values["speed_se"][rows] = np.where(known, course.speed_se, np.nan)
        track = int(table.ids[rows[0]])
        values["distance_m"][rows] = gone.get(track, 0.0) + distances(course.place, course.place_se)
        gone[track] = float(values["distance_m"][rows[-1]])
    return replace(table, values={**table.values, **values})


def settled(speed: FloatArray, speed_se: FloatArray) -> BoolArray:
    """Which speeds are known well enough to be told."""
    return np.asarray(speed_se <= np.maximum(MOST_ERROR, MOST_ERROR_PART * speed))


def _seen(table: TrackTable) -> BoolArray:
    return np.asarray((table.scores != 0) & table.values["seen"])


def _parts(boxes: FloatArray, seconds: FloatArray, usable: BoolArray, rows: IntArray) -> Iterator[IntArray]:
    """The rows of a track from its first measured one to its last, cut where no object could have gone along."""
    at = np.flatnonzero(usable[rows])
    if len(at) < LEAST_MEASURED:
        return
    before, after = rows[at[:-1]], rows[at[1:]]
    breaks = np.flatnonzero(~can_be_one(boxes[before], boxes[after], seconds[after] - seconds[before]))
    for part in chain.from_iterable(map(_short, np.split(at, breaks + 1))):
        if len(part) >= LEAST_MEASURED and seconds[rows[part[-1]]] > seconds[rows[part[0]]]:
            yield rows[part[0] : part[-1] + 1]


def _short(part: IntArray) -> list[IntArray]:
    """The part, divided where it is long."""
    return np.array_split(part, max(1, -(-len(part) // _LONGEST_PART)))
