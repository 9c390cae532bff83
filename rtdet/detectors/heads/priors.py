"""The priors of networks that give offsets from them, by how many there are and the input's size: (A, 4) cxcywh."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from rtdet.detectors.heads.input_spec import Size
from rtdet.types import FloatArray


def cell_centers(columns: int, rows: int) -> FloatArray:
    """(rows * columns, 2) centres of cells in fractions, row by row."""
    y, x = np.mgrid[:rows, :columns]
    return (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) / (columns, rows)


@lru_cache(maxsize=8)
def squares_on_levels(size: Size, strides: tuple[int, ...], sides: tuple[tuple[int, ...], ...]) -> FloatArray:
    """Square priors of the given sides (pixels) in the cells of each level, in fractions of `size`: RetinaFace's, and
    the first YuNet's. A level has as many cells as its stride fits, the last one cut off or not."""
    levels = []
    for stride, of_level in zip(strides, sides, strict=True):
        columns, rows = -(-size[0] // stride), -(-size[1] // stride)
        y, x = np.mgrid[:rows, :columns]
        center = (np.stack([x, y], axis=-1).reshape(-1, 1, 2) + 0.5) * stride / np.array(size)
        shape = np.array([(side / size[0], side / size[1]) for side in of_level])
        both = np.broadcast_arrays(center, shape[None])
        levels.append(np.concatenate(both, axis=2).reshape(-1, 4))
    return np.concatenate(levels)


def _face_mask() -> FloatArray:
    """AIZOO's FaceMaskDetection (MIT): two squares and two upright shapes in each cell of five levels."""
    levels = []
    sides = ((0.04, 0.056), (0.08, 0.11), (0.16, 0.22), (0.32, 0.45), (0.64, 0.72))
    for cells, (first, second) in zip((33, 17, 9, 5, 3), sides, strict=True):
        shapes = [(first, first), (second, second)]
        shapes += [(first * ratio**0.5, first / ratio**0.5) for ratio in (0.62, 0.42)]
        levels.append(_in_every_cell(cells, shapes))
    return np.concatenate(levels)


def _in_every_cell(cells: int, shapes: Sequence[tuple[float, float]]) -> FloatArray:
    center = cell_centers(cells, cells)[:, None]
    both = np.broadcast_arrays(center, np.array(shapes)[None])
    return np.concatenate(both, axis=2).reshape(-1, 4)


@lru_cache(maxsize=8)
def known_priors(count: int, size: Size) -> FloatArray | None:
    """The priors of a published SSD with so many of them at such an input; None where it is not known."""
    if count == 5972 and size == (260, 260):
        return _face_mask()
    if count == 8732 and size == (300, 300):
        return _ssd300()
    return None


def _ssd300() -> FloatArray:
    """SSD300 for COCO and VOC (Liu et al. 2016, section 2.2), as its PyTorch ports order them: the small square, the
    large one, then the pairs of ratios."""
    levels = []
    smallest = (30, 60, 111, 162, 213, 264, 315)
    for level, cells in enumerate((38, 19, 10, 5, 3, 1)):
        side, larger = smallest[level] / 300, smallest[level + 1] / 300
        shapes = [(side, side), ((side * larger) ** 0.5,) * 2]
        for ratio in (2,) if level in (0, 4, 5) else (2, 3):
            shapes += [(side * ratio**0.5, side / ratio**0.5), (side / ratio**0.5, side * ratio**0.5)]
        levels.append(_in_every_cell(cells, [(w, h) for w, h in shapes]))
    return np.concatenate(levels)
