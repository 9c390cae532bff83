"""Linking: an object that was lost and found again under another ID gets its first ID back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.geometry.pairing import heaviest_matching
from rtdet.tracks.offline.motion import to_values
from rtdet.tracks.offline.times import MAX_GAP_S, longest, row_seconds, spread
from rtdet.tracks.table import TrackTable
from rtdet.types import FloatArray, IntArray

# The velocity at an end of a track is that of a straight line through this much of it, where it has so many rows.
END_S = 0.5
FEWEST_ROWS = 5
# How far, in sizes of the object, a track may begin from where another that ended was going; and by how much the
# logarithm of a side may differ.
MOST_AWAY = 0.3
MOST_GROWTH = 0.35


def link(table: TrackTable, max_gap_s: float = MAX_GAP_S) -> TrackTable:
    """The table with tracks joined that end and begin within `max_gap_s` seconds at fitting places.

    They fit when their class is the same, their sizes are alike, and the one moved on to the start of the other,
    at the mean of their velocities, comes near it. Of all one-to-one choices the nearest together is
    taken; the earlier ID stays. Gaps are left to `fill`. Raises UsageError for a `max_gap_s` not above 0.
    """
    longest_s = longest(max_gap_s)
    tracks = table.tracks()
    if len(tracks) < 2:
        return table
    seconds = row_seconds(table)
    ends = track_ends(table, [rows[::-1] for rows in tracks], seconds)
    starts = track_ends(table, tracks, seconds)
    earlier, later = _best_pairs(ends, starts, longest_s)
    successor = dict(zip(earlier.tolist(), later.tolist(), strict=True))
    return table.with_ids(_joined(table, tracks, successor))


@dataclass(frozen=True, eq=False)
class TrackEnds:
    """One end of each of K tracks: seconds (K,), centre (K, 2), velocity (K, 2) in pixels a second and NaN where
    it is not known, logarithms of the sides (K, 2), label (K,)."""

    seconds: FloatArray
    center: FloatArray
    velocity: FloatArray
    sides: FloatArray
    labels: IntArray


def track_ends(table: TrackTable, tracks: list[IntArray], seconds: FloatArray) -> TrackEnds:
    """The ends with which the rows of the tracks begin."""
    values = to_values(table.boxes)
    velocity, sides = np.full((len(tracks), 2), np.nan), np.empty((len(tracks), 2))
    for i, rows in enumerate(tracks):
        near = rows[np.abs(seconds[rows] - seconds[rows[0]]) <= END_S]
        sides[i] = np.median(values[near, 2:], axis=0)
        if len(near) >= FEWEST_ROWS:
            t = seconds[near] - seconds[near].mean()
            velocity[i] = t @ values[near, :2] / max(t @ t, 1e-12)
    first = np.array([rows[0] for rows in tracks])
    return TrackEnds(seconds[first], values[first, :2], velocity, sides, table.labels[first])


def _best_pairs(ends: TrackEnds, starts: TrackEnds, longest_s: float) -> tuple[IntArray, IntArray]:
    earlier, later = pairs_in_time(ends, starts, longest_s)
    is_alike = (np.abs(ends.sides[earlier] - starts.sides[later]) <= MOST_GROWTH).all(axis=1)
    is_alike &= ends.labels[earlier] == starts.labels[later]
    earlier, later = earlier[is_alike], later[is_alike]
    away = distance(ends, starts, earlier, later)
    near = away < MOST_AWAY
    earlier, later, away = earlier[near], later[near], away[near]
    if len(away) == 0:
        return earlier, later
    count = len(ends.seconds)
    best = heaviest_matching(earlier, later, MOST_AWAY - away, count, count)
    return earlier[best], later[best]


def pairs_in_time(ends: TrackEnds, starts: TrackEnds, longest_s: float) -> tuple[IntArray, IntArray]:
    """All pairs of a track that ends and one that begins after it, by at most `longest_s`."""
    order = np.argsort(starts.seconds, kind="stable")
    begins = starts.seconds[order]
    first = np.searchsorted(begins, ends.seconds, side="right")
    last = np.searchsorted(begins, ends.seconds + longest_s, side="right")
    earlier, nth = spread(last - first)
    return earlier, order[first[earlier] + nth]


def distance(ends: TrackEnds, starts: TrackEnds, earlier: IntArray, later: IntArray) -> FloatArray:
    """Of each pair, how far the start is from where the end was going, in sizes of the object."""
    both = np.stack([ends.velocity[earlier], starts.velocity[later]])
    known = np.isfinite(both)
    velocity = np.where(known, both, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    elapsed_s = (starts.seconds[later] - ends.seconds[earlier])[:, None]
    away = ends.center[earlier] + velocity * elapsed_s - starts.center[later]
    size = np.exp((ends.sides[earlier] + starts.sides[later]).mean(axis=1) / 2)
    return np.asarray(np.hypot(*away.T) / size)


def _joined(table: TrackTable, tracks: list[IntArray], successor: dict[int, int]) -> IntArray:
    """The IDs, with the first track's in all that follow it."""
    ids = table.ids.copy()
    for start in sorted(set(range(len(tracks))) - set(successor.values())):
        track = start
        while track in successor:
            track = successor[track]
            ids[tracks[track]] = table.ids[tracks[start][0]]
    return ids
