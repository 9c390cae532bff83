"""The settings of a sliding window, and the name that can be trained. Free of torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from rtdet.detectors.family.config import FamilyConfig, Size, variants

# The classifier's window, and how far the next one is, in pixels of a level.
SIDE, STEP = 16, 4
# A level's sides are whole pixels, on every machine the same: 96 times 4/3 is 128, and not a hair less.
_HAIR = 1e-6

Shape = tuple[float, float]


def shrinking(side: float) -> tuple[int, float]:
    """By how much a picture becomes smaller along a side, so that `side` of its pixels become SIDE: how often it is
    halved, and what it is scaled by after that, over a half."""
    halvings = max(0, math.floor(math.log2(side / SIDE)))
    return halvings, SIDE / side * 2**halvings * (1 + _HAIR)


def grid_of(size: Size, shape: Shape) -> Size:
    """How many windows of a shape there are in a row and in a column of an input, both (width, height)."""
    counts = []
    for pixels, side in zip(size, shape, strict=True):
        halvings, scale = shrinking(side)
        counts.append(math.floor(pixels // 2**halvings * scale) // STEP + 1)
    return counts[0], counts[1]


@dataclass(frozen=True)
class SlidingWindowConfig(FamilyConfig):
    """widths: channels of the classifier's layers. sizes, ratios: of the windows; the square root of their area in
    input pixels, and height over width. Each next window is a quarter of it further on.

    overlap, background: a window that overlaps an object by the first shows it, one that overlaps none by the second
    shows none, and of those between nothing is learnt. samples, foreground: windows of a picture that it learns from,
    and the most that show an object, as a share. scanned: the share of the pictures of a step that are looked at as a
    whole with what is known so far; of the windows of these without an object, the share `mined` of those that it
    learns from are hard negatives: those most taken for an object. All others are drawn at random.

    refine: it also says how an object's box differs from the window, as OverFeat does; without it a box is a window.
    thin_out: detections of a class that overlap by more are one.
    """

    family: ClassVar[str] = "slidingwindow"

    widths: tuple[int, int, int, int] = (12, 16, 32, 96)
    sizes: tuple[float, ...] = (12.0, 18.0, 27.0, 40.0, 60.0, 90.0, 135.0, 200.0)
    ratios: tuple[float, ...] = (2.0, 1.0, 0.5)
    overlap: float = 0.6
    background: float = 0.5
    samples: int = 256
    foreground: float = 0.25
    scanned: float = 0.25
    mined: float = 0.75
    refine: bool = False
    thin_out: float = 0.3

    @property
    def shapes(self) -> list[Shape]:
        """(width, height) of the windows in input pixels, size by size."""
        return [(size / ratio**0.5, size * ratio**0.5) for size in self.sizes for ratio in self.ratios]

    @property
    def most_overlap(self) -> float:
        return self.thin_out


VARIANTS = variants(
    SlidingWindowConfig,
    {
        "slidingwindow-n": (
            "A small classifier in a window that slides over the picture, at every size: how it began",
            {},
        ),
    },
)
