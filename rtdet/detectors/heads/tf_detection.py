"""TensorFlow's object detection API, TensorFlow Lite and EfficientDet, chosen and suppressed inside.

Lists of boxes, classes and scores, and how many there are.

Boxes are (1, N, 4) top, left, bottom, right in fractions of the picture (in pixels of the input in some exports of
EfficientDet). Input: RGB, stretched, uint8 or floats from 0 to 255; .tflite with floats takes -1 to 1. The API
numbers classes from 1 by their label map (COCO's ids), TensorFlow Lite from 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rtdet.backends.network import Outputs
from rtdet.detectors.heads.exporters import noted_names
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Candidates, Head, Match, Probe
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.detectors.heads.label_set import LabelSet, coco_ids, numbered_from_one, plain_labels
from rtdet.detectors.heads.lists import ListsHead, count_of_classes, find_lists

FORM = "detection_boxes (1, N, 4), detection_classes, detection_scores (1, N) and num_detections (1,); or (1, N, 7)"


def recognize(graph: Graph) -> Match | None:
    """By four lists, or by the names that the API gives its outputs; or one list of seven numbers each."""
    if len(graph.outputs) == 1 and len(graph.inputs) == 1:
        return _one_list(graph)
    at = find_lists(graph.outputs)
    if at is None or len(graph.inputs) != 1:
        return None
    is_named = any("detection_" in port.name for port in graph.outputs)
    if at.count is None and not is_named:
        return None
    names = " ".join(port.name for port in graph.outputs).lower()
    is_lite = "statefulpartitionedcall" in names or "tflite_detection" in names
    labels = _labels(graph, at.scores, from_one=is_named)
    head = ListsHead(
        input=_input(graph),
        class_count=labels.count,
        class_names=labels.names,
        at=at,
        label_set=labels,
        y_first=True,
        in_fractions=True,
        follows_size=not graph.has_own_size,
        ignored="masks" if any("mask" in name for name in at.others) else "",
    )
    return Match(head, 0.95 if is_named or is_lite else 0.5, "boxes, classes, scores and their number")


def _input(graph: Graph) -> InputSpec:
    values = "-1..1" if graph.path.suffix.lower() == ".tflite" and "int" not in graph.dtype else "0..255"
    return InputSpec.of("rgb", values, "stretch")


def _labels(graph: Graph, scores: int, *, from_one: bool) -> LabelSet:
    """The API's networks have COCO's 90 ids (91 columns with the background) unless their scores' axis says another
    number."""
    named = len(noted_names(graph))
    classes = named or count_of_classes(graph, scores) or 90
    if not from_one:
        return plain_labels(classes) if named or classes not in (90, 91) else coco_ids(91 - classes)
    return numbered_from_one(90 if classes == 91 and not named else classes, named)


def _one_list(graph: Graph) -> Match | None:
    """(1, N, 7): number of the picture, top, left, bottom, right, score, class, as EfficientDet's own export."""
    shape = graph.shapes[0]
    if len(shape) != 3 or shape[2] != 7 or shape[0] not in (1, None):
        return None
    labels = numbered_from_one(len(noted_names(graph)) or 90, len(noted_names(graph)))
    head = RowsHead(
        input=InputSpec.of("rgb", "0..255", "corner", 0),
        class_count=labels.count,
        class_names=labels.names,
        label_set=labels,
        is_selected=True,
        gives_pixels=True,
    )
    is_typical = graph.dtype == "uint8" and graph.layout == "nhwc"
    return Match(head, 0.95 if is_typical else 0.5, "seven numbers for each box")


@dataclass(frozen=True, kw_only=True)
class RowsHead(Head):
    """Rows of seven. in_fractions: of the input's sides, not its pixels."""

    label_set: LabelSet
    in_fractions: bool = False

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        rows = np.asarray(outputs[0], dtype=np.float64).reshape(-1, 7)
        labels = self.label_set.places(rows[:, 6])
        keep = np.flatnonzero((rows[:, 5] >= least_score) & (labels >= 0))
        boxes = rows[keep][:, [2, 1, 4, 3]]
        if self.in_fractions:
            boxes = boxes * np.array(size * 2)
        return Candidates(boxes, rows[keep, 5], labels[keep])

    def settled(self, probe: Probe) -> Head | None:
        rows = np.asarray(probe.street[0], dtype=np.float64).reshape(-1, 7)
        rows = rows[np.abs(rows[:, 1:5]).max(axis=1, initial=0) > 0]
        if not len(rows):
            return self
        is_such = (rows[:, 5] <= 1.001).all() and np.allclose(rows[:, 6], np.round(rows[:, 6]))
        in_fractions = bool(np.quantile(np.abs(rows[:, 1:5]), 0.9) <= 1.5)
        return replace(self, in_fractions=in_fractions, gives_pixels=not in_fractions) if is_such else None
