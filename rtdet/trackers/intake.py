"""Filters a tracker's input: detections that score high enough, have sound boxes and do not repeat an object."""

from __future__ import annotations

import numpy as np

from rtdet.trackers.association import overlapping_pairs
from rtdet.types import BoolArray, Detections, FloatArray

SHORTEST_SIDE = 1e-6
FARTHEST = 1e9
# ByteTrack's published threshold of high scores.
PUBLISHED_HIGH = 0.6
# Overlap of two detections of two classes that are one object.
SAME_OBJECT = 0.8


def accepted(detections: Detections, min_score: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Corners (4, M), scores (M,) and labels (M,) of the detections that can be tracked, in their order.

    Left out are scores not above `min_score` (0 takes every one), boxes that are not finite, have a side under
    1e-6 or lie beyond 1e9 pixels, and scores that are NaN.
    """
    corners = detections.boxes.T.copy()
    scores, labels = detections.scores, detections.labels.astype(np.float64)
    keep: BoolArray | None = None
    if min_score > 0:
        keep = scores > min_score
    if len(scores) and not _is_sound(corners, scores):
        sound = _sound(corners, scores)
        keep = sound if keep is None else keep & sound
    if keep is None or np.count_nonzero(keep) == len(keep):
        return corners, scores, labels
    return corners[:, keep], scores[keep], labels[keep]


def score_lift(confidence: float) -> float:
    """What to add, times (1 - score), to scores that are high from `confidence` on, before they are multiplied with
    an overlap: it makes `confidence` the published .6 and leaves 1 as it is.

    Limits on that product were found with .6. Of detections that reach a user's .25 they would ask more than twice
    the overlap, in a crowd more than boxes of one object have.
    """
    return 1 - (1 - PUBLISHED_HIGH) / max(1 - confidence, 1e-9)


def seen_twice(
    corners: FloatArray, scores: FloatArray, labels: FloatArray, new: BoolArray, free: BoolArray
) -> BoolArray:
    """(M,) mask of the `new` detections that show an object of another class once more: one that a track has taken,
    or that of a new detection with a higher score."""
    twice = np.zeros(len(new), dtype=bool)
    if len(new) == 0 or np.count_nonzero(labels == labels[0]) == len(labels) or not new.any():
        return twice
    candidates, others = new.nonzero()[0], (new | ~free).nonzero()[0]
    a, b, overlap = overlapping_pairs(corners[:, candidates], corners[:, others])
    a, b = candidates[a], others[b]
    wins = ~free[b] | (scores[b] > scores[a]) | ((scores[b] == scores[a]) & (b < a))
    twice[a[(overlap > SAME_OBJECT) & (labels[a] != labels[b]) & wins]] = True
    return twice


def _is_sound(corners: FloatArray, scores: FloatArray) -> bool:
    """Whether all values are sound; a comparison with NaN is false. Counting is faster than NumPy's reductions."""
    return bool(
        np.count_nonzero(np.abs(corners) <= FARTHEST) == corners.size
        and np.count_nonzero(corners[2:] - corners[:2] >= SHORTEST_SIDE) == corners.size // 2
        and np.count_nonzero(scores == scores) == len(scores)
    )


def _sound(corners: FloatArray, scores: FloatArray) -> BoolArray:
    near = (np.abs(corners) <= FARTHEST).all(axis=0)
    size = np.subtract(corners[2:], corners[:2], out=np.zeros_like(corners[2:]), where=near)
    return np.asarray(near & (size >= SHORTEST_SIDE).all(axis=0) & ~np.isnan(scores))
