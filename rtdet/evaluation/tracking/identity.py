"""ID measures: Ristani, Solera, Zou, Cucchiara and Tomasi, "Performance Measures and a Data Set for Multi-Target,
Multi-Camera Tracking", 2016, arXiv 1609.01775."""

from __future__ import annotations

import numpy as np

from rtdet.evaluation.tracking.encounters import Encounters
from rtdet.evaluation.tracking.overlaps import Overlaps
from rtdet.trackers.association import heaviest_matching

LEAST_IOU = 0.5


def identity_matches(overlaps: Overlaps, encounters: Encounters) -> int:
    """IDTP: the boxes that match when objects and IDs are matched one to one for the whole sequence, so that as many
    as can be do. IDs are counted from 0."""
    hits = np.bincount(
        encounters.of_pair[overlaps.iou >= LEAST_IOU], minlength=len(encounters.objects)
    ).astype(np.float64)
    met = np.flatnonzero(hits)
    if len(met) == 0:
        return 0
    taken = heaviest_matching(
        encounters.objects[met], encounters.ids[met], hits[met], overlaps.truth_count, overlaps.track_count
    )
    return int(hits[met[taken]].sum())
