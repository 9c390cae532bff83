"""From decoded boxes and scores to detections: threshold and NMS. NumPy only, behind any back end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rtdet.detectors.selection import select, strongest, wanted_class
from rtdet.geometry.boxes import diou, iou
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import Detections, FloatArray, IntArray, Thresholds


def postprocess(
    boxes: FloatArray,
    scores: FloatArray,
    letterbox: Letterbox,
    thresholds: Thresholds,
    class_names: Sequence[str],
    suppression: str = "nms",
    most_overlap: float = 1.0,
) -> Detections:
    """boxes (N, 4) xyxy in network pixels and scores (N, C) in 0..1 to Detections by falling score, in pixels of the
    original picture. A row speaks for its best wanted class only. suppression, most_overlap: see FamilyConfig."""
    rows, labels, strength = candidates(scores, thresholds, class_names)
    return select(
        letterbox.undo(np.asarray(boxes[rows], dtype=np.float64)),
        strength,
        labels,
        replace(thresholds, iou=min(thresholds.iou, most_overlap)),
        class_names,
        overlap=diou if suppression == "diou" else iou,
        suppress=suppression != "none",
    )


def candidates(
    scores: FloatArray, thresholds: Thresholds, class_names: Sequence[str]
) -> tuple[IntArray, IntArray, FloatArray]:
    """The row, the label and the score (N,) of what speaks for an object before NMS."""
    wanted = np.flatnonzero(wanted_class(np.arange(len(class_names)), thresholds, class_names))
    chosen = scores[:, wanted]
    best = chosen.argmax(1) if len(wanted) else np.zeros(0, dtype=np.int64)
    strength = chosen[np.arange(len(best)), best]
    rows = np.flatnonzero(strength >= thresholds.least_score)
    rows = rows[strongest(strength[rows], np.arange(len(rows)))]
    return rows, wanted[best[rows]], np.asarray(strength[rows], dtype=np.float64)
