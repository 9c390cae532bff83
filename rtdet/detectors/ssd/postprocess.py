"""From the heads' raw numbers to detections: threshold, decode, NMS. NumPy only, behind any back end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.geometry.letterbox import Letterbox
from rtdet.geometry.nms import batched_nms
from rtdet.types import Detections, FloatArray, Thresholds

# More candidates than this before NMS are noise: the weakest go.
MAX_CANDIDATES = 1000


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
    wanted = wanted_labels(thresholds, class_names)
    logits = np.asarray(logits, dtype=np.float64)[:, wanted]
    best = logits.argmax(1)
    strength = logits[np.arange(len(logits)), best]
    rows = np.flatnonzero(strength >= _logit(thresholds.confidence))
    if len(rows) > MAX_CANDIDATES:
        rows = rows[np.argpartition(-strength[rows], MAX_CANDIDATES)[:MAX_CANDIDATES]]
        rows.sort()
    decoded = coder.decode(np.asarray(offsets[rows], dtype=np.float64), priors[rows])
    boxes = letterbox.undo(decoded)
    labels = wanted[best[rows]]
    scores = 1 / (1 + np.exp(-strength[rows]))
    keep = batched_nms(boxes, scores, labels, thresholds.iou)[: thresholds.max_detections]
    return Detections(boxes[keep], scores[keep], labels[keep], class_names)


def wanted_labels(thresholds: Thresholds, class_names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Indices of the classes that the thresholds ask for; all, when they name none."""
    if not thresholds.classes:
        return np.arange(len(class_names))
    return np.array([i for i, name in enumerate(class_names) if name in thresholds.classes], dtype=np.int64)


def _logit(probability: float) -> float:
    if probability <= 0:
        return -np.inf
    return float(np.log(probability / (1 - probability))) if probability < 1 else np.inf
