"""Corrects IDs by hand. Every function returns a new table and leaves the old one unchanged."""

from __future__ import annotations

import numpy as np

from rtdet.errors import UsageError
from rtdet.tracks.table import LAST_ID, TrackTable
from rtdet.types import IntArray


def merge(table: TrackTable, first: int, second: int) -> TrackTable:
    """Makes the track `second` part of the track `first`.

    Raises UsageError where an ID is not there, both are one, or both are in one frame.
    """
    if first == second:
        raise UsageError(f"merge needs two different IDs, not {first} twice")
    into, moved = _rows(table, first), _rows(table, second)
    both = np.intersect1d(table.frames[into], table.frames[moved], assume_unique=True)
    if len(both):
        more = f" and {len(both) - 1} more" if len(both) > 1 else ""
        raise UsageError(f"IDs {first} and {second} cannot be merged: both are in frame {both[0]}{more}")
    return _with(table, moved, first)


def split(table: TrackTable, track_id: int, frame: int) -> TrackTable:
    """Gives the track's rows from `frame` on a new ID, one above the highest.

    Raises UsageError where the ID is not there, or a side of the cut would be empty.
    """
    rows = _rows(table, track_id)
    frames = table.frames[rows]
    after = rows[frames >= frame]
    if len(rows) == 1:
        raise UsageError(f"ID {track_id} is in frame {frames[0]} only: there is nothing to split")
    if len(after) in (0, len(rows)):
        raise UsageError(
            f"ID {track_id} is in frames {frames[0]} to {frames[-1]}: "
            f"split it at a frame from {frames[0] + 1} to {frames[-1]}, not {frame}"
        )
    new = int(table.ids.max()) + 1
    if new > LAST_ID:
        raise UsageError(f"no ID is higher than {new - 1}; renumber the tracks first")
    return _with(table, after, new)


def rename(table: TrackTable, old: int, new: int) -> TrackTable:
    """Changes the ID `old` to `new`. Raises UsageError where there is no `old`, or already a `new`."""
    rows = _rows(table, old)
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


def _rows(table: TrackTable, track_id: int) -> IntArray:
    rows = table.rows_of(track_id)
    if len(rows) == 0:
        ids = f"they go from {table.ids.min()} to {table.ids.max()}" if len(table) else "there are none"
        raise UsageError(f"there is no ID {track_id} among these tracks: {ids}")
    return rows


def _with(table: TrackTable, rows: IntArray, track_id: int) -> TrackTable:
    ids = table.ids.copy()
    ids[rows] = track_id
    return table.with_ids(ids)
