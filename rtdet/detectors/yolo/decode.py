"""YOLOX's anchor-free output (Ge et al. 2021, arXiv:2107.08430) to boxes, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rtdet.types import FloatArray, IntArray

STRIDES = (8, 16, 32)
STRIDES_P6 = (8, 16, 32, 64)


@dataclass(frozen=True)
class Grid:
    """Where each of the A rows of an output sits: cells (A, 2) x and y, strides (A, 1) in input pixels."""

    cells: FloatArray
    strides: FloatArray

    def __len__(self) -> int:
        return len(self.cells)


@lru_cache(maxsize=16)
def make_grid(size: tuple[int, int], strides: tuple[int, ...] = STRIDES) -> Grid:
    """The rows for an input of `size` (width, height): one for each cell of each level, row by row."""
    cells, steps = [], []
    for stride in strides:
        columns, rows = size[0] // stride, size[1] // stride
        y, x = np.mgrid[:rows, :columns]
        cells.append(np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float64))
        steps.append(np.full((rows * columns, 1), float(stride)))
    return Grid(np.concatenate(cells), np.concatenate(steps))


def grid_for(size: tuple[int, int], rows: int) -> Grid | None:
    """The grid with so many rows, of three levels or (P6 models) four; None if neither has them."""
    for strides in (STRIDES, STRIDES_P6):
        grid = make_grid(size, strides)
        if len(grid) == rows:
            return grid
    return None


def is_decoded(rows: npt.NDArray[np.float32], grid: Grid) -> bool:
    """Whether the exporter put the decoding into the network. Undecoded centres are offsets of a cell or
    so; decoded ones are pixels near their own cell's centre. `rows` (A, 5+C) of any picture tells."""
    center = (grid.cells + 0.5) * grid.strides
    as_pixels = np.median(np.abs(rows[:, :2] - center) / grid.strides)
    as_offsets = np.median(np.abs(rows[:, :2] - 0.5))
    return bool(as_pixels < as_offsets)


def decode(rows: npt.NDArray[np.float32], grid: Grid, index: IntArray, *, decoded: bool) -> FloatArray:
    """(N, 4) xyxy input pixels of the rows `index` of an output (A, 5+C).

    centre = (offset + cell) * stride, size = exp(log size) * stride (section 2.1 and its code).
    """
    raw = rows[index, :4].astype(np.float64)
    center, size = raw[:, :2], raw[:, 2:]
    if not decoded:
        strides = grid.strides[index]
        center = (center + grid.cells[index]) * strides
        size = np.exp(np.minimum(size, 20.0)) * strides  # e^20 is past any picture, and short of infinity
    return np.concatenate([center - size / 2, center + size / 2], axis=1)


def best_classes(rows: npt.NDArray[np.float32], confidence: float) -> tuple[IntArray, FloatArray, IntArray]:
    """The rows of an output (A, 5+C) whose objectness times best class score reaches `confidence`: their
    indices, scores and labels. Class scores are only read where the objectness alone is high enough."""
    index = np.flatnonzero(rows[:, 4] >= confidence)
    classes = rows[index, 5:]
    labels = classes.argmax(axis=1)
    scores = rows[index, 4].astype(np.float64) * classes[np.arange(len(index)), labels]
    keep = scores >= confidence
    return index[keep], scores[keep], labels[keep].astype(np.int64)
