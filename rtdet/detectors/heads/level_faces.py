"""Face detectors with outputs for each of the strides 8, 16 and 32: YuNet of 2023, and SCRFD.

YuNet (Wu et al. 2023, doi:10.1007/s11633-023-1423-y): cls, obj, box and points of each cell; the score is the root of
cls times obj, boxes are as YOLOX's. Input: BGR, 0 to 255. SCRFD (Guo et al. 2021, arXiv:2105.04714): score,
distances to the four sides in strides, and maybe points, for two anchors at each cell's corner. Input: RGB, (x
- 127.5) / 128.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.grid import STRIDES, make_grid
from rtdet.detectors.heads.head import Candidates, Head, Match
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.types import FloatArray

FORM_YUNET = "cls, obj (1, A, 1), box (1, A, 4), points (1, A, 10) of each of the strides 8, 16, 32"
FORM_SCRFD = "scores (A, 1), distances (A, 4) and maybe points (A, 10) of each of the strides 8, 16, 32"


@dataclass(frozen=True)
class _Columns:
    """Outputs of one kind, one for each stride."""

    ones: tuple[tuple[int, ...], ...]
    boxes: tuple[int, ...]
    anchors: int


def _columns(graph: Graph) -> _Columns | None:
    """The outputs of each stride: those of one number for each cell, and the one of four; None where it is unlike."""
    rows = [
        (shape[-2] if len(shape) in (2, 3) else None, shape[-1] if shape else None) for shape in graph.shapes
    ]
    for anchors in (1, 2):
        ones: list[tuple[int, ...]] = []
        boxes: list[int] = []
        for stride in STRIDES:
            count = len(make_grid(graph.size, (stride,))) * anchors
            of_stride = [i for i, row in enumerate(rows) if row[0] == count]
            ones.append(tuple(i for i in of_stride if rows[i][1] == 1))
            boxes.extend(i for i in of_stride if rows[i][1] == 4)
        if len(boxes) == len(STRIDES) and len({len(one) for one in ones}) == 1 and ones[0]:
            return _Columns(tuple(ones), tuple(boxes), anchors)
    return None


def recognize_yunet(graph: Graph) -> Match | None:
    """By twelve outputs: two scores, a box and points for each cell of each stride."""
    found = _columns(graph)
    if found is None or len(graph.outputs) != 12 or len(found.ones[0]) != 2 or found.anchors != 1:
        return None
    head = YunetHead(
        input=InputSpec.of("bgr", "0..255", "corner", 0),
        class_count=1,
        class_names=("face",),
        columns=found,
        follows_size=True,
        ignored="five points of each face",
    )
    return Match(head, 0.95, "cls, obj, box and points of three strides")


def recognize_scrfd(graph: Graph) -> Match | None:
    """By six or nine outputs: a score, distances and maybe points for each anchor of each stride."""
    found = _columns(graph)
    if found is None or len(graph.outputs) not in (6, 9) or len(found.ones[0]) != 1:
        return None
    head = ScrfdHead(
        input=InputSpec("rgb", (127.5,) * 3, (128.0,) * 3, "corner", 0),
        class_count=1,
        class_names=("face",),
        columns=found,
        follows_size=True,
        ignored="five points of each face" if len(graph.outputs) == 9 else "",
    )
    return Match(head, 0.9, "a score and distances for each anchor of three strides")


@dataclass(frozen=True, kw_only=True)
class _FaceHead(Head):
    """columns: which outputs are what."""

    columns: _Columns

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        boxes, scores = [], []
        for level, stride in enumerate(STRIDES):
            cells = make_grid(size, (stride,)).cells.repeat(self.columns.anchors, axis=0)
            factors = [np.asarray(outputs[i], dtype=np.float64).reshape(-1) for i in self.columns.ones[level]]
            score = np.clip(np.prod(factors, axis=0), 0, 1) ** (1 / len(factors))
            keep = np.flatnonzero(score >= least_score)
            raw = np.asarray(outputs[self.columns.boxes[level]], dtype=np.float64).reshape(-1, 4)[keep]
            boxes.append(self.corners(raw, cells[keep]) * stride)
            scores.append(score[keep])
        all_scores = np.concatenate(scores)
        return Candidates(np.concatenate(boxes), all_scores, np.zeros(len(all_scores), dtype=np.int64))

    def corners(self, raw: FloatArray, cells: FloatArray) -> FloatArray:
        """(N, 4) xyxy in strides."""
        raise NotImplementedError

    def fits(self, shapes: tuple[Dimensions, ...], size: Size) -> bool:
        counts = [len(make_grid(size, (stride,))) * self.columns.anchors for stride in STRIDES]
        return all(shapes[i][-2] == count for i, count in zip(self.columns.boxes, counts, strict=True))


class YunetHead(_FaceHead):
    """Offsets of the centre from the cell, logarithms of the size."""

    def corners(self, raw: FloatArray, cells: FloatArray) -> FloatArray:
        center, half = cells + raw[:, :2], np.exp(np.minimum(raw[:, 2:], 20.0)) / 2
        return np.concatenate([center - half, center + half], axis=1)


class ScrfdHead(_FaceHead):
    """Distances to left, top, right, bottom."""

    def corners(self, raw: FloatArray, cells: FloatArray) -> FloatArray:
        return np.concatenate([cells - raw[:, :2], cells + raw[:, 2:]], axis=1)
