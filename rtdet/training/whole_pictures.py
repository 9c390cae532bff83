"""Training pictures for a classifier: each shows one thing, and is looked at as a whole.

The cuts are Inception's (Szegedy et al. 2015, arXiv 1409.4842, section 6): a part of random area and aspect.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from rtdet.datasets.classified import Classified
from rtdet.datasets.sample import read_picture
from rtdet.errors import UnknownNameError
from rtdet.training.augment import Recipe
from rtdet.training.color import ColorConfig, recolor
from rtdet.training.labeled import Labeled
from rtdet.training.mixing import flip
from rtdet.training.pictures import Budget, KeptPicture, Picture
from rtdet.types import Image

# What is kept of a picture, as a share of the input: cuts are enlarged no further than that.
_ROOM = 1.5
# Of the short side, what is seen when it is measured, as in AlexNet and all that came after: 224 of 256 pixels.
_CENTER = 0.875

Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class CutConfig:
    """area: shares of the picture that a cut has, aspect: of its width to its height. mild_area: in the last part of
    a training."""

    area: tuple[float, float] = (0.25, 1.0)
    mild_area: tuple[float, float] = (0.6, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    color: ColorConfig = field(default_factory=ColorConfig)


class Cut:
    """Makes a training picture of one size (width, height) of a random part of a picture."""

    def __init__(self, size: tuple[int, int], config: CutConfig | None = None) -> None:
        self.size, self.config = size, config or CutConfig()

    def make(
        self, first: Labeled, another: Callable[[], Labeled], rng: np.random.Generator, *, plain: bool
    ) -> Labeled:
        config = self.config
        area = config.mild_area if plain else config.area
        made = _whole(
            _resized(first.image, _random_window(first.size, area, config.aspect, rng), self.size), first
        )
        if rng.random() < config.flip:
            made = flip(made)
        return _whole(recolor(made.image, config.color, rng), made)


class Center:
    """Shows each picture as it will be measured."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size

    def make(
        self, first: Labeled, another: Callable[[], Labeled], rng: np.random.Generator, *, plain: bool
    ) -> Labeled:
        return _whole(center(first.image, self.size), first)


# full: cuts, flips and colours as cameras make them. none: as they are.
RECIPES: Mapping[str, Callable[[tuple[int, int]], Recipe]] = {"full": Cut, "none": Center}


def open_recipe(name: str, size: tuple[int, int]) -> Recipe:
    """The recipe of a name in RECIPES. Raises UnknownNameError."""
    if name not in RECIPES:
        raise UnknownNameError("augmentation of a classifier", name, RECIPES)
    return RECIPES[name](size)


def center(image: Image, size: tuple[int, int]) -> Image:
    """The middle of a picture at one size (width, height): seven eighths of what of that aspect fits into it."""
    height, width = image.shape[:2]
    scale = _CENTER * min(width / size[0], height / size[1])
    w, h = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    left, top = (width - w) // 2, (height - h) // 2
    return _resized(image, (left, top, left + w, top + h), size)


def open_whole_pictures(data: Classified, size: tuple[int, int], budget: Budget) -> list[Picture]:
    """Each picture with its class, as one object that fills it. Raise UsageError for one that cannot be decoded."""
    short_side = round(_ROOM * max(size))
    return [
        _WholePicture(path, label, short_side, budget)
        for path, label in zip(data.paths, data.labels, strict=True)
    ]


class _WholePicture(KeptPicture):
    def __init__(self, path: Path, label: int, short_side: int, budget: Budget) -> None:
        super().__init__(budget)
        self._path, self._label, self._short_side = path, label, short_side

    def _read(self) -> Labeled:
        image = read_picture(self._path)
        height, width = image.shape[:2]
        shrink = min(1.0, self._short_side / min(width, height))
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        image = _resized(image, (0, 0, width, height), size)
        box = np.array([[0.0, 0.0, *size]])
        return Labeled(image, box, np.array([self._label]), np.zeros(1, dtype=bool), name=self._path.name)


def _random_window(
    size: tuple[int, int], area: tuple[float, float], aspect: tuple[float, float], rng: np.random.Generator
) -> Window:
    """Of a picture of `size`; where no such part fits into it after ten tries, its middle."""
    width, height = size
    for _ in range(10):
        pixels = rng.uniform(*area) * width * height
        ratio = math.exp(rng.uniform(math.log(aspect[0]), math.log(aspect[1])))
        w, h = max(1, round(math.sqrt(pixels * ratio))), max(1, round(math.sqrt(pixels / ratio)))
        if w <= width and h <= height:
            left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
            return left, top, left + w, top + h
    side_w, side_h = min(width, round(height * aspect[1])), min(height, round(width / aspect[0]))
    left, top = (width - side_w) // 2, (height - side_h) // 2
    return left, top, left + max(1, side_w), top + max(1, side_h)


def _resized(image: Image, window: Window, size: tuple[int, int]) -> Image:
    left, top, right, bottom = window
    part = image[top:bottom, left:right]
    if (part.shape[1], part.shape[0]) == size:
        return np.ascontiguousarray(part)
    shrinks = part.shape[1] > size[0] and part.shape[0] > size[1]
    flags = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(part, size, interpolation=flags), dtype=np.uint8)


def _whole(image: Image, before: Labeled) -> Labeled:
    """Of whatever part, the class stays and fills it."""
    box = np.array([[0.0, 0.0, image.shape[1], image.shape[0]]])
    return Labeled(image, box, before.labels, before.ignored, name=before.name)
