"""RetinaFace (Deng et al. 2020, arXiv:1905.00641) in its PyTorch form, and the first YuNet, which is like it.

RetinaFace: boxes (1, A, 4), scores (1, A, 2), five points (1, A, 10): offsets from two squares in each cell of the
strides 8, 16, 32, variances .1 and .2. YuNet of 2022: (A, 14) boxes with points, (A, 2) scores, (A, 1)
estimated IoU, of strides 8 to 64. Input: BGR, 0 to 255, RetinaFace's less Caffe's means.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Candidates, Head, Match, Probe
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.detectors.heads.priors import squares_on_levels
from rtdet.detectors.heads.ssd import softmax
from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.types import FloatArray

FORM = "boxes (1, A, 4), scores (1, A, 2), points (1, A, 10), A twice the cells of the strides 8, 16, 32"

CAFFE_MEANS = (104.0, 117.0, 123.0)
_Layout = tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]
# strides, and the sides of the squares on each
_RETINAFACE: _Layout = ((8, 16, 32), ((16, 32), (64, 128), (256, 512)))
_YUNET: _Layout = ((8, 16, 32, 64), ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256)))


def recognize(graph: Graph) -> Match | None:
    """By three outputs with a row for each square, of 4, 2 and 10 numbers, or of 14, 2 and 1."""
    widths = {shape[-1]: i for i, shape in enumerate(graph.shapes) if len(shape) in (2, 3)}
    if len(graph.outputs) != 3 or len(graph.inputs) != 1:
        return None
    if set(widths) == {4, 2, 10}:
        layout, mean, boxes, points = _RETINAFACE, CAFFE_MEANS, widths[4], "five points of each face"
    elif set(widths) == {14, 2, 1}:
        layout, mean, boxes, points = _YUNET, (0.0, 0.0, 0.0), widths[14], "five points of each face"
    else:
        return None
    head = RetinaFaceHead(
        input=InputSpec("bgr", mean, (1.0, 1.0, 1.0), "corner", 0 if layout is _YUNET else 114),
        class_count=1,
        class_names=("face",),
        boxes=boxes,
        scores=widths[2],
        quality=widths.get(1),
        layout=layout,
        follows_size=True,
        ignored=points,
    )
    return Match(head, 0.9, "boxes, scores and five points") if head.fits(graph.shapes, graph.size) else None


@dataclass(frozen=True, kw_only=True)
class RetinaFaceHead(Head):
    """boxes, scores, quality: which outputs. layout: strides and squares. are_logits: a softmax is to be done."""

    boxes: int
    scores: int
    quality: int | None
    layout: _Layout
    are_logits: bool = False

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        scores = self._scores(outputs)
        keep = np.flatnonzero(scores >= least_score)
        boxes = np.asarray(outputs[self.boxes], dtype=np.float64)
        boxes = boxes.reshape(-1, boxes.shape[-1])[keep, :4]
        priors = squares_on_levels(size, *self.layout)[keep]
        corners = BoxCoder().decode(boxes, priors) * np.array(size * 2)
        return Candidates(corners, scores[keep], np.zeros(len(keep), dtype=np.int64))

    def _scores(self, outputs: Outputs) -> FloatArray:
        values = self._pairs(outputs)
        scores = (softmax(values) if self.are_logits else values)[:, 1]
        if self.quality is not None:
            scores = np.sqrt(scores * np.clip(np.asarray(outputs[self.quality]).reshape(-1), 0, 1))
        return scores

    def _pairs(self, outputs: Outputs) -> npt.NDArray[np.float64]:
        return np.asarray(outputs[self.scores], dtype=np.float64).reshape(-1, 2)

    def settled(self, probe: Probe) -> Head | None:
        sums = self._pairs(probe.gray).sum(axis=1)
        return replace(self, are_logits=not np.allclose(sums, 1, atol=0.02))

    def fits(self, shapes: tuple[Dimensions, ...], size: Size) -> bool:
        return shapes[self.boxes][-2] == len(squares_on_levels(size, *self.layout))
