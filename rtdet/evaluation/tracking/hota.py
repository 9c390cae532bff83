"""HOTA: Luiten, Osep, Dendorfer, Torr, Geiger, Leal-Taixe and Leibe, "HOTA: A Higher Order Metric for Evaluating
Multi-Object Tracking", 2021, arXiv 2009.07736."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtdet.evaluation.tracking.encounters import Encounters
from rtdet.evaluation.tracking.matching import heaviest_matching
from rtdet.evaluation.tracking.overlaps import Overlaps
from rtdet.evaluation.tracking.scores import ALPHAS
from rtdet.types import FloatArray, IntArray


def hota_scores(overlaps: Overlaps, encounters: Encounters) -> dict[str, Any]:
    """hota_tp, hota_iou, ass_a, ass_re and ass_pr of TrackingScores. IDs are counted from 0."""
    of_object, of_id = _boxes_of(overlaps, encounters)
    matched = hota_matches(overlaps, encounters)
    # A match counts at all alphas up to its IoU: the first `reach` of them.
    iou = overlaps.iou[matched]
    reach = np.searchsorted(ALPHAS - np.finfo(np.float64).eps, iou, side="right")
    tpa = _at_least(encounters.of_pair[matched], reach, len(encounters.objects))
    of_object, of_id = of_object[:, None], of_id[:, None]
    return {
        "hota_tp": tpa.sum(axis=0),
        "hota_iou": _at_least(np.zeros_like(reach), reach, 1, iou)[0],
        "ass_a": (tpa * tpa / (of_object + of_id - tpa)).sum(axis=0),
        "ass_re": (tpa * tpa / of_object).sum(axis=0),
        "ass_pr": (tpa * tpa / of_id).sum(axis=0),
    }


def hota_matches(overlaps: Overlaps, encounters: Encounters) -> IntArray:
    """The pairs of boxes that HOTA takes for one object each, rising: those that overlap most, and of IDs that go
    together best over the whole sequence. IDs are counted from 0."""
    alignment = _alignment(overlaps, encounters, np.add(*_boxes_of(overlaps, encounters)))
    return heaviest_matching(
        overlaps, np.arange(len(overlaps.rows)), alignment[encounters.of_pair] * overlaps.iou
    )


def _boxes_of(overlaps: Overlaps, encounters: Encounters) -> tuple[IntArray, IntArray]:
    """(K,), (K,) how many boxes the object and the ID of each encounter have."""
    of_object = np.bincount(overlaps.truth_ids, minlength=overlaps.truth_count)[encounters.objects]
    of_id = np.bincount(overlaps.track_ids, minlength=overlaps.track_count)[encounters.ids]
    return of_object, of_id


def _alignment(overlaps: Overlaps, encounters: Encounters, boxes: IntArray) -> FloatArray:
    """(K,) how well an object and an ID go together over the whole sequence, 0 to 1: the Jaccard index of their
    boxes, where a pair counts as much as it overlaps, measured against all else that the two boxes overlap with.

    boxes (K,): of the object and of the ID, in sum.
    """
    of_row = np.bincount(overlaps.rows, overlaps.iou, minlength=len(overlaps.truth_ids))
    of_column = np.bincount(overlaps.columns, overlaps.iou, minlength=len(overlaps.track_ids))
    share = overlaps.iou / (of_column[overlaps.columns] + of_row[overlaps.rows] - overlaps.iou)
    together = np.bincount(encounters.of_pair, share, minlength=len(boxes))
    return np.asarray(together / (boxes - together))


def _at_least(group: IntArray, reach: IntArray, groups: int, weight: FloatArray | None = None) -> FloatArray:
    """(groups, 19) sums of the weights, or counts, of each group's matches with `reach` above 0, 1, ..., 18."""
    width = len(ALPHAS) + 1
    by_reach = np.bincount(group * width + reach, weight, minlength=groups * width).reshape(groups, width)
    return np.asarray(by_reach[:, :0:-1].cumsum(axis=1)[:, ::-1])
