"""The gate between a detector and everything else: only real boxes pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rtdet.geometry.boxes import clip, is_valid
from rtdet.pipeline.grid import on_grid
from rtdet.types import Detections


def sanitize(detections: Detections, size: tuple[int, int]) -> tuple[Detections, int]:
    """The detections whose boxes are finite, have area and touch a picture of `size` (width, height), cut
    at its borders, scores within [0, 1], all rounded to the steps of `grid`; and how many were dropped."""
    if len(detections) == 0:
        return detections, 0
    detections = on_grid(detections)
    boxes, scores = detections.boxes, detections.scores
    width, height = size
    ok = is_valid(boxes, width, height) & np.isfinite(scores)
    kept = int(ok.sum())
    invalid = len(detections) - kept
    if invalid:
        detections = detections[ok]
        boxes, scores = detections.boxes, detections.scores
    # Most frames of a sound detector need no change at all.
    inside = kept == 0 or bool(
        boxes.min() >= 0
        and boxes[:, 0::2].max() <= width
        and boxes[:, 1::2].max() <= height
        and scores.min() >= 0
        and scores.max() <= 1
    )
    if inside:
        return detections, invalid
    cut = replace(detections, boxes=clip(boxes, width, height), scores=scores.clip(0, 1))
    return cut, invalid
