"""Finds the tracks of each frame of a film, and notices where they are those of another film."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from rtdet.tracks.table import FrameList, TrackTable
from rtdet.types import FloatArray, Frame, SourceInfo, Tracks

log = logging.getLogger("rtdet.rendering")

# Times in files are rounded, and those of a live run are the clock's, not the stream's.
_LEAST_TOLERANCE_S = 0.02
# Of the boxes, so many may have their middle outside of the picture: trackers let go of things a little late.
_MOST_OUTSIDE = 0.1


class TracksOfFilm:
    """The tracks of a table by the frames of a source: a row belongs to the frame with its number, counted from 1 in
    source order.

    path and table: the track file. has_times: its times are its own and not made up from a rate. Where times, sizes
    or length say that the file belongs to another film, one warning says so, and the tracks are drawn all the same.
    """

    def __init__(
        self, table: TrackTable, path: str | Path, info: SourceInfo, *, has_times: bool = True
    ) -> None:
        self.table = table
        self._path, self._info, self._has_times = path, info, has_times
        self._has_warned = False
        self._last = 0
        self._unseen_s = _unseen_s(table, info.fps or 25.0)
        self._place = {number: place for place, number in enumerate(table.frame_list.numbers.tolist())}
        self._check_boxes()

    def of(self, frame: Frame) -> Tracks:
        """The tracks in a frame, none where the file has none. Of an object that was not seen there, the file tells
        since when: it fades as it did in the run."""
        number = frame.index + 1
        self._last = max(self._last, number)
        if number in self._place and not self._has_warned:
            self._check_frame(frame, self._place[number])
        return self.at(number)

    def at(self, number: int) -> Tracks:
        """As `of`, by the frame's number from 1, and without a look at the frame."""
        start, end = np.searchsorted(self.table.frames, (number, number + 1))
        return replace(self.table.at(number), since_update_s=self._unseen_s[start:end])

    def check_end(self) -> None:
        """To be called where the source has ended by itself: warns where the tracks go on."""
        last = int(self.table.frames[-1]) if len(self.table) else 0
        if last > self._last:
            self._warn(f"they go on to frame {last}, and it ends at frame {self._last}")

    def _check_boxes(self) -> None:
        width, height = self._info.width, self._info.height
        boxes = self.table.boxes
        if not len(boxes) or self._info.are_pictures:
            return
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
        outside = (x < 0) | (x > width) | (y < 0) | (y > height)
        if outside.mean() > _MOST_OUTSIDE:
            self._warn(f"{outside.mean():.0%} of their boxes are outside of its picture of {width}x{height}")

    def _check_frame(self, frame: Frame, place: int) -> None:
        listed = self.table.frame_list
        width, height = listed.sizes[place].tolist()
        if width and (width, height) != frame.size:
            self._warn(f"they are for pictures of {width}x{height}, not {frame.size[0]}x{frame.size[1]}")
        time_s = float(listed.times_s[place])
        tolerance_s = max(_LEAST_TOLERANCE_S, 0.5 / (self._info.fps or 25.0))
        if self._has_times and not np.isnan(time_s) and abs(time_s - frame.t) > tolerance_s:
            self._warn(f"frame {frame.index + 1} is at {time_s:.2f} s there, and at {frame.t:.2f} s here")

    def _warn(self, why: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            log.warning(
                "the tracks of %s do not seem to belong to %s: %s; they are drawn by the numbers of the frames",
                self._path, self._info.name, why,
            )  # fmt: skip


def _unseen_s(table: TrackTable, fps: float) -> FloatArray:
    """(N,) the seconds between each row and the last one before it, or this, in which its object was seen."""
    listed = table.frame_list
    times = times_of(listed, fps)
    of_rows = times[listed.place_of(table.frames)]
    seen = table.values["seen"].astype(bool) & (table.scores > 0)
    since = np.zeros(len(table))
    for rows in table.tracks():
        place = np.maximum.accumulate(np.where(seen[rows], np.arange(len(rows)), -1))
        since[rows] = np.where(place < 0, 0, of_rows[rows] - of_rows[rows][place])
    return since.clip(0)


def times_of(listed: FrameList, fps: float) -> FloatArray:
    """(F,) the times of the frames; one without a time is placed by its number and `fps`."""
    return np.where(np.isnan(listed.times_s), (listed.numbers - 1) / fps, listed.times_s)


def part_of(table: TrackTable, start_s: float, end_s: float, fps: float) -> TrackTable:
    """The rows of the frames from `start_s` to `end_s`; a frame without a time is placed by its number and `fps`."""
    listed = table.frame_list
    times = times_of(listed, fps)
    half = 0.5 / fps
    inside = (times >= start_s - half) & (times < end_s + half)
    return table.only(inside[listed.place_of(table.frames)])
