"""The same picture at many sizes, so that a window of one size meets objects of all."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from rtdet.detectors.family.grids import cell_corners, from_center
from rtdet.detectors.slidingwindow.config import SIDE, STEP, Shape, shrinking


def pyramid(images: Tensor, shapes: Sequence[Shape]) -> list[Tensor]:
    """Pictures (B, 3, H, W) as a level for each of the window shapes (width, height) in pixels: of a size at which
    such a window is SIDE x SIDE. Levels have a border of half a window of zeros, so that windows are centred on every
    part of the picture, its edges included."""
    halves: dict[tuple[int, int], Tensor] = {}
    levels = []
    for width, height in shapes:
        (across, scale_x), (down, scale_y) = shrinking(width), shrinking(height)
        if (across, down) not in halves:
            # A mean of pixels first: interpolation alone would skip some.
            halves[across, down] = F.avg_pool2d(images, (2**down, 2**across)) if across or down else images
        level = F.interpolate(
            halves[across, down], scale_factor=(scale_y, scale_x), mode="bilinear", align_corners=False
        )
        levels.append(F.pad(level, [SIDE // 2] * 4))
    return levels


def windows_of(answers: Tensor, shape: Shape) -> Tensor:
    """(N, 4) xyxy in input pixels, row by row: the windows of which a level's answers (B, values, rows, columns) are,
    each STEP pixels of the level from the next. shape: theirs, (width, height)."""
    size = answers.new_tensor(shape)
    centers = cell_corners(answers) * (size * (STEP / SIDE))
    return from_center(centers, size)


def cut_out(level: Tensor, rows: Tensor, columns: int) -> Tensor:
    """(K, 3, SIDE, SIDE): what the windows `rows` (K,) of one picture's level (3, h, w) show. columns: windows in a
    row of the level."""
    places = [(STEP * (row // columns), STEP * (row % columns)) for row in rows.tolist()]
    cut = [level[:, top : top + SIDE, left : left + SIDE] for top, left in places]
    return torch.stack(cut) if cut else level.new_zeros(0, level.shape[0], SIDE, SIDE)
