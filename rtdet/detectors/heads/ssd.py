"""SSD before NMS: boxes (1, A, 4) and scores (1, A, C), as UltraFace, pytorch-ssd and others export it.

Liu et al. 2016 (arXiv:1512.02325). Boxes are corners in fractions of the input where the exporter put the decoding
into the network, else offsets from priors (variances .1 and .2): those of a known layout, or a third output (1,
A, 4). Scores have the background first where each row adds up to 1 (a softmax is inside, or to be done), else
none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtdet.backends.network import Outputs
from rtdet.detectors.heads.exporters import noted_names
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Candidates, Head, Match, Probe
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.detectors.heads.label_set import numbered_from_one, only_class
from rtdet.detectors.heads.priors import known_priors
from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.types import FloatArray

FORM = "boxes (1, A, 4) and scores (1, A, C) of priors"

_ULTRA_FACE = (4420, 17640)
_MASKS = 5972


def recognize(graph: Graph) -> Match | None:
    """By a box and a row of scores for each of many priors."""
    long = [i for i, shape in enumerate(graph.shapes) if len(shape) == 3 and (shape[1] or 0) > 1000]
    fours = [i for i in long if graph.shapes[i][2] == 4]
    scores = next((i for i in long if i not in fours), None)
    if scores is None and len(fours) == 2:  # three classes and the background
        scores = next(
            (i for i in fours if "score" in graph.outputs[i].name or "conf" in graph.outputs[i].name), None
        )
    boxes = next((i for i in fours if i != scores), None)
    if scores is None or boxes is None or len(graph.inputs) != 1 or len(graph.outputs) > 3:
        return None
    count, columns = graph.shapes[scores][1] or 0, graph.shapes[scores][2]
    if columns is None or not 1 <= columns <= 1300 or graph.shapes[boxes][1] != count:
        return None
    priors = next((i for i in fours if i not in (boxes, scores)), None)
    head = SsdHead(
        input=_input(count),
        class_count=columns,
        class_names=_own_names(count, columns, graph.path.stem),
        boxes=boxes,
        scores=scores,
        priors=priors,
        columns=columns,
        named=len(noted_names(graph)),
        title=graph.path.stem,
    )
    return Match(head, 0.8, f"a box and {columns} scores for each of {count} priors")


def _input(count: int) -> InputSpec:
    if count == _MASKS:
        return InputSpec.of("rgb", "0..1", "stretch")
    return InputSpec("rgb", (127.0,) * 3, (128.0,) * 3, "stretch")


def _own_names(count: int, classes: int, title: str) -> tuple[str, ...]:
    if count == _MASKS and classes == 2:
        return ("mask", "no mask")
    if classes == 1:
        return ("face",) if count in _ULTRA_FACE else only_class(title)
    return numbered_from_one(classes).names


@dataclass(frozen=True, kw_only=True)
class SsdHead(Head):
    """boxes, scores, priors: which outputs. columns: of the scores. named: how many classes the notes name.
    is_decoded: boxes are corners. has_background: it is the first column. are_logits: a softmax is to be done."""

    boxes: int
    scores: int
    priors: int | None
    columns: int
    named: int
    title: str
    is_decoded: bool = True
    has_background: bool = True
    are_logits: bool = False

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        scores = self._scores(outputs)
        row, label = np.nonzero(scores >= least_score)
        boxes = np.asarray(outputs[self.boxes][0], dtype=np.float64)[row]
        if not self.is_decoded:
            priors = self._priors(outputs, size)
            assert priors is not None
            boxes = BoxCoder().decode(boxes, priors[row])
        return Candidates(boxes * np.array(size * 2), scores[row, label], label.astype(np.int64))

    def _scores(self, outputs: Outputs) -> FloatArray:
        values = np.asarray(outputs[self.scores][0], dtype=np.float64)
        if self.are_logits:
            values = softmax(values)
        return values[:, 1:] if self.has_background else values

    def _priors(self, outputs: Outputs, size: Size) -> FloatArray | None:
        if self.priors is None:
            return known_priors(outputs[self.boxes].shape[1], size)
        values = np.asarray(outputs[self.priors], dtype=np.float64).reshape(-1, 4)
        return values / np.array(size * 2) if values.max(initial=0) > 4 else values

    def settled(self, probe: Probe) -> Head | None:
        scores, boxes = probe.gray[self.scores][0], probe.gray[self.boxes][0]
        are_logits = bool(scores.min() < -1e-3 or scores.max() > 1 + 1e-3)
        background = are_logits or (self.columns > 1 and bool(np.allclose(scores.sum(axis=1), 1, atol=1e-2)))
        classes = self.columns - background
        decoded = are_corners(boxes)
        if classes < 1 or (not decoded and self._priors(probe.gray, probe.size) is None):
            return None
        names = _own_names(boxes.shape[0], classes, self.title)
        return replace(
            self, is_decoded=decoded, has_background=background, are_logits=are_logits, class_count=classes,
            class_names=names,
        )  # fmt: skip


def are_corners(boxes: npt.NDArray[np.float32]) -> bool:
    """Whether rows are left, top, right, bottom in fractions: right of left, below top, near the picture, spread."""
    ordered = (boxes[:, 2:] > boxes[:, :2]).all(axis=1).mean()
    is_near = (np.abs(boxes - 0.5) < 1.5).all(axis=1).mean()
    return bool(ordered > 0.95 and is_near > 0.95 and np.ptp(boxes[:, 0]) > 0.5)


def softmax(logits: FloatArray) -> FloatArray:
    """Of each row."""
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))
