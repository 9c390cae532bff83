"""Networks that choose by themselves and list what they found: boxes, labels, scores, and maybe how many.

Three families give such lists: RT-DETR and its kin (`rtdetr.py`), TensorFlow's object detection API
(`tf_detection.py`), and torchvision's exports (`torchvision_lists.py`). They differ in how boxes are written, in what
number a class has, and in their input. What is common is here: which output is which, and how they are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from rtdet.backends.graphs import Port
from rtdet.backends.network import Outputs, Tensor
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Candidates, Head, Probe
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.detectors.heads.label_set import LabelSet
from rtdet.types import FloatArray


@dataclass(frozen=True)
class Lists:
    """Which output is which; `count` None where none says how many rows are filled. doubtful: labels and scores look
    alike, and only a run tells them apart."""

    boxes: int
    labels: int
    scores: int
    count: int | None = None
    doubtful: bool = False
    others: tuple[str, ...] = ()


def find_lists(ports: Sequence[Port]) -> Lists | None:
    """The lists among outputs: one of boxes (..., N, 4) and two of (..., N), by their names and types; None where
    there are none."""
    boxes = _chosen([i for i, port in enumerate(ports) if _is_boxes(port)], ports, "box")
    if boxes is None:
        return None
    rows = ports[boxes].shape[:-1]
    columns = [i for i, port in enumerate(ports) if port.shape[:2] == rows and len(port.shape) == len(rows)]
    if len(columns) < 2:  # some exports give N as None in one and as a number in the other
        columns = [i for i, port in enumerate(ports) if len(port.shape) == len(rows)]
    whole = [i for i in columns if "int" in ports[i].dtype]
    labels = _chosen(whole or _named(columns, ports, "class", "label"), ports, "label", "class")
    scores = _chosen(
        [i for i in columns if i != labels and "int" not in ports[i].dtype], ports, "score", "conf", "prob"
    )
    doubtful = labels is None
    if labels is None:
        labels = next((i for i in columns if i != scores), None)
    if labels is None or scores is None:
        return None
    used = {boxes, labels, scores}
    count = next(
        (
            i
            for i, port in enumerate(ports)
            if i not in used and _elements(port) in (1, None) and _is_count(port)
        ),
        None,
    )
    others = tuple(port.name for i, port in enumerate(ports) if i not in used and i != count)
    return Lists(boxes, labels, scores, count, doubtful, others)


def _is_boxes(port: Port) -> bool:
    shape = port.shape
    return len(shape) in (2, 3) and shape[-1] == 4 and (len(shape) == 2 or shape[0] in (1, None))


def _is_count(port: Port) -> bool:
    return len(port.shape) <= 2 and (port.shape in ((), (1,), (1, 1)) or "num" in port.name.lower())


def _elements(port: Port) -> int | None:
    return None if None in port.shape else int(np.prod([side or 1 for side in port.shape]))


def _named(indices: Sequence[int], ports: Sequence[Port], *words: str) -> list[int]:
    return [i for i in indices if any(word in ports[i].name.lower() for word in words)]


def _chosen(indices: Sequence[int], ports: Sequence[Port], *words: str) -> int | None:
    """The one of them, of several the one whose name has a word in it (not TensorFlow's raw ones), or the first."""
    named = _named(indices, ports, *words) or list(indices)
    plain = [i for i in named if "raw" not in ports[i].name.lower()]
    return next(iter(plain or named), None)


@dataclass(frozen=True, kw_only=True)
class ListsHead(Head):
    """at: the outputs. label_set: what the numbers of the classes stand for. y_first: boxes are top, left, bottom,
    right.
    in_fractions: of the input's sides, not its pixels. further: what the other inputs get for a size.
    alternatives: other ways in which networks of this family take pictures, of which a run tells the right one.
    """

    at: Lists
    label_set: LabelSet
    y_first: bool = False
    in_fractions: bool = False
    alternatives: tuple[InputSpec, ...] = ()
    is_selected: bool = True
    follows_size: bool = False
    gives_pixels: bool = True
    size_inputs: tuple[str, ...] = field(default=())

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        boxes = np.asarray(outputs[self.at.boxes], dtype=np.float64).reshape(-1, 4)
        scores = np.asarray(outputs[self.at.scores], dtype=np.float64).reshape(-1)
        labels = self.label_set.places(np.asarray(outputs[self.at.labels]).reshape(-1))
        filled = len(boxes)
        if self.at.count is not None:
            count = np.asarray(outputs[self.at.count]).reshape(-1)[0]
            filled = int(np.nan_to_num(count, nan=0.0, posinf=filled, neginf=0.0))
        keep = np.flatnonzero((scores >= least_score) & (labels >= 0) & (np.arange(len(boxes)) < filled))
        return Candidates(self._in_pixels(boxes[keep], size), scores[keep], labels[keep])

    def _in_pixels(self, boxes: FloatArray, size: Size) -> FloatArray:
        boxes = boxes[:, [1, 0, 3, 2]] if self.y_first else boxes
        return boxes * np.array(size * 2) if self.in_fractions else boxes

    def settled(self, probe: Probe) -> Head | None:
        head = replace(self, input=best_input(self, probe))
        outputs = probe.run(probe.street_picture, head.input)
        if self.at.doubtful:
            head = replace(head, at=_by_values(self.at, outputs))
        boxes = np.abs(np.asarray(outputs[head.at.boxes], dtype=np.float64).reshape(-1, 4))
        boxes = boxes[np.isfinite(boxes).all(axis=1) & (boxes.max(axis=1, initial=0) > 0)]
        if len(boxes):
            in_fractions = bool(np.quantile(boxes, 0.9) <= 1.5)
            head = replace(head, in_fractions=in_fractions, gives_pixels=not in_fractions)
        return head

    def further_inputs(self, size: Size) -> tuple[Tensor, ...]:
        return tuple(np.array([size], dtype=np.float32) for _ in self.size_inputs)


def _by_values(at: Lists, outputs: Outputs) -> Lists:
    """Labels are whole numbers, and scores lie between 0 and 1."""
    values = np.asarray(outputs[at.scores], dtype=np.float64).reshape(-1)
    if len(values) and values.max() > 1 + 1e-3:
        return replace(at, labels=at.scores, scores=at.labels)
    return at


def best_input(head: ListsHead, probe: Probe) -> InputSpec:
    """The way of preparing pictures with which the network is surest of what it sees in a rendered street."""

    def sureness(spec: InputSpec) -> float:
        outputs = probe.run(probe.street_picture, spec)
        return float(head.decode(outputs, probe.size, 0.3).scores.sum())

    if not head.alternatives:
        return head.input
    usual = sureness(head.input)
    best = max(head.alternatives, key=sureness)
    return best if sureness(best) > usual * 1.25 + 0.3 else head.input


def count_of_classes(graph: Graph, scores: int, kinds: Sequence[str] = ("Sigmoid", "Softmax")) -> int | None:
    """How many classes a list's scores were chosen from: the last axis of the sigmoid or softmax before them."""
    shape = graph.info.behind(scores, kinds)
    return shape[-1] if shape and shape[-1] and shape[-1] > 1 else None
