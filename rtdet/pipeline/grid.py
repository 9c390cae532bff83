"""The steps in which a run counts what a detector gives: thousandths of a pixel, millionths of a score.

They are far below what a box means, and make a candidate a handful of whole numbers: a kept run holds exactly what
the tracker was given, in a fifth of the space, so that tracking it again gives the same tracks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rtdet.types import Detections, FloatArray

A_PIXEL = 1_000
FULL_SCORE = 1_000_000
# Whole numbers up to here are exact; a coordinate beyond it is none.
_FARTHEST = 2**53 / A_PIXEL


def on_grid(detections: Detections) -> Detections:
    """The detections with boxes, scores and key points rounded to the steps."""
    if len(detections) == 0:
        return detections
    points = detections.points
    return replace(
        detections,
        boxes=_rounded(detections.boxes, A_PIXEL),
        scores=_rounded(detections.scores, FULL_SCORE),
        points=None if points is None else _rounded(points, np.array([A_PIXEL, A_PIXEL, FULL_SCORE])),
    )


def _rounded(values: FloatArray, steps: int | np.ndarray) -> FloatArray:
    """A decimal fraction of so few digits is the float64 nearest to it, as reading it from a text gives it."""
    if values.size and np.abs(values).max() < _FARTHEST:  # False for NaN
        usual: FloatArray = np.rint(values * steps) / steps
        return usual
    with np.errstate(invalid="ignore", over="ignore"):
        rounded: FloatArray = np.where(np.abs(values) < _FARTHEST, np.rint(values * steps) / steps, values)
    return rounded
