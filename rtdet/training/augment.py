"""Augmentation: cuts, scales, mixes and recolours pictures together with their boxes.

Mosaic is YOLOv4's (Bochkovskiy et al. 2020, arXiv 2004.10934): four pictures around a random point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import cv2
import numpy as np

from rtdet.errors import UnknownNameError
from rtdet.training.color import PLAIN, ColorConfig, recolor
from rtdet.training.labeled import FILL, Labeled, clip_to, move, together
from rtdet.training.mixing import cut_mix, erase, flip, paste_objects
from rtdet.types import FloatArray, Image

__all__ = ["FILL", "RECIPES", "Augment", "AugmentConfig", "Labeled", "Recipe", "open_recipe"]


@dataclass(frozen=True)
class AugmentConfig:
    """Probabilities, and ranges of zoom relative to the picture fitted into the input. `squeeze`: a side may be
    stretched against the other by up to exp(squeeze)."""

    mosaic: float = 0.5
    cutmix: float = 0.1
    paste: float = 0.25
    erase: float = 0.1
    flip: float = 0.5
    zoom: tuple[float, float] = (0.5, 1.8)
    mosaic_zoom: tuple[float, float] = (0.4, 1.3)
    squeeze: float = 0.12
    color: ColorConfig = field(default_factory=ColorConfig)


YOLO = AugmentConfig(
    cutmix=0.25, paste=0, erase=0, zoom=(0.7, 1.4), squeeze=0.3,
    color=replace(PLAIN, hue=0.1, saturation=0.5, value=0.5),
)  # fmt: skip
NOTHING = AugmentConfig(
    mosaic=0, cutmix=0, paste=0, erase=0, flip=0, zoom=(1, 1), mosaic_zoom=(1, 1), squeeze=0, color=PLAIN
)


class Recipe(Protocol):
    """Makes a training picture of one size. Every random choice comes from `rng`."""

    def make(
        self, first: Labeled, another: Callable[[], Labeled], rng: np.random.Generator, *, plain: bool
    ) -> Labeled:
        """Out of a picture and, where pictures are mixed, others. plain: no mixing and milder changes, as in the
        last part of a training, when the network should see pictures nearly as they will be."""
        ...


def open_recipe(name: str, size: tuple[int, int], *, stretch: bool = False) -> Recipe:
    """The recipe of a name in RECIPES for inputs of size (width, height). Raises UnknownNameError."""
    try:
        return RECIPES[name](size, stretch)
    except KeyError:
        raise UnknownNameError("augmentation", name, RECIPES) from None


def _ssd(size: tuple[int, int], stretch: bool) -> Recipe:
    from rtdet.training.ssd_augment import SsdAugment

    return SsdAugment(size)


# full: everything here. yolo: YOLOv4's mosaic, CutMix, flip and colours. ssd: SSD's own. none: as they are.
RECIPES: Mapping[str, Callable[[tuple[int, int], bool], Recipe]] = {
    "full": lambda size, stretch: Augment(size, stretch=stretch),
    "yolo": lambda size, stretch: Augment(size, YOLO, stretch=stretch),
    "ssd": _ssd,
    "none": lambda size, stretch: Augment(size, NOTHING, stretch=stretch),
}


class Augment:
    """Makes training pictures of one size by a seeded generator. stretch: the picture fills the input, as for
    networks of one input size; else its aspect is kept."""

    def __init__(
        self, size: tuple[int, int], config: AugmentConfig | None = None, *, stretch: bool = False
    ) -> None:
        self.size, self.stretch = size, stretch
        self.config = config or AugmentConfig()

    def make(
        self, first: Labeled, another: Callable[[], Labeled], rng: np.random.Generator, *, plain: bool
    ) -> Labeled:
        if plain:
            return self._finish(self._one(first, rng, mild=True), rng)
        config = self.config
        mosaic, cutmix, paste = rng.random(3) < [config.mosaic, config.cutmix, config.paste]
        if mosaic:
            made = self._four([first, another(), another(), another()], rng)
        else:
            made = self._one(first, rng)
        if cutmix:
            made = cut_mix(made, self._one(another(), rng), rng)
        if paste:
            made = paste_objects(made, another(), rng)
        return self._finish(made, rng)

    def mosaic(self, pictures: Sequence[Labeled], rng: np.random.Generator) -> Labeled:
        """Four pictures, each shown in one quadrant around a random point."""
        return self._finish(self._four(pictures, rng), rng)

    def single(self, picture: Labeled, rng: np.random.Generator) -> Labeled:
        """One picture at a random scale and place."""
        return self._finish(self._one(picture, rng), rng)

    def _four(self, pictures: Sequence[Labeled], rng: np.random.Generator) -> Labeled:
        canvas = self._canvas()
        width, height = self.size
        x = int(rng.uniform(0.3, 0.7) * width)
        y = int(rng.uniform(0.3, 0.7) * height)
        windows = [(0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]
        zoom = self.config.mosaic_zoom
        parts = [self._place(canvas, p, w, zoom, rng) for p, w in zip(pictures, windows, strict=True)]
        return together(canvas, parts)

    def _one(self, picture: Labeled, rng: np.random.Generator, *, mild: bool = False) -> Labeled:
        canvas = self._canvas()
        low, high = self.config.zoom
        zoom = (low**0.5, high**0.75) if mild else (low, high)
        return together(canvas, [self._place(canvas, picture, (0, 0, *self.size), zoom, rng)])

    def _canvas(self) -> Image:
        return np.full((self.size[1], self.size[0], 3), FILL, dtype=np.uint8)

    def _place(
        self,
        canvas: Image,
        picture: Labeled,
        window: tuple[int, int, int, int],
        zoom: tuple[float, float],
        rng: np.random.Generator,
    ) -> Labeled:
        """Draws the picture, scaled and shifted, into the window of the canvas; returns its boxes there."""
        left, top, right, bottom = window
        w, h = picture.size
        fit_x, fit_y = self.size[0] / w, self.size[1] / h
        if not self.stretch:
            fit_x = fit_y = min(fit_x, fit_y)
        scale = float(np.exp(rng.uniform(np.log(zoom[0]), np.log(zoom[1]))))
        squeeze = float(np.exp(rng.uniform(-self.config.squeeze, self.config.squeeze)))
        sx, sy = fit_x * scale * squeeze, fit_y * scale / squeeze
        # Anywhere that keeps the picture over the window, or within it where it is smaller.
        dx = left + rng.uniform(0, 1) * (right - left - w * sx)
        dy = top + rng.uniform(0, 1) * (bottom - top - h * sy)
        shift = np.array([[sx, 0, dx - left], [0, sy, dy - top]])
        flags = cv2.INTER_AREA if max(sx, sy) < 0.6 else cv2.INTER_LINEAR
        view = canvas[top:bottom, left:right]
        view[:] = _warp(picture.image, shift, (right - left, bottom - top), flags)
        return picture.cut(*clip_to(move(picture, (sx, sy), (dx, dy)), window))

    def _finish(self, made: Labeled, rng: np.random.Generator) -> Labeled:
        mirrored, hidden = rng.random(2) < [self.config.flip, self.config.erase]
        if mirrored:
            made = flip(made)
        made = replace(made, image=recolor(made.image, self.config.color, rng))
        return erase(made, rng) if hidden else made


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
