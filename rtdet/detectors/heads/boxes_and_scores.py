"""Decoded boxes and class scores as two tensors: YOLO-NAS, and YOLOv4 as PyTorch's ports export it.

Boxes (1, A, 4) or (1, A, 1, 4) are corners, in pixels or in fractions of the input; scores (1, A, C) have no
objectness. YOLO-NAS has a row for each cell of the strides 8, 16, 32, and takes RGB, 0 to 1, with its aspect kept at
the top left; YOLOv4 three for each cell, and takes RGB, 0 to 1, stretched.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs
from rtdet.detectors.heads.exporters import usual_input
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.grid import grid_for, make_grid
from rtdet.detectors.heads.head import Candidates, Head, Match, Probe
from rtdet.detectors.heads.input_spec import Size

FORM = "boxes (1, A, 4) and scores (1, A, C), A the cells of the strides 8, 16, 32 or three times as many"


def recognize(graph: Graph) -> Match | None:
    """By two outputs with a row for each cell, or for each of three anchors."""
    shapes = [_without_ones(shape) for shape in graph.shapes]
    if len(shapes) != 2 or any(len(shape) != 2 or None in shape for shape in shapes):
        return None
    (rows, _), (other_rows, _) = shapes
    boxes = next((i for i, shape in enumerate(shapes) if shape[1] == 4), None)
    if rows != other_rows or rows is None or boxes is None:
        return None
    per_cell = _per_cell(graph.size, rows)
    classes = shapes[1 - boxes][1]
    if per_cell is None or classes is None:
        return None
    head = BoxesAndScoresHead(
        input=usual_input(graph, "rgb", "0..1", "corner" if per_cell == 1 else "stretch"),
        class_count=classes,
        follows_size=per_cell == 1,
        gives_pixels=True,
        boxes=boxes,
        per_cell=per_cell,
    )
    return Match(head, 0.85, f"boxes and {classes} scores for {per_cell} in each cell")


def _without_ones(shape: Dimensions) -> Dimensions:
    """(A, K) of (1, A, K) or (1, A, 1, K)."""
    if len(shape) == 4 and shape[2] == 1:
        shape = (shape[0], shape[1], shape[3])
    return shape[1:] if len(shape) == 3 and shape[0] == 1 else shape


def _per_cell(size: Size, rows: int) -> int | None:
    if grid_for(size, rows) is not None:
        return 1
    levels = ((8, 16, 32), (16, 32))
    return 3 if any(rows == 3 * len(make_grid(size, strides)) for strides in levels) else None


@dataclass(frozen=True, kw_only=True)
class BoxesAndScoresHead(Head):
    """boxes: which output has them. in_fractions: they are parts of the input's sides."""

    boxes: int
    per_cell: int
    in_fractions: bool = False

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        boxes = outputs[self.boxes].reshape(-1, 4)
        scores = outputs[1 - self.boxes].reshape(len(boxes), -1)
        labels = scores.argmax(axis=1)
        best = scores[np.arange(len(scores)), labels]
        index = np.flatnonzero(best >= least_score)
        scale = np.array(size * 2, dtype=np.float64) if self.in_fractions else 1.0
        return Candidates(boxes[index] * scale, best[index].astype(np.float64), labels[index])

    def settled(self, probe: Probe) -> Head | None:
        in_fractions = bool(np.quantile(np.abs(probe.gray[self.boxes]), 0.98) <= 2.0)
        return replace(self, in_fractions=in_fractions, gives_pixels=not in_fractions)

    def fits(self, shapes: tuple[Dimensions, ...], size: Size) -> bool:
        rows = _without_ones(shapes[self.boxes])[0]
        return rows is not None and _per_cell(size, rows) == self.per_cell
