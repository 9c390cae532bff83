"""Mixes pictures: pastes in a window of another picture (CutMix) or objects of another one, and hides parts."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from rtdet.geometry.boxes import area, iou
from rtdet.training.labeled import FILL, Labeled, clip_to, move, together
from rtdet.types import FloatArray, Image, IntArray

Window = tuple[int, int, int, int]


def cut_mix(base: Labeled, other: Labeled, rng: np.random.Generator) -> Labeled:
    """A window of `other`, which has the size of `base`, in the same place of `base`, with its objects: CutMix
    (Yun et al. 2019, arXiv 1905.04899) as YOLOv4 has it, for boxes instead of mixed class labels."""
    width, height = base.size
    w, h = (int(rng.uniform(0.25, 0.6) * side) for side in (width, height))
    left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    window = (left, top, left + w, top + h)
    image = base.image.copy()
    image[top : top + h, left : left + w] = other.image[top : top + h, left : left + w]
    within = other.cut(*clip_to(other.boxes, window))
    return together(image, [cover(base, window), within])


def cover(picture: Labeled, window: Window) -> Labeled:
    """The picture's boxes after something opaque was laid over a window of it.

    A box that is covered over its whole height or width is trimmed to what is left; others keep their outline,
    as an object does that is partly hidden.
    """
    boxes = picture.boxes.copy()
    left, top, right, bottom = window
    hidden, share = clip_to(boxes, window)
    for row in np.flatnonzero(area(hidden) > 0):
        x1, y1, x2, y2 = picture.boxes[row]
        if top <= y1 and bottom >= y2:
            boxes[row, 0], boxes[row, 2] = (right if left <= x1 else x1), (left if right >= x2 else x2)
        if left <= x1 and right >= x2:
            boxes[row, 1], boxes[row, 3] = (bottom if top <= y1 else y1), (top if bottom >= y2 else y2)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
    return picture.cut(boxes, 1 - share)


def paste_objects(base: Labeled, donor: Labeled, rng: np.random.Generator, most: int = 3) -> Labeled:
    """Some whole objects of `donor`, cut out by their boxes and rescaled, put where they hide no other object.

    Edges are hard or soft at random, so that a network learns the object and not the seam (Dwibedi et al.
    2017, arXiv 1708.01642). Objects stay near their height in the picture: cars do not fly.
    """
    rows = _free_standing(donor)
    rng.shuffle(rows)
    fit = min(base.size[0] / donor.size[0], base.size[1] / donor.size[1])
    pasted = base
    for row in rows[: int(rng.integers(1, most + 1))]:
        scale = fit * float(np.exp(rng.uniform(np.log(0.5), np.log(1.6))))
        box = donor.boxes[row]
        size = np.maximum((box[2:] - box[:2]) * scale, 1).round().astype(int)
        spot = _free_spot(pasted, size, float(box[3] / donor.size[1]), rng)
        if spot is None:
            continue
        x, y = spot
        image = _blend(
            pasted.image, donor.image, box, (x, y, x + size[0], y + size[1]), bool(rng.random() < 0.5)
        )
        placed = replace(donor.take([row]), boxes=np.array([[x, y, *(spot + size)]], dtype=np.float64))
        covered = cover(pasted, (x, y, x + int(size[0]), y + int(size[1])))
        pasted = replace(together(image, [covered, placed]), incomplete=base.incomplete)
    return pasted


def _free_standing(donor: Labeled) -> IntArray:
    """Rows of sure objects, not tiny, that no other box of the donor overlaps much."""
    sides = (donor.boxes[:, 2:] - donor.boxes[:, :2]).min(axis=1, initial=np.inf)
    rows = np.flatnonzero(~donor.ignored & (sides >= 12) & (donor.scores >= 0.5))[:64]
    if not len(rows):
        return rows
    overlap = iou(donor.boxes[rows], donor.boxes)
    overlap[np.arange(len(rows)), rows] = 0
    alone: IntArray = rows[overlap.max(axis=1, initial=0) < 0.15]
    return alone


def _free_spot(picture: Labeled, size: IntArray, foot: float, rng: np.random.Generator) -> IntArray | None:
    """(x, y) of a place for a box of `size` whose lower edge is near `foot` (a share of the height)."""
    width, height = picture.size
    if size[0] > 0.8 * width or size[1] > 0.8 * height or size.min() < 6:
        return None
    for _ in range(6):
        x = int(rng.integers(width - size[0] + 1))
        bottom = (foot + rng.normal(0, 0.08)) * height
        y = int(np.clip(bottom - size[1], 0, height - size[1]))
        _, hidden = clip_to(picture.boxes, (x, y, x + size[0], y + size[1]))
        if hidden.max(initial=0) < 0.3:
            return np.array([x, y])
    return None


def _blend(onto: Image, donor: Image, box: FloatArray, window: Window, soft: bool) -> Image:
    x1, y1, x2, y2 = window
    left, top = np.floor(box[:2]).astype(int)
    right, bottom = np.ceil(box[2:]).astype(int)
    patch = donor[max(0, top) : bottom, max(0, left) : right]
    interpolation = cv2.INTER_AREA if x2 - x1 < patch.shape[1] else cv2.INTER_LINEAR
    patch = np.asarray(cv2.resize(patch, (x2 - x1, y2 - y1), interpolation=interpolation))
    image = onto.copy()
    view = image[y1:y2, x1:x2]
    if soft:
        mask = np.zeros(patch.shape[:2], dtype=np.float32)
        edge = max(1, min(patch.shape[:2]) // 12)
        mask[edge : -edge or None, edge : -edge or None] = 1
        mask = cv2.blur(mask, (2 * edge + 1, 2 * edge + 1))[..., None]
        patch = (patch * mask + view * (1 - mask)).astype(np.uint8)
    view[:] = patch
    return image


def erase(picture: Labeled, rng: np.random.Generator, most: int = 2) -> Labeled:
    """Hides a part of some objects behind a patch (random erasing, Zhong et al. 2017, arXiv 1708.04896), so that
    a half hidden object is still one. The boxes keep their outlines."""
    rows = np.flatnonzero(~picture.ignored)
    if not len(rows):
        return picture
    image = picture.image.copy()
    for row in rng.permutation(rows)[: int(rng.integers(1, most + 1))]:
        x1, y1, x2, y2 = picture.boxes[row]
        w, h = rng.uniform(0.2, 0.6, 2) * (x2 - x1, y2 - y1)
        x, y = rng.uniform((x1, y1), (x2 - w, y2 - h))
        view = image[int(y) : int(y + h), int(x) : int(x + w)]
        kind = int(rng.integers(3))
        if kind == 0:
            view[:] = FILL
        elif kind == 1:
            view[:] = rng.integers(0, 256, 3)
        else:
            view[:] = rng.integers(0, 256, view.shape)
    return replace(picture, image=image)


def flip(picture: Labeled) -> Labeled:
    """Mirrored left to right."""
    boxes = move(picture, (-1, 1), (picture.size[0], 0))[:, [2, 1, 0, 3]]
    return replace(picture, image=np.ascontiguousarray(picture.image[:, ::-1]), boxes=boxes)
