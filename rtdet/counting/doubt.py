"""How sure a count is: a probability for each event, and from those an interval for their number.

An event is real if the object is, if it went the way that its path says, and if the path is that of one object. These
are taken as independent:

    object   1 - (1 - s)^2, s being the mean score of the track so far: two looks at a detector whose scores are the
             shares of boxes that are right. (Detections of one object resemble each other, so not more than two.)
    way      exp(-gap / 2 s), the gap being the time without a sight of it, beyond two frames, over which it crossed
    path     1 - IoU / 2 with the box of another track that it meets as it crosses: a tracker might have swapped them

What was nearly an event (turned back on the line, or ended there) has half the probability. And as many are missed as
are invented: for each event with the probability p there may be one more that nobody counted, with 1 - p, so that the
interval lies around the count. The number of real events
among independent ones is Poisson-binomial (Hodges and Le Cam 1960; Hong 2013): its distribution is the convolution of
the single ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rtdet.types import FloatArray

# The interval holds the true count in so many cases of a hundred.
COVERAGE = 0.95
_GAP_S = 2.0
# Beyond so many events the normal approximation is as good as the convolution.
_MOST = 2000


def sureness(mean_score: float, gap_s: float, tie: float) -> float:
    """The probability of an event, from the module's formulas. tie: 1 - IoU / 2."""
    score = min(max(mean_score, 0.0), 1.0)
    return (1 - (1 - score) ** 2) * math.exp(-gap_s / _GAP_S) * tie


def tie_of(boxes: FloatArray, row: int) -> float:
    """1 - IoU / 2 for the box among the (N, 4) that overlaps most with that of `row`."""
    box = boxes[row]
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    both = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1)
    iou = both / np.maximum(areas + areas[row] - both, 1e-9)
    iou[row] = 0.0
    return float(1 - iou.max() / 2)


def interval(sure: Sequence[float], doubtful: Sequence[float] = ()) -> tuple[int, int]:
    """The central interval of `COVERAGE` for the number of real events, when `len(sure)` were counted with these
    probabilities and others were not. It always holds the count itself."""
    count = len(sure)
    chances = np.array([*sure, *(1 - p for p in sure), *doubtful], dtype=np.float64)
    if not len(chances):
        return 0, 0
    tail = (1 - COVERAGE) / 2
    if len(chances) > _MOST:
        mean, spread = chances.sum(), 1.96 * math.sqrt(float((chances * (1 - chances)).sum()))
        low, high = math.floor(mean - spread), math.ceil(mean + spread)
    else:
        below = np.cumsum(_distribution(chances))
        low, high = int(np.searchsorted(below, tail)), int(np.searchsorted(below, 1 - tail))
    return max(0, min(low, count)), max(min(high, len(chances)), count)


def _distribution(chances: FloatArray) -> FloatArray:
    """(N + 1,) the probability of each number of successes."""
    of_number = np.zeros(len(chances) + 1)
    of_number[0] = 1.0
    for i, chance in enumerate(chances.tolist()):
        of_number[1 : i + 2] = of_number[1 : i + 2] * (1 - chance) + of_number[: i + 1] * chance
        of_number[0] *= 1 - chance
    return of_number
