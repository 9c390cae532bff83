"""The anchor-free heads of YOLOv8, v9, 11, 12 and their kin, decoded: (1, 4+C, A).

Input: RGB, 0 to 1, letterboxed. Output: for each of A cells (strides 8, 16, 32, maybe 4 or 64) four numbers of a box
and C class scores, no objectness: centre and size in pixels of the input, or in fractions of it; some exports give
corners, or the transpose (1, A, 4+C). Behind the classes may be what other tasks need: key points (3 numbers each),
the angle of a turned box, or the coefficients of a mask.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs
from rtdet.detectors.heads.exporters import mask_prototypes, noted_names, noted_task, usual_input
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.grid import Grid, grid_for, sigmoid
from rtdet.detectors.heads.head import Candidates, Head, Match, Probe
from rtdet.detectors.heads.input_spec import Size
from rtdet.detectors.heads.key_points import PERSON, read_points
from rtdet.geometry.boxes import cxcywh_to_xyxy
from rtdet.types import FloatArray

FORM = "(1, 4+C, A), A the cells of the strides 8, 16, 32"

Values = npt.NDArray[np.float32]


def recognize(graph: Graph) -> Match | None:
    """By a column for each cell: fewer rows than columns, or the number of classes that its notes name."""
    at = _output(graph)
    if at is None:
        return None
    output, rows_first = at
    _, rows, columns = graph.shapes[output]
    numbers = (columns if rows_first else rows) or 0
    names = noted_names(graph)
    prototypes = mask_prototypes(graph)
    classes = len(names) or _class_count(numbers, prototypes, noted_task(graph))
    if not 1 <= classes <= numbers - 4:
        return None
    head = Yolov8Head(
        input=usual_input(graph, "rgb", "0..1", "letterbox"),
        class_count=classes,
        numbers=numbers,
        output=output,
        rows_first=rows_first,
        has_noted_classes=bool(names),
        task=noted_task(graph),
        follows_size=True,
        gives_pixels=True,
        ignored="masks" if prototypes else "",
    )
    sureness = 0.9 if names or not rows_first else 0.6 if numbers == 84 else 0.4
    return Match(head, sureness, f"4 numbers of a box and {classes} classes for each cell, no objectness")


def _output(graph: Graph) -> tuple[int, bool] | None:
    """(index of the output with the boxes, whether its rows are cells), or None."""
    for i, shape in enumerate(graph.shapes):
        if len(shape) == 3 and shape[0] == 1 and None not in shape:
            _, rows, columns = shape
            if columns is not None and rows is not None and min(rows, columns) >= 5:
                if _grid(graph.size, columns) is not None and rows < columns:
                    return i, False
                if _grid(graph.size, rows) is not None and columns < rows:
                    return i, True
    return None


def _class_count(numbers: int, prototypes: int, task: str) -> int:
    """How many of the numbers of a cell are classes, where no note names them. A run may still tell otherwise."""
    if prototypes:
        return numbers - 4 - prototypes
    if task == "pose" or numbers == 4 + 1 + 3 * PERSON:
        return 1
    return numbers - 5 if task == "obb" else numbers - 4


def _grid(size: Size, count: int) -> Grid | None:
    return grid_for(size, count, ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32)))


@dataclass(frozen=True, kw_only=True)
class Yolov8Head(Head):
    """numbers: of a cell. output: which has them. rows_first: (1, A, numbers). corners: boxes are xyxy, not centre
    and size. in_fractions: positions are parts of the input's sides. logits: class scores are undecoded."""

    class_count: int
    numbers: int
    output: int
    rows_first: bool
    has_noted_classes: bool
    task: str
    corners: bool = False
    in_fractions: bool = False
    logits: bool = False

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        columns = self._columns(outputs)
        classes = columns[4 : 4 + self.class_count]
        if self.logits:
            classes = sigmoid(classes)
        labels = classes.argmax(axis=0)
        best = classes[labels, np.arange(classes.shape[1])]
        index = np.flatnonzero(best >= least_score)
        boxes = self._boxes(columns[:4, index], size)
        points = read_points(columns[4 + self.class_count :, index].T, size if self.in_fractions else None)
        return Candidates(boxes, best[index].astype(np.float64), labels[index], points)

    def _columns(self, outputs: Outputs) -> Values:
        output: Values = outputs[self.output][0]
        return output.T if self.rows_first else output

    def _boxes(self, columns: Values, size: Size) -> FloatArray:
        boxes = columns.T.astype(np.float64)
        if self.in_fractions:
            boxes = boxes * np.array(size * 2)
        return boxes if self.corners else cxcywh_to_xyxy(boxes)

    def settled(self, probe: Probe) -> Head | None:
        columns = self._columns(probe.gray)
        grid = _grid(probe.size, columns.shape[1])
        if grid is None:
            return None
        classes, logits = self._settled_classes(columns)
        boxes = columns[:4].T.astype(np.float64)
        in_fractions = bool(np.quantile(np.abs(boxes), 0.98) <= 2.0)
        if in_fractions:
            boxes = boxes * np.array(probe.size * 2)
        head = replace(
            self,
            class_count=classes,
            logits=logits,
            in_fractions=in_fractions,
            gives_pixels=not in_fractions,
            corners=_are_corners(boxes, grid),
        )
        return replace(head, ignored=head.ignored or head._what_is_left(columns))

    def _settled_classes(self, columns: Values) -> tuple[int, bool]:
        """(number of classes, whether they are logits): scores lie between 0 and 1, angles and key points do not."""
        low, high = columns[4:].min(axis=1), columns[4:].max(axis=1)
        if self.has_noted_classes or self.class_count < self.numbers - 4:
            of_classes = slice(0, self.class_count)
            return self.class_count, bool((low[of_classes] < -0.5).mean() > 0.5)
        if (low < -0.5).mean() > 0.5:
            return self.class_count, True
        is_score = (low >= -1e-3) & (high <= 1 + 1e-3)
        return (len(is_score) if is_score.all() else max(1, int(np.argmin(is_score)))), False

    def _what_is_left(self, columns: Values) -> str:
        left = len(columns) - 4 - self.class_count
        if left == 1:
            return "the angles of turned boxes"
        if left > 1 and left != 3 * PERSON:
            return f"{left} more numbers for each box"
        return ""

    def fits(self, shapes: tuple[Dimensions, ...], size: Size) -> bool:
        shape = shapes[self.output]
        count = shape[1] if self.rows_first else shape[2]
        return count is not None and _grid(size, count) is not None


def _are_corners(boxes: FloatArray, grid: Grid) -> bool:
    """Whether four numbers are left, top, right, bottom: the middle of a box is near its own cell's."""
    center = (grid.cells + 0.5) * grid.strides
    as_centers = np.median(np.abs(boxes[:, :2] - center) / grid.strides)
    as_corners = np.median(np.abs((boxes[:, :2] + boxes[:, 2:]) / 2 - center) / grid.strides)
    return bool(as_corners < as_centers)
