"""Box formats and overlaps, in NumPy. Boxes are (N, 4); `xyxy` is left, top, right, bottom."""

from __future__ import annotations

import numpy as np

from rtdet.types import BoolArray, FloatArray


def xyxy_to_cxcywh(boxes: FloatArray) -> FloatArray:
    """Corners to centre and size."""
    size = boxes[..., 2:] - boxes[..., :2]
    return np.concatenate([boxes[..., :2] + size / 2, size], axis=-1)


def cxcywh_to_xyxy(boxes: FloatArray) -> FloatArray:
    """Centre and size to corners."""
    half = boxes[..., 2:] / 2
    return np.concatenate([boxes[..., :2] - half, boxes[..., :2] + half], axis=-1)


def xyxy_to_ltwh(boxes: FloatArray) -> FloatArray:
    """Corners to left, top, width, height."""
    return np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], axis=-1)


def ltwh_to_xyxy(boxes: FloatArray) -> FloatArray:
    """Left, top, width, height to corners."""
    return np.concatenate([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], axis=-1)


def area(boxes: FloatArray) -> FloatArray:
    """(N,) areas; an inverted box has none."""
    size = np.maximum(boxes[..., 2:] - boxes[..., :2], 0)
    return np.asarray(size[..., 0] * size[..., 1])


def iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """(N, M) intersection over union (Jaccard index) of every box of `a` (N, 4) with every one of `b`
    (M, 4). Two boxes without area overlap by 0."""
    # Coordinate by coordinate: NumPy is slow along an axis of two.
    corners = np.ascontiguousarray(a.T)
    others = corners if b is a else np.ascontiguousarray(b.T)
    intersection = _shared(corners, others, 0)
    intersection *= _shared(corners, others, 1)
    size = _area(corners)
    union = size[:, None] + (size if others is corners else _area(others))
    union -= intersection
    has_area = union > 0
    if np.count_nonzero(has_area) < has_area.size:
        intersection, union = np.where(has_area, intersection, 0.0), np.where(has_area, union, 1.0)
    return np.asarray(intersection / union)


def _shared(a: FloatArray, b: FloatArray, axis: int) -> FloatArray:
    """(N, M) how much corners (4, N) and (4, M) share of an axis, 0 for x and 1 for y."""
    shared: FloatArray = np.minimum(a[2 + axis][:, None], b[2 + axis])
    shared -= np.maximum(a[axis][:, None], b[axis])
    return np.maximum(shared, 0, out=shared)


def _area(corners: FloatArray) -> FloatArray:
    size = np.maximum(corners[2:] - corners[:2], 0)
    return np.asarray(size[0] * size[1])


def paired_iou(a: FloatArray, b: FloatArray) -> FloatArray:
    """(N,) intersection over union of each box of `a` (N, 4) with that of `b` (N, 4) in its place; 0 where neither
    has area."""
    sides = np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None)
    intersection = sides[:, 0] * sides[:, 1]
    union = area(a) + area(b) - intersection
    return np.asarray(np.divide(intersection, union, out=np.zeros(len(union)), where=union > 0))


def diou(a: FloatArray, b: FloatArray, exponent: float = 1.0) -> FloatArray:
    """(N, M) distance-IoU: the IoU less the distance of the centres, squared, over the squared diagonal of the box
    around both, to the power of `exponent` (Zheng et al. 2020, arXiv:1911.08287; the exponent is Darknet's
    beta_nms)."""
    around = np.maximum(a[:, None, 2:], b[None, :, 2:]) - np.minimum(a[:, None, :2], b[None, :, :2])
    apart = (a[:, None, :2] + a[:, None, 2:] - b[None, :, :2] - b[None, :, 2:]) / 2
    diagonal, distance = (around**2).sum(axis=-1), (apart**2).sum(axis=-1)
    share = np.divide(distance, diagonal, out=np.zeros_like(distance), where=diagonal > 0)
    return np.asarray(iou(a, b) - share**exponent)


def clip(boxes: FloatArray, width: float, height: float) -> FloatArray:
    """The boxes cut off at the borders of a picture."""
    return np.asarray(np.clip(boxes, 0, np.array([width, height, width, height], dtype=np.float64)))


def is_valid(boxes: FloatArray, width: float | None = None, height: float | None = None) -> BoolArray:
    """(N,) mask of boxes that are finite, have area, and (with a size) touch the picture."""
    are_finite: BoolArray = np.asarray(np.isfinite(boxes))
    safe = boxes
    if not are_finite.all():  # next to never
        safe = np.where(are_finite.all(axis=-1, keepdims=True), boxes, 0.0)  # which has no area
    ok: BoolArray = (safe[:, 2] > safe[:, 0]) & (safe[:, 3] > safe[:, 1])
    if width is not None and height is not None:
        ok &= (safe[:, 0] < width) & (safe[:, 1] < height) & (safe[:, 2] > 0) & (safe[:, 3] > 0)
    return np.asarray(ok)
