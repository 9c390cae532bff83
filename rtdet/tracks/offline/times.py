"""The seconds of a run's frames, whatever its timestamps say, and gaps between them."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from rtdet.errors import UsageError
from rtdet.trackers.clock import Clock
from rtdet.tracks.table import FrameList, TrackTable
from rtdet.types import FloatArray, IntArray

MAX_GAP_S = 1.0


# An edit of one track asks for all of them; a frame list is known by what it is, not by what is in it.
@lru_cache(maxsize=2)
def steady_seconds(frame_list: FrameList) -> FloatArray:
    """(F,) seconds since the first frame, never falling: true steps, and a usual one where a time is missing or
    goes back."""
    clock = Clock()
    seconds = np.empty(len(frame_list))
    for i, t in enumerate(frame_list.times_s.tolist()):
        clock.advance(t)
        seconds[i] = clock.now_s
    seconds.setflags(write=False)
    return seconds


def row_seconds(table: TrackTable) -> FloatArray:
    """(N,) the same of the frame of each row."""
    return np.asarray(steady_seconds(table.frame_list)[table.frame_list.place_of(table.frames)])


def longest(max_gap_s: float) -> float:
    """The gap, with room for times that are rounded. Raises UsageError where it is not above 0."""
    if not 0 < max_gap_s < math.inf:
        raise UsageError(f"the longest gap must be seconds, above 0, not {max_gap_s:g}")
    return max_gap_s + 1e-5


def spread(counts: IntArray) -> tuple[IntArray, IntArray]:
    """For `counts` of things to come: which entry each belongs to, and its place there from 0."""
    entry = np.repeat(np.arange(len(counts)), counts)
    return entry, np.arange(len(entry)) - np.repeat(np.cumsum(counts) - counts, counts)
