"""One object found as two classes."""

from __future__ import annotations

import numpy as np

from rtdet.trackers.association import overlapping_pairs
from rtdet.types import BoolArray, FloatArray

# Overlap of two detections of two classes that are one object.
SAME_OBJECT = 0.8


def seen_twice(
    corners: FloatArray, scores: FloatArray, labels: FloatArray, new: BoolArray, free: BoolArray
) -> BoolArray:
    """Which (M,) of the `new` detections are another one of another class once more: one that a track has taken, or
    a new one that scores higher."""
    twice = np.zeros(len(new), dtype=bool)
    if not new.any() or (labels == labels[0]).all():
        return twice
    candidates, others = new.nonzero()[0], (new | ~free).nonzero()[0]
    a, b, overlap = overlapping_pairs(corners[:, candidates], corners[:, others])
    a, b = candidates[a], others[b]
    wins = ~free[b] | (scores[b] > scores[a]) | ((scores[b] == scores[a]) & (b < a))
    twice[a[(overlap > SAME_OBJECT) & (labels[a] != labels[b]) & wins]] = True
    return twice
