"""SSD behind OpenVINO's DetectionOutput (Caffe's before it): (1, 1, N, 7), chosen and suppressed inside.

Rows: number of the picture (-1 where the list ends), class, score, left, top, right, bottom in fractions. Class 0 is
the background. Input: BGR, 0 to 255, stretched, as Caffe's networks and OpenVINO's zoo take it: means are inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtdet.backends.network import Outputs, Tensor
from rtdet.detectors.heads.exporters import noted_names
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Candidates, Head, Match
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.detectors.heads.label_set import LabelSet, numbered_from_one, only_class

FORM = "(1, 1, N, 7)"


def recognize(graph: Graph) -> Match | None:
    """By rows of seven numbers in four dimensions."""
    output = next((i for i, shape in enumerate(graph.shapes) if len(shape) == 4 and shape[3] == 7), None)
    if output is None or graph.shapes[output][:2] != (1, 1):
        return None
    named = len(noted_names(graph))
    classes = named or _class_count(graph)
    labels = numbered_from_one(classes, named)
    head = DetectionOutputHead(
        input=InputSpec.of("bgr", "0..255", "stretch"),
        class_count=labels.count,
        class_names=only_class(graph.path.stem) if labels.count == 1 else labels.names,
        label_set=labels,
        output=output,
        is_selected=True,
        gives_pixels=False,
        has_size_input=any(i != graph.picture for i in range(len(graph.inputs))),
    )
    return Match(head, 0.95, "rows of picture, class, score and corners")


def _class_count(graph: Graph) -> int:
    """As the operator says, or as many as there are scores for each prior; 90 where it is not there."""
    for attributes in graph.info.attributes("DetectionOutput"):
        if attributes.get("num_classes", 0) > 1:
            return int(attributes["num_classes"]) - 1
    for shapes in graph.info.operands("DetectionOutput"):
        boxes, scores = shapes[0][-1], shapes[1][-1]
        if boxes and scores and scores * 4 > boxes:
            return max(1, scores * 4 // boxes - 1)
    return 1 if only_class(graph.path.stem) else 90


@dataclass(frozen=True, kw_only=True)
class DetectionOutputHead(Head):
    """output: which has the rows. has_size_input: a second input takes height, width and scale."""

    label_set: LabelSet
    output: int = 0
    has_size_input: bool = False

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        rows = np.asarray(outputs[self.output], dtype=np.float64).reshape(-1, 7)
        ends = np.flatnonzero(rows[:, 0] < 0)
        rows = rows[: ends[0]] if len(ends) else rows
        labels = self.label_set.places(rows[:, 1])
        keep = np.flatnonzero((rows[:, 2] >= least_score) & (labels >= 0))
        return Candidates(rows[keep, 3:7] * np.array(size * 2), rows[keep, 2], labels[keep])

    def further_inputs(self, size: Size) -> tuple[Tensor, ...]:
        if not self.has_size_input:
            return ()
        return (np.array([[size[1], size[0], 1.0]], dtype=np.float32),)
