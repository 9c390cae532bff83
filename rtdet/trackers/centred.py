"""Boxes as columns: corners (4, N), and centre and size, rows cx, cy, w, h (4, N)."""

from __future__ import annotations

import numpy as np

from rtdet.types import FloatArray


def to_centred(corners: FloatArray) -> FloatArray:
    """(4, N) rows cx, cy, w, h of the corners (4, N)."""
    boxes = np.empty_like(corners)
    np.subtract(corners[2:], corners[:2], out=boxes[2:])
    np.add(corners[:2], corners[2:], out=boxes[:2])
    boxes[:2] *= 0.5
    return boxes


def to_corners(boxes: FloatArray) -> FloatArray:
    """Corners (4, N) of the rows cx, cy, w, h."""
    half = boxes[2:4] * 0.5
    corners = np.empty((4, boxes.shape[1]))
    np.subtract(boxes[:2], half, out=corners[:2])
    np.add(boxes[:2], half, out=corners[2:])
    return corners
