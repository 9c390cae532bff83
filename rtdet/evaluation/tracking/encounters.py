"""Finds the objects and the IDs of a tracker that ever overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.evaluation.tracking.overlaps import Overlaps
from rtdet.types import IntArray


@dataclass(frozen=True, eq=False)
class Encounters:
    """Of the pairs of a sequence the K different ones of an object and an ID.

    objects (K,), ids (K,): both counted from 0; of_pair (P,): which of the K each pair of boxes is.
    """

    objects: IntArray
    ids: IntArray
    of_pair: IntArray

    @classmethod
    def of(cls, overlaps: Overlaps) -> Encounters:
        objects, ids = overlaps.truth_ids[overlaps.rows], overlaps.track_ids[overlaps.columns]
        keys, of_pair = np.unique(objects * overlaps.track_count + ids, return_inverse=True)
        return cls(*np.divmod(keys, max(overlaps.track_count, 1)), of_pair)
