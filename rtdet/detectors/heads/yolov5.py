"""The rows of YOLOv5, v7 and what is exported like them: (1, A, 5+C), three anchors in each cell.

Input: RGB, 0 to 1, letterboxed. Output: centre and size in pixels (in fractions of the input where TensorFlow made
the export; through the sigmoid only, where the exporter left the decoding out), objectness and C class scores.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs
from rtdet.detectors.heads.anchors import V5, V5_P6, V7, AnchorSet, anchor_rows, decode_level
from rtdet.detectors.heads.exporters import mask_prototypes, noted_names, noted_task, usual_input
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.grid import sigmoid
from rtdet.detectors.heads.head import Candidates, Head, Match, Probe
from rtdet.detectors.heads.input_spec import Size
from rtdet.detectors.heads.key_points import PERSON, read_points
from rtdet.geometry.boxes import cxcywh_to_xyxy
from rtdet.types import FloatArray, IntArray

FORM = "(1, A, 5+C), A three times the cells of the strides 8, 16, 32"

Values = npt.NDArray[np.float32]
_ANCHORS = 3
_STRIDES = ((8, 16, 32), (8, 16, 32, 64))


def recognize(graph: Graph) -> Match | None:
    """By a row for each of three anchors in each cell."""
    for i, shape in enumerate(graph.shapes):
        if len(shape) == 3 and shape[0] == 1 and shape[1] and shape[2] and shape[2] >= 6:
            strides = _strides_of(graph.size, shape[1])
            others = [other for k, other in enumerate(graph.shapes) if k != i]
            has_boxes_apart = any(len(other) > 1 and other[1] == shape[1] for other in others)
            if strides is not None and not has_boxes_apart:
                return _match(graph, i, shape[2], strides)
    return None


def _match(graph: Graph, output: int, numbers: int, strides: tuple[int, ...]) -> Match:
    names, prototypes = noted_names(graph), mask_prototypes(graph)
    is_pose = noted_task(graph) == "pose" or numbers == 6 + 3 * PERSON
    classes = len(names) or (1 if is_pose else numbers - 5 - prototypes)
    head = Yolov5Head(
        input=usual_input(graph, "rgb", "0..1", "letterbox"),
        class_count=max(1, min(classes, numbers - 5)),
        output=output,
        anchors=V5_P6 if len(strides) == 4 else anchors_of(graph),
        follows_size=True,
        gives_pixels=True,
        ignored="masks" if prototypes else "",
    )
    return Match(head, 0.9, f"a row of 5+{head.class_count} numbers for each of three anchors in each cell")


def anchors_of(graph: Graph) -> AnchorSet:
    """v7 pools where v5 convolves with a stride: it has the more poolings. Its tiny form, with leaky activations, has
    v5's anchors."""
    operators = graph.info.operators
    return V7 if operators.get("MaxPool", 0) > 5 and not operators.get("PRelu", 0) else V5


def _strides_of(size: Size, rows: int) -> tuple[int, ...] | None:
    counts = {strides: len(anchor_rows(size, strides, _ANCHORS)) for strides in _STRIDES}
    return next((strides for strides, count in counts.items() if count == rows), None)


def _what_is_left(numbers: int) -> str:
    if numbers == 3 * PERSON:
        return ""
    return f"{numbers} more numbers for each box" if numbers else ""


@dataclass(frozen=True, kw_only=True)
class Yolov5Head(Head):
    """output: which has the rows. in_fractions: positions are parts of the input's sides. anchors: of an export that
    is_raw, its numbers through the sigmoid only; has_logits: not even that."""

    class_count: int
    output: int
    anchors: AnchorSet
    in_fractions: bool = False
    is_raw: bool = False
    has_logits: bool = False

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        rows = outputs[self.output][0]
        if self.has_logits:
            rows = sigmoid(rows)
        index = np.flatnonzero(rows[:, 4] >= least_score)
        classes = rows[index, 5 : 5 + self.class_count]
        labels = classes.argmax(axis=1)
        scores = rows[index, 4].astype(np.float64) * classes[np.arange(len(index)), labels]
        keep = scores >= least_score
        index, scores, labels = index[keep], scores[keep], labels[keep]
        points = read_points(rows[index, 5 + self.class_count :], size if self.in_fractions else None)
        return Candidates(cxcywh_to_xyxy(self._boxes(rows, index, size)), scores, labels, points)

    def _boxes(self, rows: Values, index: IntArray, size: Size) -> FloatArray:
        if not self.is_raw:
            boxes = rows[index, :4].astype(np.float64)
            return boxes * np.array(size * 2) if self.in_fractions else boxes
        places = anchor_rows(size, self.anchors.strides, _ANCHORS)[index]
        boxes = np.zeros((len(index), 4))
        for level in range(len(self.anchors.strides)):
            here = places[:, 0] == level
            boxes[here] = decode_level(
                rows[index[here], :4],
                self.anchors,
                level,
                places[here, 2:].astype(np.float64),
                places[here, 1],
            )
        return boxes

    def settled(self, probe: Probe) -> Head | None:
        rows = probe.gray[self.output][0]
        if bool((rows[:, 4] < -1e-3).any()):
            return replace(self, has_logits=True, is_raw=True, gives_pixels=False)
        in_fractions = bool(np.quantile(rows[:, :4], 0.98) <= 2.0)
        is_raw = in_fractions and not self._are_near_their_cells(rows, probe.size)
        classes = self._settled_classes(rows)
        left = rows.shape[1] - 5 - classes
        return replace(
            self,
            class_count=classes,
            in_fractions=in_fractions and not is_raw,
            is_raw=is_raw,
            gives_pixels=not in_fractions,
            ignored=self.ignored or _what_is_left(left),
        )

    def _settled_classes(self, rows: Values) -> int:
        """How many of the numbers behind the objectness are scores, where more than the rows' length tells."""
        others = rows[:, 5 : 5 + self.class_count]
        is_score = (others.min(axis=0) >= -1e-3) & (others.max(axis=0) <= 1 + 1e-3)
        return len(is_score) if is_score.all() else max(1, int(np.argmin(is_score)))

    def _are_near_their_cells(self, rows: Values, size: Size) -> bool:
        anchor_by_anchor = anchor_rows(size, self.anchors.strides, _ANCHORS)
        # TensorFlow's exports go cell by cell, with the anchors of each together.
        order = np.lexsort((anchor_by_anchor[:, 2], anchor_by_anchor[:, 3], anchor_by_anchor[:, 0]))
        for places in (anchor_by_anchor, anchor_by_anchor[order]):
            strides = np.array(self.anchors.strides)[places[:, 0], None]
            center = (places[:, 2:] + 0.5) * strides
            if np.median(np.abs(rows[:, :2] * np.array(size) - center) / strides) < 1.0:
                return True
        return False

    def fits(self, shapes: tuple[Dimensions, ...], size: Size) -> bool:
        rows = shapes[self.output][1]
        return rows == len(anchor_rows(size, self.anchors.strides, _ANCHORS))
