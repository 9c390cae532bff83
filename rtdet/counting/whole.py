"""Counts a finished run's tracks at once."""

from __future__ import annotations

import numpy as np

from rtdet.counting.counter import HYSTERESIS, Counter
from rtdet.counting.zones import Zones
from rtdet.errors import SourceError, UsageError
from rtdet.tracks.picture_size import check_size
from rtdet.tracks.table import TrackTable
from rtdet.types import BoolArray, IntArray, Tracks

# A track of a finished run is known to go on after a gap; beyond this nobody knows where it was meanwhile.
PATIENCE_S = 30.0


def count_table(
    table: TrackTable, zones: Zones, size: tuple[int, int] | None = None, *, hysteresis: float = HYSTERESIS
) -> Counter:
    """The counter after all frames of the table.

    size: of the pictures, where the table does not know it (a .txt, a .csv); without it that of `zones`. A track has
    the class that it has most often, from its first frame on. Raises UsageError where no size is known or boxes lie
    clearly beyond that of `zones`, SourceError where the frames have no times.
    """
    size = size or picture_size(table)
    if size is None and zones.size is not None:
        size = zones.size
        check_size(table, size, "the zones")
    if size is None:
        raise UsageError(
            "the zones are fractions of a picture whose size is not known; give --size WIDTHxHEIGHT"
        )
    times_s = table.frame_list.times_s
    if np.isnan(times_s).any():
        raise SourceError(
            "these are tracks of single pictures without times: nothing moves from one to the next"
        )
    whole = WholeTracks(table, zones, size, hysteresis=hysteresis)
    for number, t in zip(table.frame_list.numbers.tolist(), times_s.tolist(), strict=True):
        whole.count(number, t)
    whole.counter.finish()
    return whole.counter


class WholeTracks:
    """Counts the tracks of a table frame by frame, by what is known of them from beginning to end: the class that
    each has most often, and the frame in which it is seen last."""

    def __init__(
        self, table: TrackTable, zones: Zones, size: tuple[int, int], *, hysteresis: float = HYSTERESIS
    ) -> None:
        self.counter = Counter(zones, size, hysteresis=hysteresis, patience_s=PATIENCE_S)
        self._table = table
        self._labels = majority_labels(table)
        self._seen = (table.scores > 0) & table.values["seen"].astype(bool)
        self._last_frame = _last_frames(table, self._seen)

    def count(self, number: int, t: float) -> None:
        """Takes the frame of this number, from 1, at `t` seconds; frames come in order."""
        table = self._table
        start, stop = np.searchsorted(table.frames, (number, number + 1)).tolist()
        rows = np.arange(start, stop)[self._seen[start:stop]]
        tracks = Tracks(
            table.boxes[rows],
            table.ids[rows],
            table.scores[rows],
            self._labels[rows],
            class_names=table.class_names,
        )
        self.counter.update(tracks, t, number)
        over = [one for one in table.ids[rows].tolist() if self._last_frame[one] == number]
        if over:
            self.counter.finish(over)


def picture_size(table: TrackTable) -> tuple[int, int] | None:
    """The largest width and height of the frames; None where they are not known."""
    width, height = table.frame_list.sizes.max(axis=0, initial=0).tolist()
    return (width, height) if width > 0 and height > 0 else None


def majority_labels(table: TrackTable) -> IntArray:
    """(N,) the label of each row's track: the one that it has most often, weighted by score."""
    labels = table.labels.copy()
    for rows in table.tracks():
        if len(rows) and (labels[rows] != labels[rows[0]]).any():
            kinds, places = np.unique(table.labels[rows], return_inverse=True)
            weights = np.bincount(places, np.maximum(table.scores[rows], 1e-6))
            labels[rows] = kinds[int(weights.argmax())]
    return labels


def _last_frames(table: TrackTable, seen: BoolArray) -> dict[int, int]:
    """The last frame in which each ID is seen."""
    return dict(zip(table.ids[seen].tolist(), table.frames[seen].tolist(), strict=True))
