"""Lines of a chart as SVG path data, in a plot of 100 by 100 with the origin at the bottom left.

Only numbers come out of here; all text is put in by the template, which escapes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.evaluation.detection.curves import Curve
from rtdet.types import FloatArray, IntArray

# More points than a screen has pixels would only make the file large.
_MOST_POINTS = 200


@dataclass(frozen=True)
class Dot:
    """A marked point, in the plot's units."""

    x: float
    y: float


@dataclass(frozen=True)
class Charts:
    """One curve's two charts. raw, interpolated: precision over recall, with the point of the chosen confidence.
    precision, recall, f1: over confidence."""

    raw: str
    interpolated: str
    chosen: Dot | None
    precision: str
    recall: str
    f1: str


def charts_of(curve: Curve, confidence: float) -> Charts:
    """The charts of one curve; empty paths where nothing was detected."""
    counts = curve.at(confidence)
    # Thresholds go up from 0: what the lowest score gives holds below it, and the highest score is the end.
    x = curve.confidences[::-1]
    start = np.array([0.0]) if len(x) else x
    x = np.concatenate([start, x])

    def rising(values: FloatArray) -> FloatArray:
        return np.concatenate([values[-1:], values[::-1]])

    return Charts(
        raw=path(curve.recall, curve.precision),
        interpolated=path(curve.recall, curve.interpolated, start_at_left=True),
        chosen=_dot(counts.recall, counts.precision),
        precision=path(x, rising(curve.precision)),
        recall=path(x, rising(curve.recall)),
        f1=path(x, rising(curve.f1)),
    )


def path(x: FloatArray, y: FloatArray, *, start_at_left: bool = False) -> str:
    """`M x y L x y ...` of points in [0, 1] x [0, 1]; `start_at_left` draws level from x = 0 to the first."""
    if len(x) == 0:
        return ""
    if start_at_left:
        x, y = np.concatenate([[0.0], x]), np.concatenate([y[:1], y])
    keep = _outline(x, y)
    points = [f"{100 * px:.2f} {100 - 100 * py:.2f}" for px, py in zip(x[keep], y[keep], strict=True)]
    return "M" + "L".join(points)


def _outline(x: FloatArray, y: FloatArray) -> IntArray:
    """Places of the points that are drawn: of each of many narrow columns its first, highest, lowest and last."""
    if len(x) <= _MOST_POINTS:
        return np.arange(len(x))
    column = np.minimum((x * (_MOST_POINTS // 2)).astype(np.int64), _MOST_POINTS // 2)
    by_height = np.lexsort((y, column))
    cuts = np.flatnonzero(np.diff(column[by_height])) + 1
    lowest, highest = by_height[np.append(0, cuts)], by_height[np.append(cuts, len(x)) - 1]
    edges = np.flatnonzero(np.diff(column)) + 1
    first, last = np.append(0, edges), np.append(edges, len(x)) - 1
    return np.unique(np.concatenate([lowest, highest, first, last]))


def _dot(x: float, y: float) -> Dot | None:
    return None if np.isnan(x) or np.isnan(y) else Dot(round(100 * x, 2), round(100 - 100 * y, 2))
