"""Draws and corrects boxes by hand. Every function returns a new table and leaves the old one unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rtdet import track_columns
from rtdet.errors import UsageError
from rtdet.tracks.offline import arguments
from rtdet.tracks.offline.motion import to_boxes, to_values, within
from rtdet.tracks.offline.times import steady_seconds
from rtdet.tracks.offline.verbs import rows_of, set_class
from rtdet.tracks.table import FrameList, TrackTable
from rtdet.types import FloatArray, IntArray

# How far a correction reaches on a side where no other key frame is named.
REACH_S = 1.0


def draw(
    table: TrackTable, track_id: int, frame: int, box: Sequence[float], class_name: str | None = None
) -> TrackTable:
    """Adds a row for `track_id` in `frame` with the box xyxy, of score 1 and seen.

    Its class is that of the track's nearest row; of an ID that is new it is `class_name`, or the table's first class.
    A frame that the table does not list is added, with a time between its neighbours', where the list may leave
    some out. Raises UsageError where the ID is in that frame already, and for a frame or a box that cannot be.
    """
    drawn = np.array(arguments.box("box", box))
    track_id = arguments.track_id("draw", track_id)
    listed = _with_frame(table.frame_list, frame)
    rows = table.rows_of(track_id)
    away = np.abs(table.frames[rows] - frame)
    if len(rows) and away.min() == 0:
        raise UsageError(f"ID {track_id} is in frame {frame} already: correct its box instead")
    label = int(table.labels[rows[away.argmin()]]) if len(rows) else 0
    at = int(np.searchsorted(table.frames, frame, side="right"))
    added = TrackTable(
        np.insert(table.frames, at, frame),
        np.insert(table.ids, at, track_id),
        np.insert(table.boxes, at, drawn, axis=0),
        np.insert(table.scores, at, 1.0),
        np.insert(table.labels, at, label),
        listed,
        table.class_names,
        {
            of.name: np.insert(table.values[of.name], at, of.default)
            for of in track_columns.kept(table.values)
        },
    )
    return added if class_name is None or len(rows) else set_class(added, track_id, class_name)


def correct(
    table: TrackTable,
    track_id: int,
    frame: int,
    box: Sequence[float],
    start: int | None = None,
    end: int | None = None,
) -> TrackTable:
    """Puts the track's box in `frame`, a key frame, to `box` xyxy; the rows around follow and keep their own motion.

    By how much the box was moved (its centre) and resized (the logarithms of its sides) there, the other rows are
    too, less and less the further they are away in time: linearly to nothing at the frames `start` and `end`, which
    are the neighbouring key frames. Default: a second before and after. Corrections of several key frames that name
    one another therefore add up to straight lines between them. The row itself counts as seen from then on, with a
    score of 1 where it was filled in. What lay within a picture of known size stays within it.
    Raises UsageError where the ID is not in that frame, for a box that cannot be, and a `start` or `end` on its
    wrong side.
    """
    goal = np.array(arguments.box("box", box))
    rows = rows_of(table, track_id)
    key = np.searchsorted(table.frames[rows], frame)
    if key == len(rows) or table.frames[rows[key]] != frame:
        raise UsageError(f"ID {track_id} has no box in frame {frame}: draw one instead")
    share = _shares(table, rows, int(key), start, end)
    moved = rows[share > 0]
    change = to_values(goal[None]) - to_values(table.boxes[rows[key]][None])
    followed = to_boxes(to_values(table.boxes[moved]) + share[share > 0, None] * change)
    sizes = table.frame_list.sizes[table.frame_list.place_of(table.frames[moved])]
    was_within = (within(sizes, table.boxes[moved]) == table.boxes[moved]).all(axis=1)
    followed[was_within] = within(sizes[was_within], followed[was_within])
    boxes, scores, seen = table.boxes.copy(), table.scores.copy(), table.values["seen"].copy()
    boxes[moved] = followed
    boxes[rows[key]] = goal
    scores[rows[key]] = scores[rows[key]] or 1.0
    seen[rows[key]] = True
    return replace(table, boxes=boxes, scores=scores, values={**table.values, "seen": seen})


def _shares(table: TrackTable, rows: IntArray, key: int, start: int | None, end: int | None) -> FloatArray:
    """(R,) of the track's rows how much of a correction of the row `key` each takes over: 1 there, 0 from `start`
    back and from `end` on."""
    listed = table.frame_list
    seconds = steady_seconds(listed)
    frame, numbers = int(table.frames[rows[key]]), listed.numbers.astype(np.float64)
    own = seconds[listed.place_of(table.frames[rows])]
    at = own[key]
    if (start is not None and start >= frame) or (end is not None and end <= frame):
        raise UsageError(f"frame {frame} is not between the key frames {start or '...'} and {end or '...'}")
    first = at - REACH_S if start is None else float(np.interp(start, numbers, seconds))
    last = at + REACH_S if end is None else float(np.interp(end, numbers, seconds))
    share = np.interp(own, [min(first, at), at, max(last, at)], [0.0, 1.0, 0.0])
    frames = table.frames[rows]
    share[(frames <= (0 if start is None else start)) | (frames >= (np.inf if end is None else end))] = 0.0
    share[key] = 1.0
    return np.asarray(share)


def _with_frame(listed: FrameList, frame: int) -> FrameList:
    """The list with that frame. Raises UsageError where it can have no such frame."""
    place = int(np.searchsorted(listed.numbers, frame))
    if place < len(listed) and listed.numbers[place] == frame:
        return listed
    if listed.is_complete or place in (0, len(listed)):
        frames = (
            f"they go from {listed.numbers[0]} to {listed.numbers[-1]}" if len(listed) else "there are none"
        )
        gap = " and this one is not among them" if 0 < place < len(listed) else ""
        raise UsageError(f"there is no frame {frame} among those of these tracks: {frames}{gap}")
    time_s = np.interp(frame, listed.numbers[place - 1 : place + 1], listed.times_s[place - 1 : place + 1])
    names = (*listed.names[:place], "", *listed.names[place:]) if listed.names else ()
    return FrameList(
        np.insert(listed.numbers, place, frame),
        np.insert(listed.times_s, place, time_s),
        names,
        False,
        np.insert(listed.sizes, place, listed.sizes[place - 1], axis=0),
    )
