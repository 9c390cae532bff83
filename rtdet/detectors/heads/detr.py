"""DETR and its descendants before any choice is made: class logits (1, Q, C) and boxes (1, Q, 4) for Q queries.

Carion et al. 2020 (arXiv:2005.12872). Boxes are centre and size in fractions of the input. Two kinds of logits:
DETR's and YOLOS's end with "no object" and go through a softmax; those of Deformable DETR, RT-DETR, LW-DETR and
RF-DETR have a sigmoid each. On an even grey "no object" towers over all others, which tells the two apart. 91
or 92 columns are COCO's ids. Input: RGB with ImageNet's mean and deviation, or (RT-DETR, D-FINE) from 0 to 1.
There is no NMS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs, Tensor
from rtdet.detectors.heads.exporters import noted_names
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.grid import sigmoid
from rtdet.detectors.heads.head import Candidates, Head, Match, Probe
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.detectors.heads.label_set import LabelSet, plain_labels, usual_labels
from rtdet.geometry.boxes import cxcywh_to_xyxy
from rtdet.types import FloatArray

FORM = "logits (1, Q, C) and boxes (1, Q, 4) of up to 1000 queries, or both in one (1, Q, 4+C)"

_MOST_QUERIES = 1000


def recognize(graph: Graph) -> Match | None:
    """By a box and a row of class logits for each of some hundred queries."""
    found = _outputs(graph)
    if found is None:
        return None
    boxes, logits, columns = found
    named = len(noted_names(graph))
    labels = usual_labels(columns, named)
    is_square = graph.has_own_size
    values = "0..1" if columns == 80 else "imagenet"
    other = "imagenet" if values == "0..1" else "0..1"
    fit = "stretch" if is_square else "corner"
    masks = any(len(shape) == 4 for shape in graph.shapes)
    head = DetrHead(
        input=InputSpec.of("rgb", values, fit, 0),
        other_input=InputSpec.of("rgb", other, fit, 0),
        class_count=labels.count,
        class_names=labels.names,
        boxes=boxes,
        logits=logits,
        columns=columns,
        named=named,
        label_set=labels,
        shapes_of_others=tuple(port.shape for i, port in enumerate(graph.inputs) if i != graph.picture),
        follows_size=not is_square,
        long_side=800,
        is_selected=True,
        ignored="masks" if masks else "",
    )
    return Match(head, 0.9 if logits != boxes else 0.7, f"a box and {columns} logits for each query")


def _outputs(graph: Graph) -> tuple[int, int, int] | None:
    """(output of the boxes, output of the logits, number of logits); one output may be both."""
    fitting = [
        (i, shape[1], shape[2])
        for i, shape in enumerate(graph.shapes)
        if len(shape) == 3 and shape[0] in (1, None) and (shape[1] or 0) <= _MOST_QUERIES and shape[2]
    ]
    if len(graph.outputs) > 6:
        return None
    if (
        len(graph.outputs) == 1
        and fitting
        and 6 < (fitting[0][2] or 0) <= 700
        and (fitting[0][1] or 0) >= 100
    ):
        return 0, 0, (fitting[0][2] or 0) - 4
    fours = [one for one in fitting if one[2] == 4]
    boxes = next((one for one in fours if _sounds(graph, one[0], "box", "det")), fours[0] if fours else None)
    if boxes is None:
        return None
    others = [one for one in fitting if one[0] != boxes[0] and one[1] == boxes[1]]
    chosen = [
        one for one in others if _sounds(graph, one[0], "logit", "label", "score", "cls", "class")
    ] or others
    if not chosen or (chosen[0][2] or 0) > 1300:
        return None
    return boxes[0], chosen[0][0], chosen[0][2] or 0


def _sounds(graph: Graph, output: int, *words: str) -> bool:
    return any(word in graph.outputs[output].name.lower() for word in words)


@dataclass(frozen=True, kw_only=True)
class DetrHead(Head):
    """boxes, logits: which outputs. columns: of the logits. named: how many classes the notes name. no_object: the
    last column is for it. are_scores: a sigmoid is inside. other_input: how such networks may take pictures else.
    shapes_of_others: of further inputs, masks of what of the input is picture."""

    boxes: int
    logits: int
    columns: int
    named: int
    label_set: LabelSet
    other_input: InputSpec
    no_object: bool = False
    are_scores: bool = False
    shapes_of_others: tuple[Dimensions, ...] = ()

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        scores = self._scores(self._logits(outputs))
        best = scores.argmax(axis=1)
        labels = self.label_set.places(best)
        top = scores[np.arange(len(scores)), best]
        keep = np.flatnonzero((top >= least_score) & (labels >= 0))
        boxes = cxcywh_to_xyxy(self._boxes(outputs)[keep]) * np.array(size * 2)
        return Candidates(boxes, top[keep], labels[keep])

    def _logits(self, outputs: Outputs) -> FloatArray:
        values = np.asarray(outputs[self.logits], dtype=np.float64).reshape(
            -1, outputs[self.logits].shape[-1]
        )
        return values[:, 4:] if self.logits == self.boxes else values

    def _boxes(self, outputs: Outputs) -> FloatArray:
        values = np.asarray(outputs[self.boxes], dtype=np.float64)
        return values.reshape(-1, values.shape[-1])[:, :4]

    def _scores(self, logits: FloatArray) -> FloatArray:
        if self.are_scores:
            return logits
        if not self.no_object:
            return np.asarray(sigmoid(logits.astype(np.float32)), dtype=np.float64)
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray((chances / chances.sum(axis=1, keepdims=True))[:, :-1])

    def settled(self, probe: Probe) -> Head | None:
        boxes, logits = self._boxes(probe.gray), self._logits(probe.gray)
        in_fractions = boxes.min(initial=0) >= -0.01 and boxes.max(initial=0) <= 1.01
        if not in_fractions or _are_corners(boxes):
            return None
        are_scores = bool(logits.min() >= 0 and logits.max() <= 1)
        no_object = not are_scores and self.columns > 1 and _ends_with_no_object(logits)
        labels = self.label_set
        if no_object:
            labels = usual_labels(self.columns - 1, self.named)
        elif self.named == self.columns - 1:  # one column more than there are classes, never used
            labels = plain_labels(self.named)
        head = replace(
            self, no_object=no_object, are_scores=are_scores, label_set=labels, class_count=labels.count,
            class_names=labels.names,
        )  # fmt: skip
        return replace(head, input=head._best_input(probe))

    def _best_input(self, probe: Probe) -> InputSpec:
        """The one with which it is surest of what it sees in a rendered street."""
        usual, other = (
            float(self.decode(probe.run(probe.street_picture, spec), probe.size, 0.3).scores.sum())
            for spec in (self.input, self.other_input)
        )
        return self.other_input if other > usual * 1.25 + 0.3 else self.input

    def further_inputs(self, size: Size) -> tuple[Tensor, ...]:
        shapes = [
            tuple(side or 1 for side in shape) if len(shape) != 3 or shape[1] else (1, size[1], size[0])
            for shape in self.shapes_of_others
        ]
        return tuple(np.ones(shape, dtype=np.float32) for shape in shapes)


def _are_corners(boxes: FloatArray) -> bool:
    """Whether the last two numbers are to the right of and below the first two in every row."""
    return bool((boxes[:, 2:] >= boxes[:, :2]).all()) and len(boxes) >= 20


def _ends_with_no_object(logits: FloatArray) -> bool:
    """On a picture of nothing most queries are for the last column, by far."""
    last, others = logits[:, -1], logits[:, :-1]
    return bool(np.median(last - others.max(axis=1)) > 1.0)
