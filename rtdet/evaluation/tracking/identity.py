"""ID measures: Ristani, Solera, Zou, Cucchiara and Tomasi, "Performance Measures and a Data Set for Multi-Target,
Multi-Camera Tracking", 2016, arXiv 1609.01775."""

from __future__ import annotations

import numpy as np

from rtdet.evaluation.tracking.encounters import Encounters
from rtdet.evaluation.tracking.matching import settled
from rtdet.evaluation.tracking.overlaps import Overlaps
from rtdet.evaluation.tracking.trial import heaviest_by_trial
from rtdet.types import FloatArray, IntArray

LEAST_IOU = 0.5


def identity_matches(overlaps: Overlaps, encounters: Encounters) -> int:
    """IDTP: the boxes that match when objects and IDs are matched one to one for the whole sequence, so that as many
    as can be do. IDs are counted from 0."""
    together = np.bincount(encounters.of_pair[overlaps.iou >= LEAST_IOU], minlength=len(encounters.objects))
    met = np.flatnonzero(together)
    objects, ids, hits = encounters.objects[met], encounters.ids[met], together[met].astype(np.float64)
    taken, open_ = settled(objects, ids, hits)
    return int(hits[taken].sum() + _most_hits(objects[open_], ids[open_], hits[open_]))


def _most_hits(objects: IntArray, ids: IntArray, hits: FloatArray) -> float:
    """Of one-to-one matchings the most hits in sum."""
    tried = heaviest_by_trial(objects.tolist(), ids.tolist(), hits.tolist())
    if tried is not None:
        return float(hits[list(tried[0])].sum())
    from rtdet.trackers.association import heaviest_matching  # brings SciPy: see heaviest_by_trial

    best = heaviest_matching(objects, ids, hits, int(objects.max()) + 1, int(ids.max()) + 1)
    return float(hits[best].sum())
