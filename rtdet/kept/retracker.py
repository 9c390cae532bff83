"""Tracks a kept run as it grows: goes on where it was, and begins anew where the settings or the past changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from rtdet import track_columns
from rtdet.kept.reading import KeptRun
from rtdet.kept.retrack import Tracking, shared_tracker, tracks_of
from rtdet.tracks.table import FrameList, TrackTable
from rtdet.types import Tracks

_BASIC = ("ids", "boxes", "scores", "labels")


class Rows(NamedTuple):
    """The tracks of some frames in a row, as columns: of the frames (F,) numbers, times_s, sizes (F, 2) and counts of
    tracks, of the tracks (N,) ids, boxes (N, 4), scores, labels, and further values by name."""

    numbers: Any
    times_s: Any
    sizes: Any
    counts: Any
    columns: dict[str, Any]

    def as_arrays(self) -> dict[str, Any]:
        """All of it under one name each, for np.savez."""
        return {
            "numbers": self.numbers, "times_s": self.times_s, "sizes": self.sizes, "counts": self.counts,
            **{f"column_{name}": values for name, values in self.columns.items()},
        }  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Any) -> Rows:
        prefix = "column_"
        columns = {name[len(prefix) :]: arrays[name] for name in arrays if name.startswith(prefix)}
        return cls(arrays["numbers"], arrays["times_s"], arrays["sizes"], arrays["counts"], columns)

    def followed_by(self, more: Rows) -> Rows:
        """These frames, then those."""
        if not len(self.numbers):
            return more
        if not len(more.numbers):
            return self
        numbers, times_s, sizes, counts = (
            np.concatenate(pair) for pair in zip(self[:4], more[:4], strict=True)
        )
        columns = {
            name: np.concatenate((self._column(name), more._column(name)))
            for name in {**self.columns, **more.columns}
        }
        return Rows(numbers, times_s, sizes, counts, columns)

    def _column(self, name: str) -> Any:
        """The values of a column; its default where these frames do not know it."""
        if name in self.columns:
            return self.columns[name]
        column = next(one for one in track_columns.FURTHER if one.name == name)
        return np.full(len(self.columns["ids"]), column.default, dtype=column.dtype)

    def table(self, class_names: tuple[str, ...]) -> TrackTable:
        """The same as a table."""
        frames = FrameList(self.numbers, self.times_s, (), True, self.sizes)
        basic = {name: self.columns[name] for name in _BASIC}
        values = {name: of for name, of in self.columns.items() if name not in _BASIC}
        return TrackTable(
            np.repeat(self.numbers, self.counts),
            **basic,
            frame_list=frames,
            class_names=class_names,
            values=values,
        )


def rows_of(frames: list[tuple[int, float, tuple[int, int], Tracks]]) -> Rows:
    """The columns of frames, each with its number, time, size and tracks."""
    parts = [tracks for *_, tracks in frames] or [Tracks()]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in _BASIC
    }
    known = set[str]().union(*(part.values for part in parts))
    for column in track_columns.kept(known):
        values = np.concatenate([column.values(part) for part in parts])
        if values.dtype != object:  # a text is not sent to another process
            columns[column.name] = values
    return Rows(
        np.array([number for number, *_ in frames], dtype=np.int64),
        np.array([t for _, t, *_ in frames], dtype=np.float64),
        np.array([size for *_, size, _ in frames], dtype=np.int64).reshape(-1, 2),
        np.array([len(tracks) for *_, tracks in frames], dtype=np.int64),
        columns,
    )


class Retracker:
    """The tracker of a kept run that is still being written, or of a finished one, by certain settings.

    Raises UnknownNameError and UsageError for settings that do not fit.
    """

    def __init__(self, run: KeptRun, tracking: Tracking) -> None:
        self.tracking = tracking
        self._run = run
        self._begin()

    def _begin(self) -> None:
        self._shared, self._thresholds = shared_tracker(self._run, self.tracking)
        self._next = 1
        self._past = 0

    def advance(self, is_over: Callable[[float], bool] = lambda _share: False) -> Iterator[tuple[bool, Rows]]:
        """The tracks of frames that have come since the last time, in portions, each with whether it is the first of
        a new beginning. `is_over(share)` is told of the share that is done and says whether nobody wants the rest:
        then the next time begins anew."""
        frames = self._run.frames
        processed = frames.numbers[frames.has_tracks]
        if int(np.searchsorted(processed, self._next)) != self._past:  # it went back, or forgot its beginning
            self._begin()
        is_new = self._next == 1
        todo = processed[np.searchsorted(processed, self._next) :]
        portion: list[tuple[int, float, tuple[int, int], Tracks]] = []
        for i, frame in enumerate(self._run.walk(self._next), start=1):
            tracks = tracks_of(self._run, self._shared, self._thresholds, frame)
            portion.append((frame.number, frame.t, frame.size, tracks))
            if i % 32 == 0 and is_over(i / len(todo)):
                self._begin()  # what is half done is nobody's
                return
            if len(portion) == 4096:
                yield is_new, rows_of(portion)
                portion, is_new = [], False
        if len(todo):
            self._next = int(todo[-1]) + 1
            self._past = len(processed)
        yield is_new, rows_of(portion)
