"""The maps of YOLOv2, v3, v4, v5 and v7 with nothing decoded: one for each level, some boxes in each cell.

Each is (1, B(5+C), H, W), (1, B, H, W, 5+C) or one of their transposes, B anchors a cell. Which anchors, and the way
from offsets to boxes, follows from the number of levels and of anchors, the layout and the network's
operators: Darknet's networks have leaky activations or Mish, v5 and v7 have SiLU. Input: RGB, 0 to 1, stretched where
the network is Darknet's, letterboxed where it is v5 or v7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs
from rtdet.detectors.heads import anchors as sets
from rtdet.detectors.heads.anchors import AnchorSet, decode_level
from rtdet.detectors.heads.exporters import noted_names, usual_input
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.grid import sigmoid
from rtdet.detectors.heads.head import Candidates, Head, Match, Probe
from rtdet.detectors.heads.input_spec import Size
from rtdet.detectors.voc import VOC_CLASSES
from rtdet.geometry.boxes import cxcywh_to_xyxy
from rtdet.types import FloatArray

FORM_V2 = "one map (1, 5(5+C), H/32, W/32)"
FORM_V3 = "maps (1, 3(5+C), H, W) of two or three levels"
FORM_V5 = "maps (1, 3, H, W, 5+C) of three levels"

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MapLayout:
    """How a level's output is ordered. axes: its dimensions after the batch, "b" anchors, "n" numbers, "h", "w"; or
    "f", anchors and numbers in one."""

    axes: str
    anchors: int
    numbers: int

    def as_maps(self, output: Values) -> Values:
        """(B, H, W, 5+C)."""
        values = output[0]
        if "f" in self.axes:
            values = values.transpose([self.axes.index(axis) for axis in "fhw"])
            values = values.reshape(self.anchors, self.numbers, *values.shape[1:])
            return np.asarray(values.transpose(0, 2, 3, 1))
        return np.asarray(values.transpose([self.axes.index(axis) for axis in "bhwn"]))


def _layout(shape: Dimensions, size: Size, stride: int, anchors: int) -> MapLayout | None:
    if None in shape or not shape or shape[0] != 1:
        return None
    sides = [side or 0 for side in shape[1:]]
    height, width = size[1] // stride, size[0] // stride
    for axes in ("fhw", "hwf", "bhwn", "hwbn", "bnhw"):
        if len(axes) != len(sides):
            continue
        by_axis = dict(zip(axes, sides, strict=True))
        if (by_axis["h"], by_axis["w"]) != (height, width):
            continue
        filters = by_axis.get("f", by_axis.get("b", 0) * by_axis.get("n", 0))
        if filters % anchors == 0 and filters // anchors >= 6 and by_axis.get("b", anchors) == anchors:
            return MapLayout(axes, anchors, filters // anchors)
    return None


@dataclass(frozen=True)
class _Found:
    outputs: tuple[int, ...]
    layouts: tuple[MapLayout, ...]


def _find(graph: Graph, strides: tuple[int, ...], anchors: int) -> _Found | None:
    """The outputs that are the maps of these levels, the finest first."""
    outputs, layouts = [], []
    for stride in strides:
        here = [(i, _layout(shape, graph.size, stride, anchors)) for i, shape in enumerate(graph.shapes)]
        known = [(i, layout) for i, layout in here if layout is not None]
        if len(known) != 1:
            return None
        outputs.append(known[0][0])
        layouts.append(known[0][1])
    if len(outputs) != len(graph.shapes) or len({layout.numbers for layout in layouts}) != 1:
        return None
    return _Found(tuple(outputs), tuple(layouts))


def recognize_v2(graph: Graph) -> Match | None:
    """One map with five anchors in each cell of stride 32."""
    found = _find(graph, (32,), 5)
    if found is None:
        return None
    classes = found.layouts[0].numbers - 5
    is_tiny = graph.info.operators.get("Convolution", 0) <= 10  # the full one has 23
    anchors = sets.V2_COCO if classes == 80 else sets.V2_TINY_VOC if is_tiny else sets.V2_VOC
    return Match(
        _head(graph, found, anchors), 0.85, f"five boxes and {classes} classes in each cell of one map"
    )


def recognize_v3(graph: Graph) -> Match | None:
    """Two or three maps with three anchors in each cell."""
    found = _find(graph, (8, 16, 32), 3) or _find(graph, (16, 32), 3)
    if found is None:
        return None
    operators = graph.info.operators
    if len(found.outputs) == 2:
        anchors = sets.V4_TINY if operators.get("Split", 0) + operators.get("Slice", 0) > 1 else sets.V3_TINY
    else:
        anchors = sets.V4 if operators.get("Mish", 0) + operators.get("SoftPlus", 0) > 20 else sets.V3
    # Of three levels v5 and v7 have the same maps, without leaky activations.
    is_darknet = len(found.outputs) == 2 or anchors is sets.V4 or operators.get("PRelu", 0) > 20
    sureness = 0.9 if is_darknet else 0.6
    return Match(
        _head(graph, found, anchors), sureness, f"three boxes in each cell, as {anchors.name} has them"
    )


def recognize_v5(graph: Graph) -> Match | None:
    """Three maps, the anchors an axis of their own, or SiLU in the network."""
    found = _find(graph, (8, 16, 32), 3)
    if found is None:
        return None
    operators = graph.info.operators
    has_silu = operators.get("Swish", 0) + operators.get("Sigmoid", 0) > 20
    is_apart = found.layouts[0].axes == "bhwn"
    many_pools = operators.get("MaxPool", 0) > 5 and not operators.get("PRelu", 0)
    head = _head(graph, found, sets.V7 if many_pools else sets.V5)
    head = replace(head, input=usual_input(graph, "rgb", "0..1", "letterbox"), follows_size=True)
    return Match(
        head, 0.92 if has_silu else 0.8 if is_apart else 0.4, "three boxes in each cell of three maps"
    )


def _head(graph: Graph, found: _Found, anchors: AnchorSet) -> AnchorMapsHead:
    classes = found.layouts[0].numbers - 5
    return AnchorMapsHead(
        input=usual_input(graph, "rgb", "0..1", "stretch"),
        class_count=classes,
        class_names=VOC_CLASSES if classes == len(VOC_CLASSES) and not noted_names(graph) else (),
        outputs=found.outputs,
        layouts=found.layouts,
        anchors=anchors,
    )


@dataclass(frozen=True, kw_only=True)
class AnchorMapsHead(Head):
    """outputs, layouts: of the levels, the finest first. is_activated: offsets of centres, objectness and classes
    went through the sigmoid (or the softmax) already, and all of a `squared` set's numbers."""

    outputs: tuple[int, ...]
    layouts: tuple[MapLayout, ...]
    anchors: AnchorSet
    is_activated: bool = False

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        parts = [self._level(level, outputs, least_score) for level in range(len(self.outputs))]
        boxes, scores, labels = (np.concatenate([part[i] for part in parts]) for i in range(3))
        return Candidates(cxcywh_to_xyxy(boxes), scores, labels)

    def _level(
        self, level: int, outputs: Outputs, least_score: float
    ) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
        maps = self.layouts[level].as_maps(outputs[self.outputs[level]])
        objectness = maps[..., 4] if self.is_activated else sigmoid(maps[..., 4])
        which, y, x = np.nonzero(objectness >= least_score)
        rows = maps[which, y, x]
        classes = self._classes(rows[:, 5:])
        labels = classes.argmax(axis=1)
        scores = objectness[which, y, x].astype(np.float64) * classes[np.arange(len(rows)), labels]
        keep = scores >= least_score
        rows, scores, labels = rows[keep, :4], scores[keep], labels[keep]
        if not self.is_activated:
            through = 4 if self.anchors.squared else 2
            rows = np.concatenate([sigmoid(rows[:, :through]), rows[:, through:]], axis=1)
        cells = np.stack([x[keep], y[keep]], axis=1).astype(np.float64)
        return decode_level(rows, self.anchors, level, cells, which[keep]), scores, labels

    def _classes(self, rows: Values) -> Values:
        if self.is_activated:
            return rows
        if not self.anchors.softmax:
            return sigmoid(rows)
        powers = np.exp(rows - rows.max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def settled(self, probe: Probe) -> Head | None:
        objectness = [
            layout.as_maps(probe.gray[i])[..., 4]
            for i, layout in zip(self.outputs, self.layouts, strict=True)
        ]
        low, high = min(part.min() for part in objectness), max(part.max() for part in objectness)
        return replace(self, is_activated=bool(low >= -1e-6 and high <= 1 + 1e-6))

    def fits(self, shapes: tuple[Dimensions, ...], size: Size) -> bool:
        return all(
            _layout(shapes[i], size, stride, layout.anchors) == layout
            for i, stride, layout in zip(self.outputs, self.anchors.strides, self.layouts, strict=True)
        )
