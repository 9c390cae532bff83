"""The skeleton of a person's 17 key points, numbered as COCO numbers them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rtdet.types import FloatArray

# nose; eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, of each the left one first.
PERSON_POINTS = 17
LIMBS = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10),
    (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
)  # fmt: skip
# A point below is taken for hidden or outside of the picture.
LEAST_CONFIDENCE = 0.5


class Skeleton(NamedTuple):
    """What is drawn of a person's key points: joints (J, 2), and limbs (L, 2, 2) by their two ends, in pixels."""

    joints: FloatArray
    limbs: FloatArray


def skeleton(points: FloatArray) -> Skeleton | None:
    """What is drawn of the key points (K, 3) of one object: the confident ones. None where there is nothing, or where
    they are no 17 points."""
    if len(points) != PERSON_POINTS:
        return None
    known = np.isfinite(points).all(axis=1) & (points[:, 2] >= LEAST_CONFIDENCE)
    if not known.any():
        return None
    limbs = [points[list(limb), :2] for limb in LIMBS if known[list(limb)].all()]
    return Skeleton(points[known, :2], np.array(limbs).reshape(-1, 2, 2))
