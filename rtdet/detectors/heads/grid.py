"""The cells of a picture that one-stage heads predict for, and what is common to decoding them, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
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


def grid_for(
    size: tuple[int, int], rows: int, levels: Sequence[tuple[int, ...]] = (STRIDES, STRIDES_P6)
) -> Grid | None:
    """The grid with so many rows, of one of the choices of `levels`: three, or (P6 models) four; None if none has
    them."""
    for strides in levels:
        grid = make_grid(size, strides)
        if len(grid) == rows:
            return grid
    return None


def best_classes(rows: npt.NDArray[np.float32], confidence: float) -> tuple[IntArray, FloatArray, IntArray]:
    """The rows of an output (A, 5+C) whose objectness times best class score reaches `confidence`: their
    indices, scores and labels. Class scores are only read where the objectness alone is high enough."""
    index = np.flatnonzero(rows[:, 4] >= confidence)
    classes = rows[index, 5:]
    labels = classes.argmax(axis=1)
    scores = rows[index, 4].astype(np.float64) * classes[np.arange(len(index)), labels]
    keep = scores >= confidence
    return index[keep], scores[keep], labels[keep].astype(np.int64)


def sigmoid(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """1 / (1 + e^-x), without overflow."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -60, 60))), dtype=np.float32)
