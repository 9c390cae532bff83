"""Networks that give finished detections: YOLOv10's and YOLO26's, and exports with their NMS inside.

Rows of six or seven numbers or more, (1, N, 6) or (N, 7): a box, a score and a class in an order that differs by
exporter, perhaps with the number of the picture, and behind them key points, an angle or a mask's coefficients. Or
tensors apart: boxes (1, N, 4), scores (1, N), classes (1, N), perhaps their count; boxes with scores (1, N, 5) and
labels (1, N), as mmdeploy has them. Input, where nothing else is noted: RGB, 0 to 1, letterboxed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs, Tensor
from rtdet.detectors.heads.exporters import noted_names, usual_input
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.head import Candidates, Head, Match, Probe
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.detectors.heads.key_points import PERSON, read_points
from rtdet.geometry.boxes import cxcywh_to_xyxy
from rtdet.types import FloatArray

FORM = "rows of 6 or 7 numbers, (1, N, 6) or (N, 7); or boxes, scores and classes apart"

Values = npt.NDArray[np.float32]
# box, score, class: which columns of a row they are.
_USUAL = ((0, 1, 2, 3), 4, 5)
_CLASS_FIRST = ((2, 3, 4, 5), 1, 0)  # Paddle
_NUMBERED = ((1, 2, 3, 4), 6, 5)  # YOLOv7's end2end: picture, box, class, score
_NUMBERED_SCORE_FIRST = ((1, 2, 3, 4), 5, 6)  # YOLO-NAS's flat rows: picture, box, score, class

Order = tuple[tuple[int, int, int, int], int, int]


@dataclass(frozen=True)
class Parts:
    """Which outputs hold what: `rows` all of it, or boxes (maybe with scores as a fifth number), scores, classes."""

    rows: int | None = None
    boxes: int | None = None
    scores: int | None = None
    classes: int | None = None


def recognize(graph: Graph) -> Match | None:
    """By rows of detections, or by their tensors apart."""
    parts = _rows(graph.shapes) or _tensors(graph)
    if parts is None or not _has_known_inputs(graph):
        return None
    width = graph.shapes[parts.rows][-1] or 6 if parts.rows is not None else 6
    names = noted_names(graph)
    head = EndToEndHead(
        input=_input(graph),
        class_count=len(names) or None,
        is_selected=True,
        gives_pixels=True,
        parts=parts,
        order=_NUMBERED if width == 7 and len(graph.shapes[parts.rows or 0]) == 2 else _USUAL,
        is_paddle=_is_paddle(graph),
        extra_inputs=tuple(port.name for i, port in enumerate(graph.inputs) if i != graph.picture),
    )
    what = (
        f"finished rows of {width} numbers" if parts.rows is not None else "boxes, scores and classes apart"
    )
    is_all = all(
        len(shape) < 4 or shape[1] == 32 for shape in graph.shapes
    )  # or maps of something else beside it
    return Match(head, 0.9 if is_all else 0.5, what)


def _rows(shapes: tuple[Dimensions, ...]) -> Parts | None:
    """The output that has rows of 6 or 7 numbers, or 6 and key points or a mask; others may be masks or a count."""
    for i, shape in enumerate(shapes):
        is_list = len(shape) == 2 or (len(shape) == 3 and shape[0] == 1)
        if not is_list or shape[-1] not in (6, 7, 6 + 32, 6 + 3 * PERSON):
            continue
        count = shape[-2]
        if count is None or count <= 2000:
            return Parts(rows=i)
    return None


def _tensors(graph: Graph) -> Parts | None:
    """Boxes, scores and classes by their shapes and names; None where the boxes' corners are not in xyxy order."""
    names = [port.name.lower() for port in graph.outputs]
    if any(name.startswith(("detection_", "statefulpartitionedcall", "tflite_detection")) for name in names):
        return None  # TensorFlow's order of corners is another
    wide = [i for i, shape in enumerate(graph.shapes) if len(shape) in (2, 3) and shape[-1] in (4, 5)]
    flat = [i for i, shape in enumerate(graph.shapes) if _is_column(shape) and i not in wide]
    if len(wide) != 1 or not flat:
        return None
    boxes = wide[0]
    count = graph.shapes[boxes][-2]
    flat = [i for i in flat if _length(graph.shapes[i]) == count]
    of_classes = [i for i in flat if _tells(names[i], ("class", "label", "categor"))]
    if not of_classes:
        of_classes = [i for i in flat if not graph.outputs[i].dtype.startswith("float")]
    if len(of_classes) != 1:
        return None
    classes = of_classes[0]
    others = [i for i in flat if i != classes]
    if graph.shapes[boxes][-1] == 5:
        return Parts(boxes=boxes, classes=classes)
    return Parts(boxes=boxes, classes=classes, scores=others[0]) if len(others) == 1 else None


def _is_column(shape: Dimensions) -> bool:
    return (
        len(shape) in (1, 2, 3) and (len(shape) == 1 or shape[0] == 1) and (len(shape) < 3 or shape[2] == 1)
    )


def _length(shape: Dimensions) -> int | None:
    return shape[0] if len(shape) == 1 else shape[1]


def _tells(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name for word in words)


def _has_known_inputs(graph: Graph) -> bool:
    others = [port.name for i, port in enumerate(graph.inputs) if i != graph.picture]
    return set(others) <= {"scale_factor", "im_shape"}


def _is_paddle(graph: Graph) -> bool:
    """Paddle's detectors take the picture's scale beside it, or give the number of boxes of each picture."""
    names = {port.name for port in graph.inputs}
    return "scale_factor" in names or any(
        len(s) == 1 and p.dtype == "int32" for s, p in zip(graph.shapes, graph.outputs, strict=True)
    )


def _input(graph: Graph) -> InputSpec:
    if _is_paddle(graph):
        return usual_input(graph, "rgb", "imagenet", "stretch")
    if {port.name for port in graph.outputs} == {
        "dets",
        "labels",
    }:  # mmdeploy, mean and deviation of mmdetection
        return usual_input(graph, "rgb", "imagenet", "corner")
    return usual_input(graph, "rgb", "0..1", "letterbox")


@dataclass(frozen=True, kw_only=True)
class EndToEndHead(Head):
    """parts: which outputs hold what. order: of a row's columns. in_fractions: positions are parts of the input's
    sides. centers: boxes are centre and size. extra_inputs: names of the inputs beside the picture's."""

    parts: Parts
    order: Order
    is_paddle: bool
    extra_inputs: tuple[str, ...] = ()
    in_fractions: bool = False
    centers: bool = False

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        every, scores, labels, more = self._read(outputs)
        keep = np.flatnonzero((scores >= least_score) & (labels >= 0))
        boxes: FloatArray = every[keep].astype(np.float64)
        if self.in_fractions:
            boxes = boxes * np.array(size * 2)
        if self.centers:
            boxes = cxcywh_to_xyxy(boxes)
        points = None if more is None else read_points(more[keep], size if self.in_fractions else None)
        return Candidates(boxes, scores[keep].astype(np.float64), labels[keep], points)

    def _read(self, outputs: Outputs) -> tuple[Values, Values, npt.NDArray[np.int64], Values | None]:
        parts = self.parts
        if parts.rows is not None:
            rows = outputs[parts.rows].reshape(-1, outputs[parts.rows].shape[-1])
            box, score, label = self.order
            return rows[:, box], rows[:, score], _numbers(rows[:, label]), rows[:, 6:]
        assert parts.boxes is not None
        assert parts.classes is not None
        boxes = outputs[parts.boxes].reshape(-1, outputs[parts.boxes].shape[-1])
        scores = boxes[:, 4] if parts.scores is None else outputs[parts.scores].reshape(-1)
        return boxes[:, :4], scores, _numbers(outputs[parts.classes].reshape(-1)), None

    def settled(self, probe: Probe) -> Head | None:
        outputs = probe.gray
        head: EndToEndHead = self
        if self.parts.rows is not None:
            rows = outputs[self.parts.rows].reshape(-1, outputs[self.parts.rows].shape[-1])
            rows = rows[np.abs(rows).sum(axis=1) > 0]
            if len(rows) == 0:
                outputs = probe.street
                rows = outputs[self.parts.rows].reshape(-1, outputs[self.parts.rows].shape[-1])
                rows = rows[np.abs(rows).sum(axis=1) > 0]
            order = _order_of(rows, self.order, is_paddle=self.is_paddle)
            if order is None:
                return None
            head = replace(self, order=order)
            left = rows.shape[1] - (7 if order[0][0] == 1 else 6)
            if left == 1:
                head = replace(head, ignored="the angles of turned boxes")
            elif left and left != 3 * PERSON:
                head = replace(head, ignored="masks")
        boxes = head._read(outputs)[0]
        used = boxes[(np.abs(boxes).sum(axis=1) > 0)].astype(np.float64)
        in_fractions = bool(len(used)) and bool(np.quantile(np.abs(used), 0.98) <= 2.0)
        centers = head.ignored == "the angles of turned boxes" or _are_centers(used)
        return replace(head, in_fractions=in_fractions, gives_pixels=not in_fractions, centers=centers)

    def further_inputs(self, size: Size) -> tuple[Tensor, ...]:
        known = {"scale_factor": (1.0, 1.0), "im_shape": (size[1], size[0])}
        return tuple(np.array([known[name]], dtype=np.float32) for name in self.extra_inputs)


def _numbers(classes: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Class numbers of the nearest whole ones; -1, no class, for what is not finite: a machine may turn that into any
    number."""
    values = classes.astype(np.float64)
    known = np.isfinite(values) & (np.abs(values) < 2**31)
    return np.rint(np.where(known, values, -1.0)).astype(np.int64)


def _are_centers(boxes: FloatArray) -> bool:
    """Whether four numbers are centre and size: corners never come with the second before the first."""
    return bool(len(boxes)) and bool((boxes[:, 2:] < boxes[:, :2]).any(axis=1).mean() > 0.2)


def _order_of(rows: Values, usual: Order, *, is_paddle: bool) -> Order | None:
    """The order of columns that the rows of a run allow: classes are whole numbers, scores are between 0 and 1 and
    fall, or at least are no pixels. None where no order does."""
    numbered = (_NUMBERED, _NUMBERED_SCORE_FIRST)
    orders: list[Order] = [_CLASS_FIRST, _USUAL] if is_paddle else [_USUAL, _CLASS_FIRST]
    if rows.shape[1] == 7:
        orders = [*numbered, _USUAL] if usual == _NUMBERED else [_USUAL, *numbered]
    if len(rows) == 0:
        return orders[0]
    return next((order for order in orders if _fits(rows, order)), None)


def _fits(rows: Values, order: Order) -> bool:
    box, score, label = order
    scores, labels = rows[:, score], rows[:, label]
    is_numbered = box[0] == 1
    if is_numbered and not (rows[:, 0] == np.rint(rows[:, 0])).all():
        return False
    are_whole = bool((labels == np.rint(labels)).all()) and labels.min() >= -1
    return are_whole and scores.min() >= -1e-3 and scores.max() <= 1 + 1e-3
