"""Prior (default) boxes: where an SSD looks, before it has seen anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtdet.types import FloatArray


@dataclass(frozen=True)
class PriorLevel:
    """The priors of one feature map.

    stride: input pixels per cell. scale: side of the square prior in input pixels.
    aspect_ratios: width / height of each prior of a cell, all of area scale². extra_scale: side of one
    more square prior, in SSD the geometric mean of this level's scale and the next one's.
    """

    stride: int
    scale: float
    aspect_ratios: tuple[float, ...] = (1.0,)
    extra_scale: float | None = None

    @property
    def per_cell(self) -> int:
        return len(self.aspect_ratios) + (self.extra_scale is not None)

    def sizes(self) -> FloatArray:
        """(per_cell, 2) width and height in input pixels."""
        shapes = [(self.scale * r**0.5, self.scale / r**0.5) for r in self.aspect_ratios]
        if self.extra_scale is not None:
            shapes.append((self.extra_scale, self.extra_scale))
        return np.array(shapes, dtype=np.float64)


def make_priors(levels: Sequence[PriorLevel], input_size: tuple[int, int]) -> FloatArray:
    """(P, 4) cxcywh in input pixels for an input of (width, height), level by level, row by row, cell by
    cell; the priors of a cell are neighbours. A map has ceil(size / stride) cells a side, as padded stride-2
    convolutions give, and centres sit in the middle of their cell."""
    width, height = input_size
    rows = []
    for level in levels:
        across, down = -(-width // level.stride), -(-height // level.stride)
        y, x = np.mgrid[:down, :across]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 1, 2) + 0.5) * level.stride
        sizes = level.sizes()
        centres = np.broadcast_to(centres, (len(centres), len(sizes), 2))
        sizes = np.broadcast_to(sizes, centres.shape)
        rows.append(np.concatenate([centres, sizes], axis=-1).reshape(-1, 4))
    return np.concatenate(rows).astype(np.float64)
