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
    more square prior, in SSD the geometric mean of this level's scale and the next one's; it is the last of
    its cell, or with extra_second the second, as in torchvision. even: the centres divide the input evenly,
    (cell + 0.5) / cells of the map, as in the paper; else they are `stride` apart. clipped: no prior is wider
    or higher than the input.
    """

    stride: int
    scale: float
    aspect_ratios: tuple[float, ...] = (1.0,)
    extra_scale: float | None = None
    extra_second: bool = False
    even: bool = False
    clipped: bool = False

    @property
    def per_cell(self) -> int:
        return len(self.aspect_ratios) + (self.extra_scale is not None)

    def cells(self, input_size: tuple[int, int]) -> tuple[int, int]:
        """Cells of the map (across, down): ceil(size / stride), as padded stride-2 convolutions give."""
        return -(-input_size[0] // self.stride), -(-input_size[1] // self.stride)

    def sizes(self) -> FloatArray:
        """(per_cell, 2) width and height in input pixels."""
        shapes = [(self.scale * r**0.5, self.scale / r**0.5) for r in self.aspect_ratios]
        if self.extra_scale is not None:
            place = 1 if self.extra_second else len(shapes)
            shapes.insert(place, (self.extra_scale, self.extra_scale))
        return np.array(shapes, dtype=np.float64)


def make_priors(levels: Sequence[PriorLevel], input_size: tuple[int, int]) -> FloatArray:
    """(P, 4) cxcywh in input pixels for an input of (width, height), level by level, row by row, cell by
    cell; the priors of a cell are neighbours. Centres sit in the middle of their cell."""
    rows = []
    for level in levels:
        across, down = level.cells(input_size)
        y, x = np.mgrid[:down, :across]
        step = np.array(input_size) / (across, down) if level.even else float(level.stride)
        centers = (np.stack([x, y], axis=-1).reshape(-1, 1, 2) + 0.5) * step
        sizes = level.sizes()
        if level.clipped:
            sizes = np.minimum(sizes, input_size)
        centers = np.broadcast_to(centers, (len(centers), len(sizes), 2))
        sizes = np.broadcast_to(sizes, centers.shape)
        rows.append(np.concatenate([centers, sizes], axis=-1).reshape(-1, 4))
    return np.concatenate(rows).astype(np.float64)
