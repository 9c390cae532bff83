"""Where one object was at all times, from all that was seen of it: Kalman filter forward, RTS smoother back.

An object is described by its centre and the logarithms of its width and height, each of constant velocity: four
pairs that do not mix. Logarithms, so that sides stay above 0, and a noise is a part of the size as it is for the
centre. The numbers below are the same for every object; a distance is counted in sizes of the object
(square root of its box's area).
"""

from __future__ import annotations

import numpy as np

from rtdet.tracks.offline.kalman import most_likely
from rtdet.tracks.table import FARTHEST, TrackTable
from rtdet.types import BoolArray, FloatArray, IntArray

# Standard deviations: of a seen centre, and of the logarithm of a seen side.
CENTER_NOISE = 0.05
SIDE_NOISE = 0.05
# By how much a velocity changes within a second (standard deviation): of the centre, in sizes a second, and of
# a side, in its logarithm a second.
CENTER_AGILITY = 0.75
SIDE_AGILITY = 0.5
# Standard deviation of a velocity before anything is known of it: so large that it does not count, and a
# straight way stays straight from its first row on.
FIRST_VELOCITY = 1e3

# An object moves by at most this much from one row to the next, in sizes, and in sizes a second on top of that.
FARTHEST_STEP = 1.0
FASTEST = 10.0

_SHORTEST_SIDE = 0.01
# A box that is larger or smaller than usual by more than this is not the object: the noise grows no further.
_MOST_GROWTH = 10.0


def to_values(boxes: FloatArray) -> FloatArray:
    """(N, 4) centre x and y, logarithm of width and height. Sides under a hundredth of a pixel count as that."""
    side = np.maximum(boxes[:, 2:] - boxes[:, :2], _SHORTEST_SIDE)
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, np.log(side)], axis=1)


def to_boxes(values: FloatArray) -> FloatArray:
    """(N, 4) xyxy of the values; at most as far away as a table holds."""
    half = np.exp(values[:, 2:]) / 2
    boxes = np.concatenate([values[:, :2] - half, values[:, :2] + half], axis=1)
    return np.asarray(np.clip(boxes, -FARTHEST, FARTHEST))


def was_seen(table: TrackTable, rows: IntArray) -> BoolArray:
    """(N,) which of these rows of a track were seen, neither predicted nor filled in (a score of 0). The first and
    the last row always count, and every row where none was seen."""
    seen: BoolArray = np.asarray((table.scores[rows] != 0) & table.values["seen"][rows])
    if not seen.any():
        seen[:] = True
    seen[[0, -1]] = True
    return seen


def within(sizes: IntArray, boxes: FloatArray) -> FloatArray:
    """The boxes (N, 4) without what lies beyond their picture, of `sizes` (N, 2); 0 is a size that is not known."""
    limit = np.where(sizes > 0, sizes, np.inf)
    start = np.where(sizes > 0, 0.0, -np.inf)
    return np.clip(boxes, np.tile(start, 2), np.tile(limit, 2))


def can_be_one(before: FloatArray, after: FloatArray, elapsed_s: FloatArray) -> BoolArray:
    """(N,) whether an object can have moved from one box to the other in the time; boxes are (N, 4), times (N,).

    Where it cannot, an ID went over to another object: there is no way between the two to be found out.
    """
    first, second = to_values(before), to_values(after)
    size = np.exp((first[:, 2:] + second[:, 2:]).mean(axis=1) / 2)
    away = np.hypot(*(second[:, :2] - first[:, :2]).T)
    return np.asarray(away <= size * (FARTHEST_STEP + FASTEST * elapsed_s))


def smoothed(seconds: FloatArray, boxes: FloatArray, seen: BoolArray) -> FloatArray:
    """The most likely boxes (N, 4) of a track, given all those that were seen.

    seconds (N,) rise; boxes (N, 4) xyxy; seen (N,), of which the first and the last are True. The box of a row
    that was not seen counts only for the object's size there. Where the ID went over to another object, each
    part stands alone. Rauch, Tung, Striebel 1965.
    """
    result = boxes.copy()
    at = np.flatnonzero(seen)
    is_break = ~can_be_one(boxes[at[:-1]], boxes[at[1:]], np.diff(seconds[at]))
    starts, ends = [0, *at[1:][is_break]], [*at[:-1][is_break], len(seconds) - 1]
    for start, end in zip(starts, ends, strict=True):
        if end > start:
            part = slice(start, end + 1)
            result[part] = _smoothed_part(seconds[part], boxes[part], seen[part])
    return result


def _smoothed_part(seconds: FloatArray, boxes: FloatArray, seen: BoolArray) -> FloatArray:
    """The same of one object. Its sides stay within what was seen of them."""
    values = to_values(boxes)
    size = np.exp(values[:, 2:].mean(axis=1))
    # From the first centre on and in sizes of the object, so that the numbers are near 1 wherever it is.
    origin, scale = values[0, :2], float(np.median(size))
    unit = np.ones_like(values)
    unit[:, :2] = np.clip(size / scale, 1 / _MOST_GROWTH, _MOST_GROWTH)[:, None]
    most_likely = _filtered(seconds, np.hstack([(values[:, :2] - origin) / scale, values[:, 2:]]), unit, seen)
    sides = np.clip(most_likely[:, 2:], values[seen, 2:].min(axis=0), values[seen, 2:].max(axis=0))
    return to_boxes(np.hstack([most_likely[:, :2] * scale + origin, sides]))


def _filtered(seconds: FloatArray, values: FloatArray, unit: FloatArray, seen: BoolArray) -> FloatArray:
    """The most likely values (N, 4), of which one is `unit` (N, 4) large."""
    dt = np.diff(seconds, prepend=seconds[0]).tolist()
    variance = (unit * (CENTER_NOISE, CENTER_NOISE, SIDE_NOISE, SIDE_NOISE)) ** 2
    power = (unit * (CENTER_AGILITY, CENTER_AGILITY, SIDE_AGILITY, SIDE_AGILITY)) ** 2
    first = (FIRST_VELOCITY * unit[0]) ** 2
    columns = [
        most_likely(dt, value.tolist(), noise.tolist(), agility.tolist(), seen.tolist(), float(velocity))
        for value, noise, agility, velocity in zip(values.T, variance.T, power.T, first, strict=True)
    ]
    return np.array(columns).T
