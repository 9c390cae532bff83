"""Average precision from ranked detections: COCO's 101 points, VOC's 11 points, VOC's whole area."""

from __future__ import annotations

import numpy as np

from rtdet.types import BoolArray, FloatArray

RECALL_POINTS = np.linspace(0.0, 1.0, 101)


def ranked(right: BoolArray, wrong: BoolArray, truths: int) -> tuple[FloatArray, FloatArray]:
    """(recall, precision), each (..., N), after each of N detections by falling score.

    right, wrong (..., N): true and false positives; a detection that is neither changes nothing. truths: how
    many objects there are to find, above 0.
    """
    tp, fp = np.cumsum(right, axis=-1, dtype=np.float64), np.cumsum(wrong, axis=-1, dtype=np.float64)
    return tp / truths, tp / np.maximum(tp + fp, np.spacing(1))


def envelope(precision: FloatArray) -> FloatArray:
    """Interpolated precision: the best that is reached at this recall or a higher one."""
    return np.asarray(np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1])


def at_recalls(recall: FloatArray, precision: FloatArray, points: FloatArray) -> FloatArray:
    """Interpolated precision at the recalls `points`; 0 at a recall that is not reached."""
    places = np.searchsorted(recall, points, side="left")
    return np.append(envelope(precision), 0.0)[places]


def coco_ap(recall: FloatArray, precision: FloatArray) -> float:
    """COCO: the mean of the interpolated precision at recalls 0, 0.01, ..., 1 (Lin et al. 2014)."""
    return float(at_recalls(recall, precision, RECALL_POINTS).mean())


def voc_11_point_ap(recall: FloatArray, precision: FloatArray) -> float:
    """VOC until 2009: 1/11 of the sum of the interpolated precision at recalls 0, 0.1, ..., 1
    (Everingham et al. 2010, "The PASCAL Visual Object Classes (VOC) Challenge", section 4.2)."""
    # k / 10, not multiples of 0.1: 3 * 0.1 is above 0.3, and 3 of 10 objects found would not reach it.
    return float(at_recalls(recall, precision, np.arange(11) / 10).sum() / 11)


def voc_all_point_ap(recall: FloatArray, precision: FloatArray) -> float:
    """VOC from 2010: the area under the interpolated precision, at every recall that occurs
    (VOC 2010 development kit, VOCap.m)."""
    steps = np.diff(np.concatenate([[0.0], recall]))
    return float((steps * envelope(precision)).sum())
