"""Corrects IDs and classes by hand. Every function returns a new table and leaves the old one unchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rtdet.errors import UsageError
from rtdet.geometry.boxes import paired_iou
from rtdet.tracks.table import LAST_ID, TrackTable
from rtdet.types import BoolArray, IntArray

# Two boxes that overlap by this much are of one object.
ONE_OBJECT_IOU = 0.5
# Of a class that has only a number.
_MOST_DIGITS = 5


def merge(table: TrackTable, first: int, second: int) -> TrackTable:
    """Makes the track `second` part of the track `first`.

    In a frame where both are, one row stays: the one that was seen where the other is predicted or filled in; else,
    where the two overlap by an IoU of at least 0.5, that of the higher score (`first`'s where they are equal).
    Raises UsageError where an ID is not there, both are one, or both were seen in one frame at different places.
    """
    if first == second:
        raise UsageError(f"merge needs two different IDs, not {first} twice")
    into, moved = rows_of(table, first), rows_of(table, second)
    both, of_first, of_second = np.intersect1d(
        table.frames[into], table.frames[moved], assume_unique=True, return_indices=True
    )
    if len(both) == 0:
        return _with(table, moved, first)
    one, other = into[of_first], moved[of_second]
    is_seen = seen_rows(table)
    apart = is_seen[one] & is_seen[other]
    apart &= paired_iou(table.boxes[one], table.boxes[other]) < ONE_OBJECT_IOU
    if apart.any():
        more = f" and {apart.sum() - 1} more" if apart.sum() > 1 else ""
        raise UsageError(
            f"IDs {first} and {second} cannot be merged: both are in frame {both[apart.argmax()]}{more}, "
            "at different places"
        )
    other_stays = is_seen[other] & (~is_seen[one] | (table.scores[other] > table.scores[one]))
    kept = np.ones(len(table), dtype=bool)
    kept[np.where(other_stays, one, other)] = False
    ids = table.ids.copy()
    ids[moved] = first
    return replace(table.only(kept), ids=ids[kept])


def split(table: TrackTable, track_id: int, frame: int, new: int | None = None) -> TrackTable:
    """Gives the track's rows from `frame` on the ID `new`; default: one above the highest.

    Raises UsageError where the ID is not there, a side of the cut would be empty, or there is a `new` already.
    """
    rows = rows_of(table, track_id)
    frames = table.frames[rows]
    after = rows[frames >= frame]
    if len(rows) == 1:
        raise UsageError(f"ID {track_id} is in frame {frames[0]} only: there is nothing to split")
    if len(after) in (0, len(rows)):
        raise UsageError(
            f"ID {track_id} is in frames {frames[0]} to {frames[-1]}: "
            f"split it at a frame from {frames[0] + 1} to {frames[-1]}, not {frame}"
        )
    if new is None:
        new = next_id(table)
    elif len(table.rows_of(new)):
        raise UsageError(f"there is an ID {new} already")
    return _with(table, after, new)


def swap(table: TrackTable, first: int, second: int, frame: int) -> TrackTable:
    """Exchanges two IDs from `frame` on, as where the tracker took one object for the other.

    Raises UsageError where an ID is not there, both are one, or neither is there from `frame` on.
    """
    if first == second:
        raise UsageError(f"swap needs two different IDs, not {first} twice")
    ids = table.ids.copy()
    last = 0
    for here, there in ((first, second), (second, first)):
        rows = rows_of(table, here)
        last = max(last, int(table.frames[rows[-1]]))
        ids[rows[table.frames[rows] >= frame]] = there
    if frame > last:
        raise UsageError(
            f"IDs {first} and {second} end in frame {last}: there is nothing to swap from {frame} on"
        )
    return table.with_ids(ids)


def delete(table: TrackTable, track_id: int, start: int | None = None, end: int | None = None) -> TrackTable:
    """Without the track's rows from frame `start` to frame `end`, both included; default: without all of them.

    Frames stay listed. Raises UsageError where the ID is not there, or has no rows in these frames.
    """
    rows = rows_of(table, track_id)
    frames = table.frames[rows]
    gone = rows[
        (frames >= (frames[0] if start is None else start)) & (frames <= (frames[-1] if end is None else end))
    ]
    if len(gone) == 0:
        where = f"from {frames[0] if start is None else start} to {frames[-1] if end is None else end}"
        raise UsageError(
            f"ID {track_id} has no rows in frames {where}: it is in frames {frames[0]} to {frames[-1]}"
        )
    kept = np.ones(len(table), dtype=bool)
    kept[gone] = False
    return table.only(kept)


def set_class(table: TrackTable, track_id: int, name: str) -> TrackTable:
    """Gives all rows of the track the class `name`; a class that the table does not know is added to those it knows.

    A class without a name goes by its label, as in "3". Raises UsageError where the ID is not there.
    """
    rows = rows_of(table, track_id)
    names = table.class_names
    if name in names:
        label = names.index(name)
    elif name.isascii() and name.isdecimal() and len(name) <= _MOST_DIGITS:
        label = int(name)
    else:
        label = max(len(names), int(table.labels.max()) + 1)
        names = (*names, *map(str, range(len(names), label)), name)
    labels = table.labels.copy()
    labels[rows] = label
    return replace(table, labels=labels, class_names=names)


def rename(table: TrackTable, old: int, new: int) -> TrackTable:
    """Changes the ID `old` to `new`. Raises UsageError where there is no `old`, or already a `new`."""
    rows = rows_of(table, old)
    if not 0 <= new <= LAST_ID:
        raise UsageError(f"an ID must be a whole number from 0 to {LAST_ID}, not {new}")
    if len(table.rows_of(new)):
        raise UsageError(f"there is an ID {new} already; to make one track of both, merge {new} and {old}")
    return _with(table, rows, new)


def renumber(table: TrackTable) -> TrackTable:
    """Numbers the tracks from 1 in the order in which they begin; those that begin in one frame keep their order."""
    old, first, place = np.unique(table.ids, return_index=True, return_inverse=True)
    new = np.empty_like(old)
    new[np.lexsort((old, table.frames[first]))] = np.arange(1, len(old) + 1)
    return table.with_ids(new[place])


def rows_of(table: TrackTable, track_id: int) -> IntArray:
    """The rows of a track, in order of frame. Raises UsageError where there are none."""
    rows = table.rows_of(track_id)
    if len(rows) == 0:
        ids = f"they go from {table.ids.min()} to {table.ids.max()}" if len(table) else "there are none"
        raise UsageError(f"there is no ID {track_id} among these tracks: {ids}")
    return rows


def next_id(table: TrackTable) -> int:
    """One above the highest ID. Raises UsageError where no number is left."""
    new = int(table.ids.max(initial=0)) + 1
    if new > LAST_ID:
        raise UsageError(f"no ID is higher than {new - 1}; renumber the tracks first")
    return new


def seen_rows(table: TrackTable) -> BoolArray:
    """(N,) which rows were seen by the detector or drawn by hand, neither predicted nor filled in."""
    return np.asarray((table.scores != 0) & table.values["seen"])


def _with(table: TrackTable, rows: IntArray, track_id: int) -> TrackTable:
    ids = table.ids.copy()
    ids[rows] = track_id
    return table.with_ids(ids)
