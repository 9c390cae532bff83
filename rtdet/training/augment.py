"""What the network gets to see: pictures cut, scaled, mixed and recoloured, with their boxes.

Mosaic is YOLOv4's (Bochkovskiy et al. 2020, arXiv 2004.10934): four pictures around a random point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rtdet.types import BoolArray, FloatArray, Image, IntArray

FILL = 114
# A box cut to less than this share of its area no longer shows its object.
MIN_VISIBLE = 0.25
MIN_SIDE = 3.0


@dataclass(frozen=True, eq=False)
class Labelled:
    """A picture with its boxes (G, 4) xyxy, labels (G,) and ignored rows (G,)."""

    image: Image
    boxes: FloatArray
    labels: IntArray
    ignored: BoolArray


@dataclass(frozen=True)
class AugmentConfig:
    """Probabilities and ranges. `zoom` is relative to the picture fitted into the input."""

    mosaic: float = 0.5
    flip: float = 0.5
    zoom: tuple[float, float] = (0.5, 1.8)
    mosaic_zoom: tuple[float, float] = (0.4, 1.3)
    hue: float = 0.015
    saturation: float = 0.6
    value: float = 0.4
    grey: float = 0.05
    blur: float = 0.1
    noise: float = 0.05


class Augment:
    """Makes training pictures of one size from a list of labelled ones, by a seeded generator."""

    def __init__(self, size: tuple[int, int], config: AugmentConfig | None = None) -> None:
        self.size = size
        self.config = config or AugmentConfig()

    def mosaic(self, pictures: Sequence[Labelled], rng: np.random.Generator) -> Labelled:
        """Four pictures, each shown in one quadrant around a random point."""
        width, height = self.size
        canvas = np.full((height, width, 3), FILL, dtype=np.uint8)
        x = int(rng.uniform(0.3, 0.7) * width)
        y = int(rng.uniform(0.3, 0.7) * height)
        windows = [(0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]
        parts = []
        for picture, window in zip(pictures, windows, strict=True):
            parts.append(self._place(canvas, picture, window, self.config.mosaic_zoom, rng))
        return self._finish(canvas, parts, rng)

    def single(self, picture: Labelled, rng: np.random.Generator) -> Labelled:
        """One picture at a random scale and place."""
        width, height = self.size
        canvas = np.full((height, width, 3), FILL, dtype=np.uint8)
        part = self._place(canvas, picture, (0, 0, width, height), self.config.zoom, rng)
        return self._finish(canvas, [part], rng)

    def _place(
        self,
        canvas: Image,
        picture: Labelled,
        window: tuple[int, int, int, int],
        zoom: tuple[float, float],
        rng: np.random.Generator,
    ) -> tuple[FloatArray, IntArray, BoolArray]:
        """Draws the picture, scaled and shifted, into the window of the canvas; returns its boxes there."""
        left, top, right, bottom = window
        h, w = picture.image.shape[:2]
        fit = min(self.size[0] / w, self.size[1] / h)
        scale = fit * float(np.exp(rng.uniform(np.log(zoom[0]), np.log(zoom[1]))))
        stretch = float(np.exp(rng.uniform(-0.12, 0.12)))
        sx, sy = scale * stretch, scale / stretch
        # Anywhere that keeps the picture over the window, or within it where it is smaller.
        dx = left + rng.uniform(0, 1) * (right - left - w * sx)
        dy = top + rng.uniform(0, 1) * (bottom - top - h * sy)
        shift = np.array([[sx, 0, dx - left], [0, sy, dy - top]])
        flags = cv2.INTER_AREA if max(sx, sy) < 0.6 else cv2.INTER_LINEAR
        view = canvas[top:bottom, left:right]
        view[:] = _warp(picture.image, shift, (right - left, bottom - top), flags)
        moved = picture.boxes * [sx, sy, sx, sy] + [dx, dy, dx, dy]
        clipped = np.clip(moved, [left, top, left, top], [right, bottom, right, bottom])
        keep = _still_there(moved, clipped)
        return clipped[keep], picture.labels[keep], picture.ignored[keep]

    def _finish(
        self,
        canvas: Image,
        parts: Sequence[tuple[FloatArray, IntArray, BoolArray]],
        rng: np.random.Generator,
    ) -> Labelled:
        boxes = np.concatenate([part[0] for part in parts])
        labels = np.concatenate([part[1] for part in parts])
        ignored = np.concatenate([part[2] for part in parts])
        if rng.random() < self.config.flip:
            canvas = np.ascontiguousarray(canvas[:, ::-1])
            boxes = boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [self.size[0], 0, self.size[0], 0]
        return Labelled(self._recolour(canvas, rng), boxes, labels, ignored)

    def _recolour(self, image: Image, rng: np.random.Generator) -> Image:
        config = self.config
        gains = 1 + rng.uniform(-1, 1, 3) * [config.hue, config.saturation, config.value]
        steps = np.arange(256)
        tables = [
            (steps * gains[0]) % 180,
            np.clip(steps * gains[1], 0, 255),
            np.clip(steps * gains[2], 0, 255),
        ]
        lut = np.stack(tables, axis=-1).astype(np.uint8)[None]
        hsv = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_BGR2HSV), lut)
        image = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), dtype=np.uint8)
        if rng.random() < config.grey:
            image = np.repeat(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)
        if rng.random() < config.blur:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 1.8))), dtype=np.uint8)
        if rng.random() < config.noise:
            grain = rng.normal(0, rng.uniform(3, 15), image.shape[:2])[..., None]
            image = np.clip(image + grain, 0, 255).astype(np.uint8)
        return image


def _warp(image: Image, shift: FloatArray, size: tuple[int, int], flags: int) -> Image:
    """Affine warp of pure scale and shift; shrinks by area averaging first, which warpAffine cannot."""
    if flags == cv2.INTER_AREA:
        h, w = image.shape[:2]
        new_w, new_h = max(1, round(w * shift[0, 0])), max(1, round(h * shift[1, 1]))
        image = np.asarray(cv2.resize(image, (new_w, new_h), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        shift = shift.copy()
        shift[0, 0], shift[1, 1] = 1, 1
    warped = cv2.warpAffine(
        image, shift, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(FILL,) * 3
    )
    return np.asarray(warped, dtype=np.uint8)


def _still_there(before: FloatArray, after: FloatArray) -> BoolArray:
    sides = after[:, 2:] - after[:, :2]
    area = np.prod(before[:, 2:] - before[:, :2], axis=1)
    return np.asarray(
        (sides.min(axis=1, initial=np.inf) >= MIN_SIDE) & (np.prod(sides, axis=1) >= MIN_VISIBLE * area)
    )
