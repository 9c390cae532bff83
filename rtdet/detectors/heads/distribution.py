"""Generalised focal loss's boxes (Li et al. 2020, arXiv:2006.04388): each side's distance as a distribution.

A side of a box is the mean of R+1 distances 0 to R, weighted by the softmax of R+1 numbers, in strides from the
cell's reference point. NanoDet, PicoDet and YOLOv8's undecoded maps have it. An output is a level's scores or its
distances, (1, N, K) or (1, K, H, W), or both side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.grid import make_grid, sigmoid
from rtdet.detectors.heads.head import Candidates, Head, Probe
from rtdet.detectors.heads.input_spec import Size
from rtdet.types import FloatArray

Values = npt.NDArray[np.float32]
# 4 sides times R+1, for the R that were ever published: 7, 10, 15, 16.
SIDES = (32, 44, 64, 68)
_STRIDES = ((8, 16, 32), (8, 16, 32, 64), (8, 16, 32, 64, 128))


@dataclass(frozen=True)
class Levels:
    """Which outputs hold what. strides: of the levels. scores, distances: by level, the index of an output, and which
    of its columns."""

    strides: tuple[int, ...]
    scores: tuple[int, ...]
    distances: tuple[int, ...]
    score_columns: slice
    distance_columns: slice


def find_levels(graph: Graph) -> Levels | None:
    """The levels of a network whose outputs are scores and distances, apart or side by side; None for another."""
    rows = [_rows_and_columns(shape, graph.size) for shape in graph.shapes]
    if any(one is None for one in rows) or not rows:
        return None
    known = [one for one in rows if one is not None]
    for strides in _STRIDES:
        counts = [len(make_grid(graph.size, (stride,))) for stride in strides]
        if len(known) == 2 * len(strides):
            found = _apart(known, counts, strides, [port.name.lower() for port in graph.outputs])
        elif len(known) == len(strides):
            found = _side_by_side(known, counts, strides)
        elif len(known) == 1 and known[0][0] == sum(counts):
            found = _all_in_one(known[0][1], strides)
        else:
            continue
        if found is not None:
            return found
    return None


def _rows_and_columns(shape: Dimensions, size: Size) -> tuple[int, int] | None:
    """(N, K) of a level's output."""
    if None in shape or not shape or shape[0] != 1:
        return None
    sides = [side or 0 for side in shape]
    if len(sides) == 3:
        return sides[1], sides[2]
    return (sides[2] * sides[3], sides[1]) if len(sides) == 4 else None


def _apart(
    known: list[tuple[int, int]], counts: list[int], strides: tuple[int, ...], names: list[str]
) -> Levels | None:
    widths = sorted({columns for _, columns in known})
    groups = {width: [i for i, (_, columns) in enumerate(known) if columns == width] for width in widths}
    if len(widths) == 1 and widths[0] in SIDES:  # as many classes as numbers of a box: their order tells
        half = len(known) // 2
        groups = {0: list(range(half)), widths[0]: list(range(half, len(known)))}
    elif len(widths) != 2 or not set(widths) & set(SIDES):
        return None
    of_boxes = [width for width in groups if width in SIDES]
    named = [
        w
        for w in of_boxes
        if any("dis" in names[i] or "reg" in names[i] or "box" in names[i] for i in groups[w])
    ]
    boxes = (named or of_boxes)[0] if len(of_boxes) > 1 else of_boxes[0]
    scores = next(width for width in groups if width != boxes)
    ordered = [_by_level(groups[width], known, counts) for width in (scores, boxes)]
    if ordered[0] is None or ordered[1] is None:
        return None
    return Levels(strides, ordered[0], ordered[1], slice(None), slice(None))


def _by_level(group: list[int], known: list[tuple[int, int]], counts: list[int]) -> tuple[int, ...] | None:
    ordered = sorted(group, key=lambda i: -known[i][0])
    return tuple(ordered) if [known[i][0] for i in ordered] == counts else None


def _side_by_side(known: list[tuple[int, int]], counts: list[int], strides: tuple[int, ...]) -> Levels | None:
    ordered = _by_level(list(range(len(known))), known, counts)
    if ordered is None or len({columns for _, columns in known}) != 1:
        return None
    columns = known[0][1]
    if columns <= 64:
        return None
    return Levels(
        strides, ordered, ordered, slice(64, None), slice(0, 64)
    )  # YOLOv8's: distances, then classes


def _all_in_one(columns: int, strides: tuple[int, ...]) -> Levels | None:
    if columns <= 32:
        return None
    sides = 44 if columns - 44 == 80 else 32
    split = columns - sides
    return Levels(
        strides, (0,), (0,), slice(0, split), slice(split, None)
    )  # NanoDet's: classes, then distances


@dataclass(frozen=True, kw_only=True)
class DistributionHead(Head):
    """levels: which outputs hold what. reference: where in a cell distances are measured from, in strides.
    has_logits: scores are not through the sigmoid."""

    levels: Levels
    reference: float = 0.5
    has_logits: bool = False

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        scores = self._joined(outputs, self.levels.scores, self.levels.score_columns)
        if self.has_logits:
            scores = sigmoid(scores)
        labels = scores.argmax(axis=1)
        best = scores[np.arange(len(scores)), labels]
        index = np.flatnonzero(best >= least_score)
        distances = self._joined(outputs, self.levels.distances, self.levels.distance_columns)[index]
        grid = make_grid(size, self.levels.strides)
        sides = expected_distances(distances) * grid.strides[index]
        point = (grid.cells[index] + self.reference) * grid.strides[index]
        boxes = np.concatenate([point - sides[:, :2], point + sides[:, 2:]], axis=1)
        return Candidates(boxes, best[index].astype(np.float64), labels[index])

    def _joined(self, outputs: Outputs, which: Sequence[int], columns: slice) -> Values:
        """(A, K), all levels under one another."""
        parts = [outputs[i][0] for i in which]
        rows = [part.reshape(len(part), -1).T if part.ndim == 3 else part for part in parts]
        return np.concatenate(rows)[:, columns]

    def settled(self, probe: Probe) -> Head | None:
        scores = self._joined(probe.gray, self.levels.scores, self.levels.score_columns)
        return replace(self, has_logits=bool((scores < -1e-3).any() or (scores > 1 + 1e-3).any()))

    def fits(self, shapes: tuple[Dimensions, ...], size: Size) -> bool:
        rows = [_rows_and_columns(shapes[i], size) for i in self.levels.scores]
        return sum(one[0] for one in rows if one) == len(make_grid(size, self.levels.strides))


def expected_distances(numbers: Values) -> FloatArray:
    """(N, 4) means of the distributions (N, 4 (R+1))."""
    sides = numbers.reshape(len(numbers), 4, numbers.shape[1] // 4).astype(np.float64)
    weights = np.exp(sides - sides.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    return np.asarray(weights @ np.arange(sides.shape[2], dtype=np.float64))
