"""BlazeFace (Bazarevsky et al. 2019, arXiv:1907.05047) and the other SSDs of MediaPipe: palms, people.

For each anchor a score and the numbers of a box with some key points: 16 (a face), 18 (a palm), 12 (a person), in one
pair of outputs or in one for each of two levels. Centres are offsets in pixels of the input from the anchor's,
sizes are pixels. Input: RGB, letterboxed, -1 to 1 (palms: 0 to 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rtdet.backends.network import Outputs
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.grid import sigmoid
from rtdet.detectors.heads.head import Candidates, Head, Match
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.detectors.heads.priors import cell_centers
from rtdet.geometry.boxes import cxcywh_to_xyxy
from rtdet.types import FloatArray

FORM = "boxes with points (1, 896, 16) and scores (1, 896, 1), in one piece or two"

_CLASS = {16: "face", 18: "hand", 12: "person"}
# By the number of anchors: (cells of a side, anchors in each) of the levels.
_LEVELS = {
    896: ((16, 2), (8, 6)),
    2304: ((48, 1),),
    2016: ((24, 2), (12, 6)),
    2944: ((32, 2), (16, 2), (8, 6)),
    2254: ((28, 2), (14, 2), (7, 6)),
}


def recognize(graph: Graph) -> Match | None:
    """By the number of its anchors, and of the numbers of each."""
    shapes = graph.shapes
    if not all(len(shape) == 3 and shape[1] and shape[2] for shape in shapes) or len(graph.inputs) != 1:
        return None
    scores = sorted(
        (i for i, shape in enumerate(shapes) if shape[2] == 1), key=lambda i: -(shapes[i][1] or 0)
    )
    boxes = sorted(
        (i for i, shape in enumerate(shapes) if shape[2] in _CLASS), key=lambda i: -(shapes[i][1] or 0)
    )
    counts = [shapes[i][1] for i in scores]
    total = sum(count or 0 for count in counts)
    if total not in _LEVELS or counts != [shapes[i][1] for i in boxes]:
        return None
    width = shapes[boxes[0]][2] or 0
    values = "0..1" if width == 18 else "-1..1"
    head = BlazeHead(
        input=InputSpec.of("rgb", values, "letterbox", 0),
        class_count=1,
        class_names=(_CLASS[width],),
        boxes=tuple(boxes),
        scores=tuple(scores),
        gives_pixels=True,
        ignored=f"{(width - 4) // 2} points of each {_CLASS[width]}",
    )
    return Match(head, 0.95, f"{total} anchors with {width} numbers each")


@lru_cache(maxsize=8)
def _anchors(count: int) -> FloatArray:
    return np.concatenate([cell_centers(cells, cells).repeat(each, axis=0) for cells, each in _LEVELS[count]])


@dataclass(frozen=True, kw_only=True)
class BlazeHead(Head):
    """boxes, scores: which outputs, the level with the most anchors first."""

    boxes: tuple[int, ...]
    scores: tuple[int, ...]

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        scores = sigmoid(np.concatenate([outputs[i].reshape(-1) for i in self.scores]))
        keep = np.flatnonzero(scores >= least_score)
        rows = np.concatenate([outputs[i][0] for i in self.boxes])[keep, :4].astype(np.float64)
        rows[:, :2] += _anchors(len(scores))[keep] * np.array(size)
        labels = np.zeros(len(keep), dtype=np.int64)
        return Candidates(cxcywh_to_xyxy(rows), scores[keep].astype(np.float64), labels)
