"""FastestDet and Yolo-FastestV2 (github.com/dog-qiuqiu): one small map, or rows of two.

Input of both: BGR, 0 to 1, stretched. FastestDet: (1, 5+C, H, W), objectness, offsets (through tanh), sizes (through
the sigmoid), and classes, on one level of stride 16; a score is objectness^.6 times class^.4. Yolo-FastestV2:
(N, 12+3+C), the rows of the strides 16 and 32: three boxes as YOLOv5 has them, three objectnesses, one set of
classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.backends.network import Outputs
from rtdet.detectors.heads.anchors import AnchorSet, decode_level
from rtdet.detectors.heads.exporters import usual_input
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.grid import make_grid, sigmoid
from rtdet.detectors.heads.head import Candidates, Head, Match
from rtdet.detectors.heads.input_spec import Size
from rtdet.geometry.boxes import cxcywh_to_xyxy

FORM = "(1, 5+C, H/16, W/16)"
FORM_V2 = "(N, 15+C), N the cells of the strides 16 and 32"

_OBJECTNESS, _CLASS = 0.6, 0.4
# The published anchors for COCO at 352 pixels.
_V2_ANCHORS = AnchorSet(
    "fastest v2",
    (16, 32),
    (
        ((12.64, 19.39), (37.88, 51.48), (55.71, 138.31)),
        ((126.91, 78.23), (131.57, 214.55), (279.92, 258.87)),
    ),
    squared=True,
)


def recognize(graph: Graph) -> Match | None:
    """FastestDet by its one map of stride 16."""
    width, height = graph.size
    if len(graph.shapes) != 1 or len(graph.shapes[0]) != 4:
        return None
    batch, numbers, *sides = graph.shapes[0]
    if batch != 1 or not numbers or numbers < 6 or sides != [height // 16, width // 16]:
        return None
    head = FastestDetHead(input=usual_input(graph, "bgr", "0..1", "stretch"), class_count=numbers - 5)
    return Match(head, 0.85, f"one map of stride 16 with 5+{numbers - 5} numbers")


@dataclass(frozen=True, kw_only=True)
class FastestDetHead(Head):
    """(1, 5+C, H, W)."""

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        numbers, height, width = outputs[0][0].shape
        rows = outputs[0][0].reshape(numbers, -1).T.astype(np.float64)
        labels = rows[:, 5:].argmax(axis=1)
        best = rows[np.arange(len(rows)), 5 + labels]
        scores = np.clip(rows[:, 0], 0, 1) ** _OBJECTNESS * np.clip(best, 0, 1) ** _CLASS
        index = np.flatnonzero(scores >= least_score)
        cells = np.stack([index % width, index // width], axis=1)
        steps = np.array(size) / np.array([width, height])
        center = (np.tanh(rows[index, 1:3]) + cells) * steps
        extent = sigmoid(rows[index, 3:5].astype(np.float32)).astype(np.float64) * np.array(size)
        boxes = cxcywh_to_xyxy(np.concatenate([center, extent], axis=1))
        return Candidates(boxes, scores[index], labels[index])


def recognize_v2(graph: Graph) -> Match | None:
    """Yolo-FastestV2 by the rows of two levels."""
    if len(graph.shapes) != 1:
        return None
    shape = graph.shapes[0][1:] if len(graph.shapes[0]) == 3 else graph.shapes[0]
    if len(shape) != 2 or shape[0] != len(make_grid(graph.size, _V2_ANCHORS.strides)) or (shape[1] or 0) < 16:
        return None
    classes = (shape[1] or 0) - 15
    head = FastestV2Head(input=usual_input(graph, "bgr", "0..1", "stretch"), class_count=classes)
    return Match(head, 0.9, f"rows of two levels with three boxes and {classes} classes each")


@dataclass(frozen=True, kw_only=True)
class FastestV2Head(Head):
    """(N, 12+3+C), all of it through the sigmoid, or the softmax for classes."""

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        rows = outputs[0].reshape(-1, outputs[0].shape[-1])
        labels = rows[:, 15:].argmax(axis=1)
        best = rows[np.arange(len(rows)), 15 + labels].astype(np.float64)
        scores = rows[:, 12:15] * best[:, None]
        row, which = np.nonzero(scores >= least_score)
        grid = make_grid(size, _V2_ANCHORS.strides)
        boxes = np.zeros((len(row), 4))
        offsets = rows[:, :12].reshape(-1, 3, 4)[row, which]
        for level, stride in enumerate(_V2_ANCHORS.strides):
            here = grid.strides[row, 0] == stride
            boxes[here] = decode_level(offsets[here], _V2_ANCHORS, level, grid.cells[row[here]], which[here])
        return Candidates(cxcywh_to_xyxy(boxes), scores[row, which], labels[row])
