"""RetinaNet (Lin et al. 2017, arXiv:1708.02002) and EfficientDet (Tan et al. 2020, arXiv:1911.09070) before NMS.

Nine anchors in each cell of the strides 8 to 128, with C class scores and four offsets each: one pair of outputs
(1, A, C) and (1, A, 4), or a pair for each level, (1, 9C, h, w) and (1, 36, h, w), maybe with channels last.
EfficientDet writes y before x, RetinaNet x before y; which anchors and which order a network has is told by its
names where they say it, else by a run: rows of neighbouring cells agree about a box only if both are right. A
third output with the anchors (1, A, 4) is used where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs
from rtdet.detectors.heads.exporters import noted_names
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.grid import sigmoid
from rtdet.detectors.heads.head import Candidates, Head, Match, Probe
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.detectors.heads.label_set import LabelSet, usual_labels
from rtdet.geometry.boxes import iou
from rtdet.types import FloatArray, IntArray

FORM = "scores (1, A, C) and boxes (1, A, 4), or both by level, nine anchors in each cell of the strides 8 to 128"

STRIDES = (8, 16, 32, 64, 128)
_EACH = 9
_OCTAVES = tuple(2 ** (i / 3) for i in range(3))


@dataclass(frozen=True)
class AnchorStyle:
    """How a family lays out its nine anchors. shapes: (width, height) in strides, in order. y_first: of the offsets.
    variances: that offsets are multiplied by."""

    shapes: tuple[tuple[float, float], ...]
    y_first: bool


def _by_scale(ratios: Sequence[float], y_first: bool) -> AnchorStyle:
    """All ratios (height over width) of the first size, then of the second."""
    return AnchorStyle(tuple((4 * s / r**0.5, 4 * s * r**0.5) for s in _OCTAVES for r in ratios), y_first)


STYLES: dict[str, AnchorStyle] = {
    "efficientdet": AnchorStyle(
        tuple((4 * s * w, 4 * s * h) for s in _OCTAVES for w, h in ((1.0, 1.0), (1.4, 0.7), (0.7, 1.4))), True
    ),
    "retinanet": AnchorStyle(
        tuple((4 * s / r**0.5, 4 * s * r**0.5) for r in (0.5, 1.0, 2.0) for s in _OCTAVES), False
    ),
    "retinanet by size": _by_scale((0.5, 1.0, 2.0), False),
    "retinanet, squares first": _by_scale((1.0, 2.0, 0.5), False),
}


def recognize(graph: Graph) -> Match | None:
    """By the number of anchors."""
    parts = _one_pair(graph) or _levels(graph)
    if parts is None:
        return None
    boxes, scores, anchors, columns = parts
    labels = usual_labels(columns, len(noted_names(graph)))
    is_efficient = "efficient" in f"{graph.path.stem} {graph.about}".lower() or _has_efficient_names(graph)
    head = AnchorHead(
        input=InputSpec.of("rgb", "0..255" if graph.dtype == "uint8" else "imagenet", "corner", 0),
        class_count=labels.count,
        class_names=labels.names,
        boxes=boxes,
        scores=scores,
        anchors=anchors,
        columns=columns,
        label_set=labels,
        style="efficientdet" if is_efficient or anchors is not None else "retinanet",
        is_certain=is_efficient or anchors is not None,
        follows_size=not graph.has_own_size,
        long_side=640,
        stride=128,
    )
    return Match(head, 0.85, f"nine anchors in each cell of five levels, {columns} scores each")


def _has_efficient_names(graph: Graph) -> bool:
    names = {port.name.lower() for port in graph.outputs}
    return {"regression", "classification"} <= names and "anchors" in names


def _counts(size: Size) -> list[int]:
    return [-(-size[0] // stride) * -(-size[1] // stride) for stride in STRIDES]


def _one_pair(graph: Graph) -> tuple[tuple[int, ...], tuple[int, ...], int | None, int] | None:
    """(boxes, scores, anchors, columns) of outputs with a row for each anchor."""
    total = sum(_counts(graph.size)) * _EACH
    rows = [i for i, shape in enumerate(graph.shapes) if len(shape) == 3 and shape[1] == total and shape[2]]
    fours = [i for i in rows if graph.shapes[i][2] == 4]
    scores = next((i for i in rows if i not in fours), None)
    if scores is None or not fours:
        return None
    anchors = next(
        (i for i in fours if "anchor" in graph.outputs[i].name.lower()), fours[1] if len(fours) > 1 else None
    )
    boxes = next(i for i in fours if i != anchors)
    return (boxes,), (scores,), anchors, graph.shapes[scores][2] or 0


def _levels(graph: Graph) -> tuple[tuple[int, ...], tuple[int, ...], int | None, int] | None:
    """(boxes, scores, None, columns) of two outputs for each level."""
    boxes, scores = [], []
    columns: set[int] = set()
    for stride in STRIDES:
        sides = (-(-graph.size[1] // stride), -(-graph.size[0] // stride))
        maps = {i: _channels(shape, sides) for i, shape in enumerate(graph.shapes)}
        of_level = {i: count for i, count in maps.items() if count and count % _EACH == 0}
        box = next((i for i, count in of_level.items() if count == 4 * _EACH), None)
        if box is None or len(of_level) != 2:
            return None
        boxes.append(box)
        scores.append(next(i for i in of_level if i != box))
        columns.add((of_level[scores[-1]] or 0) // _EACH)
    return (tuple(boxes), tuple(scores), None, columns.pop()) if len(columns) == 1 else None


def _channels(shape: Dimensions, sides: tuple[int, int]) -> int | None:
    if len(shape) != 4 or shape[0] not in (1, None):
        return None
    return shape[1] if shape[2:] == sides else shape[3] if shape[1:3] == sides else None


@lru_cache(maxsize=16)
def make_anchors(size: Size, style: str) -> FloatArray:
    """(A, 4) cxcywh in pixels of the input."""
    levels = []
    for stride in STRIDES:
        y, x = np.mgrid[: -(-size[1] // stride), : -(-size[0] // stride)]
        center = (np.stack([x, y], axis=-1).reshape(-1, 1, 2) + 0.5) * stride
        both = np.broadcast_arrays(center, np.array(STYLES[style].shapes)[None] * stride)
        levels.append(np.concatenate(both, axis=2).reshape(-1, 4))
    return np.concatenate(levels)


@dataclass(frozen=True, kw_only=True)
class AnchorHead(Head):
    """boxes, scores: which outputs, level by level. anchors: the output that lists them. columns: scores of an
    anchor.
    style: of STYLES. is_certain: the names told it. are_logits: scores are undecoded."""

    boxes: tuple[int, ...]
    scores: tuple[int, ...]
    anchors: int | None
    columns: int
    label_set: LabelSet
    style: str
    is_certain: bool
    are_logits: bool = False

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        scores = self._rows(outputs, self.scores, self.columns, size)
        if self.are_logits:
            scores = sigmoid(scores)
        best = scores.argmax(axis=1)
        top = scores[np.arange(len(scores)), best]
        labels = self.label_set.places(best)
        keep = np.flatnonzero((top >= least_score) & (labels >= 0))
        return Candidates(self._boxes(outputs, keep, size), top[keep].astype(np.float64), labels[keep])

    def _rows(self, outputs: Outputs, which: Sequence[int], width: int, size: Size) -> np.ndarray:
        """(A, width) of all levels."""
        parts = []
        for level, i in enumerate(which):
            values = outputs[i]
            sides = (-(-size[1] // STRIDES[level]), -(-size[0] // STRIDES[level]))
            if values.ndim == 4 and values.shape[2:] == sides:
                values = values.transpose(0, 2, 3, 1)
            parts.append(values.reshape(-1, width))
        return np.concatenate(parts)

    def _boxes(self, outputs: Outputs, keep: IntArray, size: Size) -> FloatArray:
        offsets = self._rows(outputs, self.boxes, 4, size)[keep].astype(np.float64)
        if self.anchors is not None:
            corners = np.asarray(outputs[self.anchors], dtype=np.float64).reshape(-1, 4)[keep][
                :, [1, 0, 3, 2]
            ]
            anchors = np.concatenate(
                [(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1
            )
        else:
            anchors = make_anchors(size, self.style)[keep]
        if STYLES[self.style].y_first:
            offsets = offsets[:, [1, 0, 3, 2]]
        center = offsets[:, :2] * anchors[:, 2:] + anchors[:, :2]
        half = np.exp(np.minimum(offsets[:, 2:], 20.0)) * anchors[:, 2:] / 2
        return np.concatenate([center - half, center + half], axis=1)

    def settled(self, probe: Probe) -> Head | None:
        scores = self._rows(probe.gray, self.scores, self.columns, probe.size)
        head = replace(self, are_logits=bool(scores.min() < -1e-3 or scores.max() > 1 + 1e-3))
        if self.is_certain:
            return head
        styled = [replace(head, style=style) for style in STYLES]
        agreements = [_agreement(one, probe) for one in styled]
        best = int(np.argmax(agreements))
        return styled[best] if agreements[best] > agreements[list(STYLES).index(head.style)] + 0.02 else head

    def fits(self, shapes: tuple[Dimensions, ...], size: Size) -> bool:
        if len(self.boxes) == 1:
            return shapes[self.boxes[0]][1] == sum(_counts(size)) * _EACH
        sides = (-(-size[1] // STRIDES[0]), -(-size[0] // STRIDES[0]))
        return sides in (shapes[self.boxes[0]][1:3], shapes[self.boxes[0]][2:])


def _agreement(head: AnchorHead, probe: Probe) -> float:
    """How much the surest boxes of a rendered street overlap with others of their class: 0 to 1."""
    found = head.decode(probe.street, probe.size, 0.05)
    best = np.argsort(-found.scores)[:100]
    if len(best) < 2:
        return 0.0
    overlap = iou(found.boxes[best], found.boxes[best]) * (found.labels[best][:, None] == found.labels[best])
    np.fill_diagonal(overlap, 0)
    return float((overlap.max(axis=1) * found.scores[best]).sum() / found.scores[best].sum())
