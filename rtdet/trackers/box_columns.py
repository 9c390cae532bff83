"""Boxes as columns: corners (4, N), and centre and size, rows cx, cy, w, h (4, N); and the ways between them."""

from __future__ import annotations

import numpy as np

from rtdet.trackers.kalman import zoom
from rtdet.types import FloatArray


def to_centered(corners: FloatArray) -> FloatArray:
    """(4, N) rows cx, cy, w, h of the corners (4, N)."""
    boxes = np.empty(corners.shape)
    start, end, center = corners[:2], corners[2:], boxes[:2]
    np.subtract(end, start, out=boxes[2:])
    np.add(start, end, out=center)
    center *= 0.5
    return boxes


def to_corners(boxes: FloatArray) -> FloatArray:
    """Corners (4, N) of the rows cx, cy, w, h."""
    half = boxes[2:4] * 0.5
    corners = np.empty((4, boxes.shape[1]))
    center = boxes[:2]
    np.subtract(center, half, out=corners[:2])
    np.add(center, half, out=corners[2:])
    return corners


def direction(vector: FloatArray) -> FloatArray:
    """(2, N) vectors of length 1, or 0 where they have next to none."""
    length = np.sqrt(vector[0] ** 2 + vector[1] ** 2)
    length += 1e-6
    return np.asarray(vector / length)


def between(before: FloatArray, after: FloatArray, part: FloatArray) -> FloatArray:
    """(4, S, K) measurements of boxes on the straight line from corners (4, K) to others, each side's length too, at
    `part` (S, K) of the way."""
    ends = np.concatenate((before, after)).reshape(2, 4, -1)
    size = ends[:, 2:] - ends[:, :2]
    ends[:, :2] += size * 0.5
    ends[:, 2:] = size
    way: FloatArray = ends[0][:, None] * (1 - part)
    way += ends[1][:, None] * part
    way[2], way[3] = way[2] * way[3], way[2] / way[3]
    return way


def moved(corners: FloatArray, transform: FloatArray) -> FloatArray:
    """Corners (4, N) after the camera's step, a similarity (2, 3): centres go by it, sizes by its zoom."""
    center, half = (corners[:2] + corners[2:]) * 0.5, (corners[2:] - corners[:2]) * (0.5 * zoom(transform))
    center = transform[:, :2] @ center + transform[:, 2:]
    return np.concatenate((center - half, center + half))
