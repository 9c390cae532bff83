"""The tracks of a whole run as one table: what track files hold, and what the offline tools work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rtdet import track_columns
from rtdet.track_columns import AnyArray
from rtdet.types import BoolArray, FloatArray, IntArray, Tracks

# A frame number beyond this (four days at 30 fps) is no video's.
LAST_FRAME = 9_999_999
_MAY_BE_MISSING = {column.name for column in track_columns.FURTHER if column.may_be_missing}
# Every whole number up to here is a float64 too, as the columns of a text file are read.
LAST_ID = 2**53
# Pixels; a box out there is a row in another format.
FARTHEST = 1e9


@dataclass(frozen=True, eq=False)
class FrameList:
    """The frames of a run.

    numbers (F,) int64 from 1, rising. times_s (F,) float64 as recorded: NaN where a time is missing, and in
    whatever order a broken clock gave them. sizes (F, 2) int64: width and height of each picture, 0 where they are
    not known; the default is that none is. names: each picture's file name where frames are files of their own,
    else (). is_complete: every frame that was processed is listed, also those without tracks.
    Raises ValueError where these do not fit together.
    """

    numbers: IntArray
    times_s: FloatArray
    names: tuple[str, ...] = ()
    is_complete: bool = False
    sizes: IntArray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        count = len(self.numbers)
        sizes = np.zeros((count, 2)) if self.sizes is None else self.sizes
        object.__setattr__(self, "numbers", _frozen(self.numbers, np.int64))
        object.__setattr__(self, "times_s", _frozen(self.times_s, np.float64))
        object.__setattr__(self, "sizes", _frozen(sizes, np.int64).reshape(-1, 2))
        if not len(self.times_s) == len(self.sizes) == count or len(self.names) not in (0, count):
            raise ValueError(
                f"{count} frames, but {len(self.times_s)} times, {len(self.sizes)} sizes, {len(self.names)} names"
            )
        if count and not (self.numbers[0] >= 1 and self.numbers[-1] <= LAST_FRAME):
            raise ValueError(f"frames are numbered 1 to {LAST_FRAME}")
        if (np.diff(self.numbers) <= 0).any():
            raise ValueError("frame numbers do not increase")

    def __len__(self) -> int:
        return len(self.numbers)

    def place_of(self, frames: IntArray) -> IntArray:
        """Where in the list each of these frame numbers is; all of them are listed."""
        return np.searchsorted(self.numbers, frames)


@dataclass(frozen=True, eq=False)
class TrackTable:
    """One row for each object in each frame, in order of frame; the columns cannot be written to.

    frames (N,) int64 numbers that `frame_list` has, rising; ids (N,) int64 from 0, each once a frame; boxes (N, 4)
    float64 xyxy pixels; scores (N,) float64; labels (N,) int64 indices into `class_names`; values: an (N,) array for
    each column of `track_columns.FURTHER`, its default where none was given (of an optional one: no array). A score
    of 0 marks a row that was filled in, not seen. Raises ValueError that names the frame and the ID of a wrong row.
    """

    frames: IntArray
    ids: IntArray
    boxes: FloatArray
    scores: FloatArray
    labels: IntArray
    frame_list: FrameList
    class_names: tuple[str, ...] = ()
    values: Mapping[str, AnyArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("frames", "ids", "labels"):
            object.__setattr__(self, name, _frozen(getattr(self, name), np.int64))
        object.__setattr__(self, "scores", _frozen(self.scores, np.float64))
        object.__setattr__(self, "boxes", _frozen(self.boxes, np.float64).reshape(-1, 4))
        object.__setattr__(self, "values", _completed(self.values, len(self.frames)))
        of_rows = (self.ids, self.boxes, self.scores, self.labels, *self.values.values())
        if any(len(column) != len(self.frames) for column in of_rows):
            raise ValueError("the columns of a track table are equally long")
        self._check_order()
        self._check_rows()

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def visibility(self) -> FloatArray:
        """(N,) the visible share of each object, 1 unless a MOT file says otherwise."""
        return self.values["visibility"]

    def with_ids(self, ids: IntArray) -> TrackTable:
        """The same rows under other IDs; all other columns are shared."""
        return replace(self, ids=ids)

    def only(self, rows: BoolArray) -> TrackTable:
        """The rows that a mask (N,) selects; the same frames are listed."""
        return replace(
            self, frames=self.frames[rows], ids=self.ids[rows], boxes=self.boxes[rows], scores=self.scores[rows],
            labels=self.labels[rows], values={name: column[rows] for name, column in self.values.items()},
        )  # fmt: skip

    def at(self, frame: int) -> Tracks:
        """What is in a frame, by its number from 1; empty where nothing is."""
        start, end = np.searchsorted(self.frames, (frame, frame + 1))
        rows = slice(start, end)
        return Tracks(
            self.boxes[rows], self.ids[rows], self.scores[rows], self.labels[rows], class_names=self.class_names,
            values={name: values[rows] for name, values in self.values.items()},
        )  # fmt: skip

    def rows_of(self, track_id: int) -> IntArray:
        """The rows of one track, in order of frame; empty for an ID that is not there."""
        return np.flatnonzero(self.ids == track_id)

    def by_track(self) -> IntArray:
        """All rows in order of ID, then frame."""
        return np.lexsort((self.frames, self.ids))

    def tracks(self) -> list[IntArray]:
        """The rows of each track, in order of frame; tracks in order of ID."""
        order = self.by_track()
        ends = np.flatnonzero(np.diff(self.ids[order])) + 1
        return np.split(order, ends) if len(order) else []

    def _check_order(self) -> None:
        if (np.diff(self.frames) < 0).any():
            raise ValueError("the rows of a track table are in order of frame")
        if not np.isin(self.frames, self.frame_list.numbers).all():
            raise ValueError("a track table's frame list has every frame of its rows")

    def _check_rows(self) -> None:
        is_near = np.abs(self.boxes) <= FARTHEST  # NaN is not
        self._refuse(~np.all(is_near, axis=1), "box is not within 1e9 pixels")
        self._refuse(~np.isfinite(self.scores), "score is not a number")
        for name, values in self.values.items():
            if values.dtype == np.float64 and name not in _MAY_BE_MISSING:
                self._refuse(~np.isfinite(values), f"{name} is not a number")
        self._refuse((self.ids < 0) | (self.ids > LAST_ID), "ID is not a whole number from 0")
        order = self.by_track()
        same = (np.diff(self.ids[order]) == 0) & (np.diff(self.frames[order]) == 0)
        twice = np.zeros(len(self), dtype=bool)
        twice[order[1:][same]] = True
        self._refuse(twice, "ID appears twice")

    def _refuse(self, wrong: BoolArray, why: str) -> None:
        if wrong.any():
            row = int(wrong.argmax())
            raise ValueError(f"frame {self.frames[row]}, ID {self.ids[row]}: the {why}")


def _completed(values: Mapping[str, AnyArray], count: int) -> Mapping[str, AnyArray]:
    """The values of every further column, but for optional ones that nobody knows; each frozen."""
    return {
        column.name: _frozen(values.get(column.name, np.full(count, column.default)), column.dtype)
        for column in track_columns.kept(values)
    }


def _frozen(values: Any, dtype: type) -> Any:
    """The values as an array that cannot be written to; one that already cannot be is shared."""
    array: Any = np.asarray(values, dtype=dtype)
    if array.flags.writeable:
        array = array.copy()
        array.setflags(write=False)
    return array
