"""Smoothing: every box is where the whole of its track says it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rtdet.tracks.offline.motion import smoothed, was_seen, within
from rtdet.tracks.offline.times import row_seconds
from rtdet.tracks.table import TrackTable


def smooth(table: TrackTable, on_track: Callable[[], None] = lambda: None) -> TrackTable:
    """The same rows with the boxes of an RTS smoother, each track by itself; `on_track` is called after each.

    Steps are the true ones, so gaps and dropped frames are bridged by as much time as they took. Rows that were
    filled in or predicted move with what was seen. What lay within a picture of known size stays within it.
    """
    seconds = row_seconds(table)
    boxes = table.boxes.copy()
    for rows in table.tracks():
        boxes[rows] = smoothed(seconds[rows], boxes[rows], was_seen(table, rows))
        on_track()
    sizes = table.frame_list.sizes[table.frame_list.place_of(table.frames)]
    was_within = (within(sizes, table.boxes) == table.boxes).all(axis=1)
    boxes[was_within] = within(sizes[was_within], boxes[was_within])
    return replace(table, boxes=boxes)
