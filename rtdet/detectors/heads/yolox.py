"""YOLOX (Ge et al. 2021, arXiv:2107.08430).

Input: BGR, 0 to 255, the picture at the top left, the rest 114. Output (1, A, 5+C): for each cell of the strides 8,
16, 32 (and 64 in P6 models) the centre and size, the objectness and C class scores, undecoded as YOLOX's own export
leaves them or decoded; which of the two is found out by running it once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs
from rtdet.detectors.heads.exporters import noted_names
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.grid import Grid, best_classes, grid_for
from rtdet.detectors.heads.head import Candidates, Head, Match, Probe
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.types import FloatArray, IntArray

FORM = "(1, A, 5+C), A the cells of the strides 8, 16, 32"

_INPUT = InputSpec.of("bgr", "0..255", "corner")

# YOLOX-nano and -tiny were trained at 416 and the larger ones at 640; their files differ as clearly.
_SMALL_INPUT, _LARGE_INPUT, _LARGE_FILE = 416, 640, 25_000_000


def recognize(graph: Graph) -> Match | None:
    """YOLOX by one output with a row for each cell."""
    shapes = graph.shapes
    if len(shapes) != 1 or len(shapes[0]) != 3 or shapes[0][0] != 1:
        return None
    _, rows, columns = shapes[0]
    if rows is None or columns is None or columns < 6 or grid_for(graph.size, rows) is None:
        return None
    head = YoloxHead(
        input=_INPUT,
        class_count=columns - 5,
        follows_size=True,
        long_side=_LARGE_INPUT if graph.path.stat().st_size > _LARGE_FILE else _SMALL_INPUT,
    )
    names = noted_names(graph)
    return Match(
        head,
        0.4 if names and len(names) != columns - 5 else 0.9,
        f"a row of 5+{columns - 5} numbers for each cell",
    )


@dataclass(frozen=True, kw_only=True)
class YoloxHead(Head):
    """is_decoded: whether the exporter put the decoding into the network."""

    is_decoded: bool = False

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        rows = outputs[0][0]
        grid = grid_for(size, len(rows))
        assert grid is not None
        index, scores, labels = best_classes(rows, least_score)
        return Candidates(decode(rows, grid, index, decoded=self.is_decoded), scores, labels)

    def settled(self, probe: Probe) -> Head:
        rows = probe.gray[0][0]
        grid = grid_for(probe.size, len(rows))
        assert grid is not None
        decoded = is_decoded(rows, grid)
        head = replace(self, is_decoded=decoded, gives_pixels=decoded)
        if decoded and bool((rows[:, 4] == 1).all()) and self.input == _INPUT:
            # YOLOv6 (Li et al. 2022, arXiv:2209.02976) has no objectness, writes 1 there, and takes other pictures.
            return replace(head, input=InputSpec.of("rgb", "0..1", "letterbox"))
        return head

    def fits(self, shapes: tuple[Dimensions, ...], size: Size) -> bool:
        rows = shapes[0][1]
        return rows is not None and grid_for(size, rows) is not None


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
