"""From the heads' raw numbers to detections: threshold, decode, NMS. NumPy only, behind any back end."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rtdet.detectors.selection import select, strongest
from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import Detections, FloatArray, IntArray, Thresholds


def postprocess(
    offsets: FloatArray,
    logits: FloatArray,
    priors: FloatArray,
    letterbox: Letterbox,
    thresholds: Thresholds,
    class_names: Sequence[str],
    coder: BoxCoder | None = None,
) -> Detections:
    """offsets (P, 4), logits (P, C) of sigmoid scores, priors (P, 4) cxcywh, to Detections by falling score in
    pixels of the original image. A prior speaks for its best wanted class only."""
    coder = coder or BoxCoder()
    wanted = _wanted_labels(thresholds, class_names)
    logits = np.asarray(logits, dtype=np.float64)[:, wanted]
    best = logits.argmax(1)
    strength = logits[np.arange(len(logits)), best]
    rows = np.flatnonzero(strength >= _logit(thresholds.confidence))
    rows = strongest(strength[rows], rows)
    boxes = letterbox.undo(coder.decode(np.asarray(offsets[rows], dtype=np.float64), priors[rows]))
    scores = 1 / (1 + np.exp(-strength[rows]))
    return select(boxes, scores, wanted[best[rows]], thresholds, class_names)


def _wanted_labels(thresholds: Thresholds, class_names: Sequence[str]) -> IntArray:
    names = thresholds.classes or class_names
    return np.array([i for i, name in enumerate(class_names) if name in names], dtype=np.int64)


def _logit(probability: float) -> float:
    if probability <= 0:
        return -math.inf
    return math.log(probability / (1 - probability)) if probability < 1 else math.inf
