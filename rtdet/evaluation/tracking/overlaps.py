"""Finds which boxes of a tracker overlap which boxes of the ground truth, for a whole sequence at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rtdet.evaluation.tracking.rows import TrackRows
from rtdet.types import BoolArray, FloatArray, IntArray

# Pairs that are looked at at once: their columns stay in the cache.
_MOST = 100_000


@dataclass(frozen=True, eq=False)
class Overlaps:
    """The rows of both sides, and all pairs of one frame that overlap.

    truth_frames (G,), track_frames (T,): frames counted from 0 to frame_count - 1, rising; truth_ids (G,),
    track_ids (T,). rows (P,), columns (P,): places of the pair's rows on the two sides, in order of row; iou (P,)
    above 0.
    """

    truth_frames: IntArray
    truth_ids: IntArray
    track_frames: IntArray
    track_ids: IntArray
    frame_count: int
    rows: IntArray
    columns: IntArray
    iou: FloatArray

    @cached_property
    def truth_count(self) -> int:
        """Of objects, where their IDs are counted from 0."""
        return int(self.truth_ids.max(initial=-1)) + 1

    @cached_property
    def track_count(self) -> int:
        """Of the tracker's IDs, where they are counted from 0."""
        return int(self.track_ids.max(initial=-1)) + 1

    @cached_property
    def truth_starts(self) -> IntArray:
        """(frame_count + 1,) where each frame's rows of the ground truth begin, and where the last ones end."""
        return _starts(self.truth_frames, self.frame_count)

    @cached_property
    def track_starts(self) -> IntArray:
        return _starts(self.track_frames, self.frame_count)

    @cached_property
    def frames(self) -> IntArray:
        """(P,) the frame of each pair, rising."""
        return self.truth_frames[self.rows]

    def only(self, truth: BoolArray, tracks: BoolArray) -> Overlaps:
        """These rows of each side, given as masks (G,) and (T,), and the pairs among them."""
        kept = truth[self.rows] & tracks[self.columns]
        return Overlaps(
            self.truth_frames[truth],
            self.truth_ids[truth],
            self.track_frames[tracks],
            self.track_ids[tracks],
            self.frame_count,
            (np.cumsum(truth) - 1)[self.rows[kept]],
            (np.cumsum(tracks) - 1)[self.columns[kept]],
            self.iou[kept],
        )


def find_overlaps(truth: TrackRows, tracks: TrackRows) -> Overlaps:
    """All pairs with IoU above 0."""
    frames, places = np.unique(np.concatenate((truth.frames, tracks.frames)), return_inverse=True)
    truth_frames, track_frames = places[: len(truth)], places[len(truth) :]
    order = np.lexsort((tracks.boxes[:, 0], track_frames))
    start, count = _near(truth.boxes, truth_frames, tracks.boxes[order], track_frames, len(frames))
    # A row a coordinate: NumPy reads them one after the other.
    a, b = truth.boxes.T.copy(), tracks.boxes[order].T.copy()
    found = [_overlapping(a, b, slice(*run), start[slice(*run)], count[slice(*run)]) for run in _runs(count)]
    rows, columns, iou = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Overlaps(
        truth_frames, truth.ids, track_frames, tracks.ids, len(frames), rows, order[columns], iou
    )  # fmt: skip


def _near(
    truth: FloatArray, truth_frames: IntArray, tracks: FloatArray, track_frames: IntArray, frame_count: int
) -> tuple[IntArray, IntArray]:
    """(G,) first and number of the tracks that each box of the truth may overlap with; by their left edges, which
    rise within a frame, none of the others does.

    The frames are laid side by side, so that one search does for all; what that costs of precision is given back.
    """
    edges = np.concatenate((truth[:, (0, 2)].ravel(), tracks[:, (0, 2)].ravel(), (0.0,)))
    low, span = edges.min(), 2 * (edges.max() - edges.min()) + 1
    slack = 16 * np.finfo(np.float64).eps * span * (frame_count + 1)
    widest = np.zeros(frame_count)
    np.maximum.at(widest, track_frames, tracks[:, 2] - tracks[:, 0])
    lefts = track_frames * span + (tracks[:, 0] - low)
    origin = truth_frames * span - low
    start = np.searchsorted(lefts, origin + truth[:, 0] - widest[truth_frames] - slack)
    end = np.searchsorted(lefts, origin + truth[:, 2] + slack)
    starts = _starts(track_frames, frame_count)
    start, end = np.maximum(start, starts[truth_frames]), np.minimum(end, starts[truth_frames + 1])
    return start, np.maximum(end - start, 0)


def _starts(frames: IntArray, count: int) -> IntArray:
    return np.searchsorted(frames, np.arange(count + 1))


def _runs(count: IntArray) -> Iterator[tuple[int, int]]:
    """First and end of runs of rows that have about _MOST pairs together."""
    cuts = np.flatnonzero(np.diff(np.cumsum(count) // _MOST)) + 1
    yield from zip((0, *cuts), (*cuts, len(count)), strict=True)


def _overlapping(
    a: FloatArray, b: FloatArray, run: slice, start: IntArray, count: IntArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Rows, columns and IoU of the pairs of the boxes `run` of `a` (4, G) with those of `b` (4, T) that they may
    overlap with, `count` from `start` on."""
    ends = np.cumsum(count)
    columns = np.arange(ends[-1] if len(ends) else 0) + (start - ends + count).repeat(count)
    width = np.minimum(a[2, run].repeat(count), b[2].take(columns))
    width -= np.maximum(a[0, run].repeat(count), b[0].take(columns))
    meet = np.flatnonzero(width > 0)
    rows = run.start + ends.searchsorted(meet, side="right")
    columns, width = columns.take(meet), width.take(meet)
    height = np.minimum(a[3].take(rows), b[3].take(columns)) - np.maximum(a[1].take(rows), b[1].take(columns))
    meet = np.flatnonzero(height > 0)
    rows, columns = rows.take(meet), columns.take(meet)
    intersection = width.take(meet) * height.take(meet)
    iou = intersection / (_areas(a).take(rows) + _areas(b).take(columns) - intersection)
    meet = np.flatnonzero(iou > 0)  # an overlap too thin for a float64 is none
    return rows.take(meet), columns.take(meet), iou.take(meet)


def _areas(corners: FloatArray) -> FloatArray:
    return np.asarray((corners[2] - corners[0]) * (corners[3] - corners[1]))
