"""ID measures: Ristani, Solera, Zou, Cucchiara and Tomasi, "Performance Measures and a Data Set for Multi-Target,
Multi-Camera Tracking", 2016, arXiv 1609.01775."""

from __future__ import annotations

import numpy as np

from rtdet.evaluation.tracking.encounters import Encounters
from rtdet.evaluation.tracking.overlaps import Overlaps
from rtdet.geometry.pairing import heaviest_matching

LEAST_IOU = 0.5


def identity_matches(overlaps: Overlaps, encounters: Encounters) -> int:
    """IDTP: the boxes that match when objects and IDs are matched one to one for the whole sequence, so that as many
    as can be do. IDs are counted from 0."""
    together = np.bincount(encounters.of_pair[overlaps.iou >= LEAST_IOU], minlength=len(encounters.objects))
    met = np.flatnonzero(together)
    objects, ids, hits = encounters.objects[met], encounters.ids[met], together[met].astype(np.float64)
    best = heaviest_matching(objects, ids, hits, overlaps.truth_count, overlaps.track_count)
    return int(hits[best].sum())
