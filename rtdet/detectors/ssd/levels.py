"""The priors of the SSDs that papers describe, map by map.

Scales are fractions of the input's side, as the papers give them. Liu et al. 2016 (arXiv 1512.02325), section
2.2: the scales grow evenly from .2 to .9, the first map having .1, and each cell has one more square prior of
scale sqrt(s_k s_k+1). After the last map's scale comes the whole picture, 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rtdet.detectors.ssd.priors import PriorLevel

# Aspect ratios of cells with 4 and with 6 priors, the extra one included.
FOUR = (1.0, 2.0, 1 / 2)
SIX = (1.0, 2.0, 1 / 2, 3.0, 1 / 3)

# The paper's own for the larger network (section 3.1): one map more, and small objects first.
SSD512_SCALES = (0.07, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05)
TORCHVISION_SCALES = (0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05)
TORCHVISION_STRIDES = (8, 16, 32, 64, 100, 300)
SSDLITE_STRIDES = (16, 32, 64, 128, 256, 512)

Size = tuple[int, int]


def vgg_sides(side: int) -> list[int]:
    """Cells a side of each map of an SSD on VGG-16 for a square input, down to one: 38, 19, 10, 5, 3, 1 for
    300 and 64, 32, 16, 8, 4, 2, 1 for 512. See `vgg.extra_layer` for the layers that give them."""
    sides = [-(-side // 8), -(-side // 16)]
    while sides[-1] > 1:
        last = sides[-1]
        sides.append(last - 2 if last in (3, 5) else -(-last // 2))
    return sides


def vgg_levels(side: int) -> tuple[PriorLevel, ...]:
    """SSD300 for 300 (8732 priors), SSD512 for 512 (24564), and their like for other square inputs."""
    sides = vgg_sides(side)
    scales = SSD512_SCALES if side == 512 else even_scales(len(sides))
    return _levels([-(-side // cells) for cells in sides], scales, (side, side))


def backbone_levels(strides: Sequence[int], size: Size) -> tuple[PriorLevel, ...]:
    """For maps at the strides of a backbone and of extra layers behind it."""
    return _levels(strides, even_scales(len(strides)), size)


def torchvision_ssd300_levels() -> tuple[PriorLevel, ...]:
    """What torchvision's ssd300_vgg16 was trained with: its centres are a stride apart."""
    return _levels(TORCHVISION_STRIDES, TORCHVISION_SCALES, (300, 300), even=False, extra_second=True)


def ssdlite_levels(size: Size = (320, 320)) -> tuple[PriorLevel, ...]:
    """Six priors a cell on six maps, scales evenly from .2 to .95 (MobileNetV2, arXiv 1801.04381, and
    torchvision)."""
    scales = [0.2 + 0.75 * k / 5 for k in range(6)] + [1.0]
    return _levels(SSDLITE_STRIDES, scales, size, per_cell=(6,) * 6, extra_second=True)


def even_scales(maps: int) -> tuple[float, ...]:
    """Scales of each map and, last, of what comes after: .1, .2, .375, .55, .725, .9, 1 for six maps. With
    fewer than five the steps would be too wide for the .1, and all are spread from .2."""
    first = [0.1] if maps >= 5 else []
    spread = maps - len(first)
    return (*first, *(0.2 + 0.7 * k / max(1, spread - 1) for k in range(spread)), 1.0)


def _levels(
    strides: Sequence[int],
    scales: Sequence[float],
    size: Size,
    *,
    per_cell: Sequence[int] | None = None,
    even: bool = True,
    extra_second: bool = False,
) -> tuple[PriorLevel, ...]:
    side = math.sqrt(size[0] * size[1])
    count = len(strides)
    per_cell = per_cell or [6 if 0 < i < count - 2 else 4 for i in range(count)]
    return tuple(
        PriorLevel(
            stride,
            scale * side,
            SIX if priors == 6 else FOUR,
            math.sqrt(scale * following) * side,
            extra_second=extra_second,
            even=even,
            clipped=True,
        )
        for stride, scale, following, priors in zip(strides, scales, scales[1:], per_cell, strict=False)
    )
