"""Where tracks begin and end: objects that were lost, and went on under another ID."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rtdet.tracks.doubts.finding import Signs
from rtdet.tracks.doubts.rows import CourseRows
from rtdet.tracks.offline.linking import TrackEnds, distance, pairs_in_time, track_ends
from rtdet.tracks.table import TrackTable
from rtdet.types import FloatArray, IntArray

# A track may go on under another ID after this long; the doubt halves about every HALF_S * ln 2 of it.
LONGEST_S, FADE_S = 4.0, 2.0
# How far away, in sizes of the object, and how different in size (logarithm) halves it likewise.
FADE_AWAY, FADE_GROWTH = 1.0, 0.5
# What a beginning inside the picture counts for by itself, and an end that nothing follows.
BIRTH, END = 0.2, 0.15
# What begins or ends so near to the run's first or last frame is cut off by it.
CUT_S = 0.3
# Fits that make a track the other's continuation.
_FITS = 0.5
# Tracks whose successors are looked for in one go, which bounds the pairs in memory.
_AT_ONCE = 500


def ends(rows: CourseRows) -> Iterator[Signs]:
    """Tracks that begin or end inside the picture. A beginning's score grows with how well the best of the tracks
    that ended before it would go on there: near where it was heading, or standing; soon; of the same size."""
    table, seconds = rows.table, rows.seconds
    tracks = table.tracks()
    if not tracks:
        return
    first, last = (np.array([one[place] for one in tracks]) for place in (0, -1))
    fit, before, was_continued = _predecessors(table, tracks, seconds)
    inside = _inside(table)
    birth = BIRTH * inside[first] + fit
    birth[seconds[first] - seconds.min() < CUT_S] = 0
    has_one = before >= 0
    waited_s = np.where(has_one, seconds[first] - seconds[last[before]], 0)
    yield Signs.of("continued", first, np.where(has_one, birth, 0), waited_s, others=table.ids[last[before]])
    yield Signs.of("birth", first, np.where(has_one, 0, birth))
    end = END * inside[last] * ~was_continued
    end[seconds.max() - seconds[last] < CUT_S] = 0
    yield Signs.of("end", last, end)


def _predecessors(
    table: TrackTable, tracks: list[IntArray], seconds: FloatArray
) -> tuple[FloatArray, IntArray, np.ndarray]:
    """(K,) of each track how well the best track that ended before it fits, 0 to 1; (K,) which that is, or -1; (K,)
    whether any goes on with it that fits as well as not."""
    over = track_ends(table, [rows[::-1] for rows in tracks], seconds)
    begun = track_ends(table, tracks, seconds)
    fit, best = np.zeros(len(tracks)), np.full(len(tracks), -1)
    was_continued = np.zeros(len(tracks), dtype=bool)
    for ended, begins in _pairs(over, begun):
        how_well = _fit(over, begun, ended, begins)
        was_continued[ended[how_well > _FITS]] = True
        order = np.argsort(how_well, kind="stable")
        improved = order[how_well[order] > fit[begins[order]]]
        # Where an index occurs twice in an assignment, NumPy keeps the last: the best.
        fit[begins[improved]], best[begins[improved]] = how_well[improved], ended[improved]
    return fit, best, was_continued


def _pairs(over: TrackEnds, begun: TrackEnds) -> Iterator[tuple[IntArray, IntArray]]:
    """All pairs of a track that ended and one that began within LONGEST_S after it, in parts."""
    for start in range(0, len(over.seconds), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        some = TrackEnds(
            over.seconds[part], over.center[part], over.velocity[part], over.sides[part], over.labels[part]
        )
        ended, begins = pairs_in_time(some, begun, LONGEST_S)
        yield ended + start, begins


def _fit(over: TrackEnds, begun: TrackEnds, ended: IntArray, begins: IntArray) -> FloatArray:
    """(P,) how well each pair fits, 0 to 1."""
    size = np.exp((over.sides[ended] + begun.sides[begins]).mean(axis=1) / 2)
    standing = np.hypot(*(over.center[ended] - begun.center[begins]).T) / size
    away = np.minimum(distance(over, begun, ended, begins), standing)
    growth = np.abs(over.sides[ended].mean(axis=1) - begun.sides[begins].mean(axis=1))
    waited_s = begun.seconds[begins] - over.seconds[ended]
    return np.asarray(np.exp(-away / FADE_AWAY - growth / FADE_GROWTH - waited_s / FADE_S))


def _inside(table: TrackTable) -> FloatArray:
    """(N,) how far inside the picture each box is, in widths of its own and at most 1; 0 at the border. Where the
    picture's size is not known, it ends where the outermost boxes do."""
    sizes = table.frame_list.sizes[table.frame_list.place_of(table.frames)]
    low = np.where(sizes > 0, 0, table.boxes[:, :2].min(axis=0))
    high = np.where(sizes > 0, sizes, table.boxes[:, 2:].max(axis=0))
    room = np.minimum(table.boxes[:, :2] - low, high - table.boxes[:, 2:]).min(axis=1)
    width = np.maximum(table.boxes[:, 2] - table.boxes[:, 0], 1e-9)
    return np.asarray(np.clip(room / width, 0, 1))
