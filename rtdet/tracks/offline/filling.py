"""Fills gaps: adds rows for the frames in which a track was missed, between two in which it was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import compress

import numpy as np

from rtdet import track_columns
from rtdet.errors import UsageError
from rtdet.track_columns import SCORE, AnyArray, Column
from rtdet.tracks.offline.motion import can_be_one, smoothed, to_boxes, to_values, was_seen, within
from rtdet.tracks.offline.times import MAX_GAP_S, longest, spread, steady_seconds
from rtdet.tracks.table import FrameList, TrackTable
from rtdet.types import BoolArray, FloatArray, IntArray

# More than this is a file whose frame numbers and times do not fit together.
MOST_ROWS = 10_000_000


def fill(
    table: TrackTable,
    max_gap_s: float = MAX_GAP_S,
    on_track: Callable[[], None] = lambda: None,
    *,
    every_frame: bool = False,
) -> TrackTable:
    """The table with rows in every gap of at most `max_gap_s` seconds from one row of an ID to its next.

    A new row has the smoother's box, what lies beyond the picture cut off where its size is known; the class and
    visibility of the row before the gap; and a score of 0, which marks it. Rows that were there stay as they
    are. Where nothing could have moved so far in the time, there is no gap to fill. Frames are those that the
    file lists; where it does not list all (.txt, .csv, .parquet), those between too, at the file's usual step;
    with `every_frame` every one between, also those that the tracker did not get to see. `on_track` is called
    after each track.
    Raises UsageError for a `max_gap_s` that is not above 0 and for a table that would grow beyond 1e7 rows.
    """
    longest_s = longest(max_gap_s)
    listed, seconds = _with_left_out(table.frame_list, longest_s, every_frame)
    gaps = _gaps(table, listed, seconds, longest_s)
    whole, is_new = _with_rows_in(gaps, table, listed, seconds)
    boxes = _smoothed(whole, is_new, seconds, on_track)
    boxes[is_new] = within(listed.sizes[listed.place_of(whole.frames[is_new])], boxes[is_new])
    kept = ~is_new | (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    frame_list = _only_used(listed, table.frame_list, whole.frames[kept])
    return TrackTable(
        whole.frames[kept], whole.ids[kept], boxes[kept], whole.scores[kept], whole.labels[kept], frame_list,
        table.class_names, {name: values[kept] for name, values in whole.values.items()},
    )  # fmt: skip


def _with_left_out(listed: FrameList, longest_s: float, every_frame: bool) -> tuple[FrameList, FloatArray]:
    """The list with the frames that it leaves out, in gaps of at most `longest_s`; seconds of all."""
    seconds = steady_seconds(listed)
    steps = np.diff(listed.numbers)
    if len(steps) == 0 or (listed.is_complete and not every_frame):
        return listed, seconds
    values, counts = np.unique(steps, return_counts=True)
    step = 1 if every_frame else values[counts.argmax()]
    is_short = np.diff(seconds) <= longest_s
    missing = np.where(is_short, (steps - 1) // step, 0)
    _refuse_above_most(int(missing.sum()))
    before, place = spread(missing)
    numbers = np.union1d(listed.numbers, listed.numbers[before] + (place + 1) * step)
    known = listed.numbers.astype(np.float64)
    old = np.searchsorted(numbers, listed.numbers)
    times_s = np.interp(numbers, known, listed.times_s)
    times_s[old] = listed.times_s
    names = np.full(len(numbers) if listed.names else 0, "", dtype=object)
    names[old[: len(listed.names)]] = listed.names
    sizes = listed.sizes[np.searchsorted(listed.numbers, numbers, side="right") - 1]
    everything = FrameList(numbers, times_s, tuple(names), listed.is_complete, sizes)
    return everything, np.interp(numbers, known, seconds)


@dataclass(frozen=True, eq=False)
class _Gaps:
    """For each row to come: the rows before and after its gap, and its frame's place in the list."""

    before: IntArray
    after: IntArray
    place: IntArray


def _gaps(table: TrackTable, listed: FrameList, seconds: FloatArray, longest_s: float) -> _Gaps:
    order = table.by_track()
    before, after = order[:-1], order[1:]
    place = listed.place_of(table.frames)
    elapsed_s = seconds[place[after]] - seconds[place[before]]
    is_gap = (table.ids[before] == table.ids[after]) & (elapsed_s <= longest_s)
    is_gap &= can_be_one(table.boxes[before], table.boxes[after], elapsed_s)
    before, after = before[is_gap], after[is_gap]
    missing = place[after] - place[before] - 1
    _refuse_above_most(len(table) + int(missing.sum()))
    gap, nth = spread(missing)
    return _Gaps(before[gap], after[gap], place[before[gap]] + nth + 1)


def _refuse_above_most(rows: int) -> None:
    if rows > MOST_ROWS:
        raise UsageError(
            f"filling would make {rows} rows: the frame numbers and times of these tracks do not fit together; "
            "use a smaller max_gap_s"
        )


def _with_rows_in(
    gaps: _Gaps, table: TrackTable, listed: FrameList, seconds: FloatArray
) -> tuple[TrackTable, BoolArray]:
    """The table with rows on straight lines in the gaps, and which rows these are."""
    place = listed.place_of(table.frames)
    first, last = seconds[place[gaps.before]], seconds[place[gaps.after]]
    share = ((seconds[gaps.place] - first) / np.maximum(last - first, 1e-12))[:, None]
    values = to_values(table.boxes)
    line = to_boxes(values[gaps.before] * (1 - share) + values[gaps.after] * share)
    frames = np.concatenate([table.frames, listed.numbers[gaps.place]])
    order = np.argsort(frames, kind="stable")

    def column(old: AnyArray, new: AnyArray) -> AnyArray:
        return np.asarray(np.concatenate([old, new])[order])

    def values_of(of: Column, old: AnyArray) -> AnyArray:
        before = old[gaps.before]
        return column(old, before if of.filled is None else np.full_like(before, of.filled))

    whole = TrackTable(
        frames[order],
        column(table.ids, table.ids[gaps.before]),
        column(table.boxes, line),
        values_of(SCORE, table.scores),
        column(table.labels, table.labels[gaps.before]),
        listed,
        table.class_names,
        {of.name: values_of(of, table.values[of.name]) for of in track_columns.kept(table.values)},
    )
    return whole, np.asarray(order >= len(table))


def _smoothed(
    table: TrackTable, is_new: BoolArray, seconds: FloatArray, on_track: Callable[[], None]
) -> FloatArray:
    """The boxes with the smoother's in the new rows."""
    boxes = table.boxes.copy()
    at = seconds[table.frame_list.place_of(table.frames)]
    for rows in table.tracks():
        if is_new[rows].any():
            new = smoothed(at[rows], table.boxes[rows], was_seen(table, rows))
            boxes[rows] = np.where(is_new[rows, None], new, table.boxes[rows])
        on_track()
    return boxes


def _only_used(listed: FrameList, known: FrameList, frames: IntArray) -> FrameList:
    """The frames that were known before or have a row now."""
    if len(listed) == len(known):
        return known
    keep = np.isin(listed.numbers, known.numbers) | np.isin(listed.numbers, frames)
    names = tuple(compress(listed.names, keep))
    return FrameList(
        listed.numbers[keep], listed.times_s[keep], names, listed.is_complete, listed.sizes[keep]
    )
