"""When each track of a table was there, in arrays that lanes and charts draw from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from rtdet.tracks.offline.times import steady_seconds
from rtdet.tracks.table import FrameList, TrackTable
from rtdet.types import BoolArray, FloatArray, IntArray

# In a file that lists only frames with tracks, a longer silence is a gap of those before and after it.
SILENCE_S = 0.5
_USUAL_STEP_S = 1 / 30
_ROUNDED_S = 5e-4


def _none(dtype: type) -> np.ndarray:
    return np.zeros(0, dtype)


@dataclass(frozen=True, eq=False)
class TrackSpans:
    """The tracks of a table, in order of their first frame, then ID.

    ids, labels (T,): a track's class is that of most of its rows. first_s, last_s (T,): when it is first on screen,
    and when its last frame ends; first_frame, last_frame (T,) their numbers. Its spans are those from offsets[i] to
    offsets[i + 1] of starts_s, ends_s, is_seen (S,): stretches of frames without a gap, seen or only filled in.
    frame_numbers, frame_times_s (F,): the listed frames. begin_s, end_s: from the first to the last of them.
    """

    ids: IntArray = field(default_factory=lambda: _none(np.int64))
    labels: IntArray = field(default_factory=lambda: _none(np.int64))
    first_s: FloatArray = field(default_factory=lambda: _none(np.float64))
    last_s: FloatArray = field(default_factory=lambda: _none(np.float64))
    first_frame: IntArray = field(default_factory=lambda: _none(np.int64))
    last_frame: IntArray = field(default_factory=lambda: _none(np.int64))
    offsets: IntArray = field(default_factory=lambda: np.zeros(1, np.int64))
    starts_s: FloatArray = field(default_factory=lambda: _none(np.float64))
    ends_s: FloatArray = field(default_factory=lambda: _none(np.float64))
    is_seen: BoolArray = field(default_factory=lambda: _none(np.bool_))
    frame_numbers: IntArray = field(default_factory=lambda: _none(np.int64))
    frame_times_s: FloatArray = field(default_factory=lambda: _none(np.float64))
    class_names: tuple[str, ...] = ()
    begin_s: float = 0.0
    end_s: float = 0.0

    def __len__(self) -> int:
        return len(self.ids)

    def place_of(self, track_id: int) -> int | None:
        """Where in the arrays the track is; None for an ID that is not there."""
        found = np.flatnonzero(self.ids == track_id)
        return int(found[0]) if len(found) else None

    def class_of(self, place: int) -> str:
        return self.name_of(int(self.labels[place]))

    def name_of(self, label: int) -> str:
        return self.class_names[label] if 0 <= label < len(self.class_names) else str(label)

    def classes(self) -> list[str]:
        """The classes of the tracks, in order of their labels."""
        return list(dict.fromkeys(self.name_of(label) for label in np.unique(self.labels).tolist()))

    def with_classes(self, names: Iterable[str]) -> BoolArray:
        """(T,) which tracks are of these classes."""
        wanted = frozenset(names)
        labels = [label for label in np.unique(self.labels).tolist() if self.name_of(label) in wanted]
        return np.isin(self.labels, labels)

    def time_of(self, number: int) -> float | None:
        """When a frame begins, by its number from 1; None for one that is not listed."""
        place = int(np.searchsorted(self.frame_numbers, number))
        is_there = place < len(self.frame_numbers) and self.frame_numbers[place] == number
        return float(self.frame_times_s[place]) if is_there else None

    def frame_at(self, seconds: float) -> int | None:
        """The number of the frame on screen at a time: the newest that has begun; None without frames."""
        if not len(self.frame_numbers):
            return None
        place = int(np.searchsorted(self.frame_times_s, seconds + 1e-6, side="right")) - 1
        return int(self.frame_numbers[max(place, 0)])

    def sought(self, seconds: float) -> float:
        """Where to seek for the picture that is on screen at a time. A source gives the first frame from there on,
        and files round the times of frames: so it is a little before that."""
        place = int(np.searchsorted(self.frame_times_s, seconds + _ROUNDED_S, side="right")) - 1
        return max(float(self.frame_times_s[place]) - _ROUNDED_S, 0.0) if place >= 0 else max(seconds, 0.0)


def frame_seconds(frame_list: FrameList) -> FloatArray:
    """(F,) when each frame begins on the source's clock, rising: as recorded where those times make sense."""
    times_s = frame_list.times_s
    if np.isfinite(times_s).all() and (np.diff(times_s) > 0).all():
        return times_s
    known, steady = times_s[np.isfinite(times_s)], steady_seconds(frame_list)
    return steady - steady[:1] + (known[0] if len(known) else 0.0)


def spans_of(table: TrackTable) -> TrackSpans:
    """The spans of all tracks of the table. Takes some 0.1 s for a million rows."""
    times_s = frame_seconds(table.frame_list)
    if not len(times_s):
        return TrackSpans()
    step_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else _USUAL_STEP_S
    ends_s = np.append(times_s[1:], times_s[-1] + step_s)
    if not table.frame_list.is_complete:
        ends_s = np.where(ends_s - times_s > SILENCE_S, times_s + step_s, ends_s)
    empty = TrackSpans(
        frame_numbers=table.frame_list.numbers, frame_times_s=times_s, class_names=table.class_names,
        begin_s=float(times_s[0]), end_s=float(ends_s[-1]),
    )  # fmt: skip
    return _with_tracks(empty, table, ends_s) if len(table) else empty


def _with_tracks(empty: TrackSpans, table: TrackTable, ends_s: FloatArray) -> TrackSpans:
    """The spans with those of all tracks; `ends_s` (F,): when each listed frame ends."""
    times_s = empty.frame_times_s
    rows = table.by_track()
    ids, places = table.ids[rows], table.frame_list.place_of(table.frames[rows])
    seen = table.values["seen"][rows].astype(bool) & (table.scores[rows] > 0)
    is_new = np.append(True, np.diff(ids) != 0)
    is_gap = np.append(True, (np.diff(places) > 1) | (times_s[places[1:]] > ends_s[places[:-1]] + 1e-9))
    begins = np.flatnonzero(is_new | is_gap | np.append(True, seen[1:] != seen[:-1]))
    last_rows = np.append(begins[1:], len(rows)) - 1
    tracks = np.flatnonzero(is_new)
    track_ends = np.append(tracks[1:], len(rows)) - 1
    offsets = np.append(np.searchsorted(begins, tracks), len(begins))
    order = np.lexsort((ids[tracks], places[tracks]))
    moved, new_offsets = _reordered(offsets, order)
    return replace(
        empty,
        ids=ids[tracks][order],
        labels=_usual_labels(np.cumsum(is_new) - 1, table.labels[rows])[order],
        first_s=times_s[places[tracks]][order],
        last_s=ends_s[places[track_ends]][order],
        first_frame=table.frames[rows[tracks]][order],
        last_frame=table.frames[rows[track_ends]][order],
        offsets=new_offsets,
        starts_s=times_s[places[begins]][moved],
        ends_s=ends_s[places[last_rows]][moved],
        is_seen=seen[begins][moved],
    )


def _reordered(offsets: IntArray, order: IntArray) -> tuple[IntArray, IntArray]:
    """The places of all spans when tracks come in `order`, and the offsets of the tracks then."""
    counts = np.diff(offsets)[order]
    new = np.append(0, np.cumsum(counts))
    shift = np.repeat(offsets[:-1][order] - new[:-1], counts)
    return np.arange(new[-1]) + shift, new


def _usual_labels(tracks: IntArray, labels: IntArray) -> IntArray:
    """(T,) for each track, numbered from 0, the label of most of its rows; the smaller of two as frequent ones."""
    known, places = np.unique(labels, return_inverse=True)
    count = int(tracks[-1]) + 1
    of_both = np.bincount(tracks * len(known) + places, minlength=count * len(known))
    return np.asarray(known[of_both.reshape(count, len(known)).argmax(axis=1)])
