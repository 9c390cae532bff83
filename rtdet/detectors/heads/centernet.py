"""CenterNet (Zhou et al. 2019, arXiv:1904.07850), TTFNet (arXiv:1909.00700) and the face detectors made like them.

A heat map (1, C, H/4, W/4) whose peaks are the centres of objects, and for each cell CenterNet's size and offset (two
numbers each, in cells), TTFNet's and DBFace's distances to the four sides, or CenterFace's logarithms of height and
width and offset of y and x. Some exports list the peaks, too: (1, 100, 6) left, top, right, bottom, score, class. A
peak is a cell that no neighbour exceeds; there is no other NMS in CenterNet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from rtdet.backends.graphs import Dimensions
from rtdet.backends.network import Outputs
from rtdet.detectors.heads.graph import Graph
from rtdet.detectors.heads.grid import sigmoid
from rtdet.detectors.heads.head import Candidates, Head, Match, Probe
from rtdet.detectors.heads.input_spec import InputSpec, Size
from rtdet.detectors.heads.label_set import only_class
from rtdet.types import FloatArray, IntArray

FORM = "heat map (1, C, H/4, W/4), sizes (1, 2 or 4, H/4, W/4), offsets (1, 2, H/4, W/4)"

# Mean and deviation of COCO's pixels, blue first, as CenterNet and DBFace have them.
_MEAN = (0.408 * 255, 0.447 * 255, 0.470 * 255)
_STD = (0.289 * 255, 0.274 * 255, 0.278 * 255)
_STRIDES = (4, 8, 2)
Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Map:
    """An output (1, C, h, w), or (1, h, w, C) where `is_last`."""

    output: int
    channels: int
    is_last: bool

    def read(self, outputs: Outputs) -> Values:
        """(C, h, w)"""
        values: Values = outputs[self.output][0]
        return values.transpose(2, 0, 1) if self.is_last else values


def recognize(graph: Graph) -> Match | None:
    """By a heat map, and by what else there is for each of its cells."""
    for stride in _STRIDES:
        maps = [
            one for i, shape in enumerate(graph.shapes) if (one := _map(graph, i, shape, stride)) is not None
        ]
        found = _parts(graph, maps)
        if found is not None:
            heat, sizes, offsets, points = found
            head = _head(graph, heat, sizes, offsets, points, stride)
            return Match(head, 0.9, f"a heat map of {heat.channels} classes and sizes at stride {stride}")
    return None


def _map(graph: Graph, output: int, shape: Dimensions, stride: int) -> _Map | None:
    sides = (graph.size[1] // stride, graph.size[0] // stride)
    if len(shape) != 4 or shape[0] not in (1, None):
        return None
    if shape[2:] == sides and shape[1]:
        return _Map(output, shape[1], False)
    if shape[1:3] == sides and shape[3]:
        return _Map(output, shape[3], True)
    return None


def _parts(graph: Graph, maps: list[_Map]) -> tuple[_Map, _Map, _Map | None, _Map | None] | None:
    """Heat map, sizes, offsets, points of a face."""
    pairs = [one for one in maps if one.channels == 2]
    fours = [one for one in maps if one.channels == 4]
    points = next((one for one in maps if one.channels == 10 and len(maps) >= 3), None)
    rest = [one for one in maps if one not in (*pairs, *fours, points)]
    plain = [one for one in rest if "pool" not in graph.outputs[one.output].name.lower()] or rest
    heats = [one for one in plain if _sounds(graph, one, "hm", "heat", "center", "cls")] or plain
    if len(pairs) == 3 and not heats:  # two classes
        heats = [next((one for one in pairs if _sounds(graph, one, "hm", "heat")), pairs[0])]
        pairs = [one for one in pairs if one is not heats[0]]
    if not heats or len(maps) > 6:
        return None
    if fours and not pairs:
        return heats[0], fours[0], None, points
    if not 1 <= len(pairs) <= 2 or fours:
        return None
    offsets = next((one for one in pairs if _sounds(graph, one, "reg", "off")), None)
    sizes = next(
        (one for one in pairs if one is not offsets and _sounds(graph, one, "wh", "size", "width", "scale")),
        None,
    )
    sizes = sizes or next((one for one in pairs if one is not offsets), None)
    if sizes is None:
        return None
    return heats[0], sizes, offsets or next((one for one in pairs if one is not sizes), None), points


def _sounds(graph: Graph, one: _Map, *words: str) -> bool:
    return any(word in graph.outputs[one.output].name.lower() for word in words)


def _head(
    graph: Graph, heat: _Map, sizes: _Map, offsets: _Map | None, points: _Map | None, stride: int
) -> CenterNetHead:
    is_face = points is not None
    is_center_face = is_face and sizes.channels == 2
    listed = next(
        (i for i, s in enumerate(graph.shapes) if len(s) == 3 and s[2] == 6 and s[0] in (1, None)), None
    )
    usual = InputSpec("bgr", _MEAN, _STD, "corner" if is_face else "letterbox", 0)
    pixels = InputSpec.of("rgb", "0..255", "stretch")
    if is_center_face:
        usual = InputSpec.of("rgb", "0..255", "corner", 0)
    elif sizes.is_last or graph.layout == "nhwc":
        usual = pixels
    return CenterNetHead(
        input=usual,
        alternatives=()
        if is_face or usual == pixels
        else tuple(one for one in _alternatives() if one != usual),
        class_count=heat.channels,
        class_names=("face",) if is_face else only_class(graph.path.stem) if heat.channels == 1 else (),
        heat=heat,
        sizes=sizes,
        offsets=offsets,
        step=stride,
        listed=listed,
        is_center_face=is_center_face,
        distances_in_cells=is_face,
        follows_size=graph.layout == "nchw" and listed is None,
        long_side=640 if is_face else 512,
        is_selected=not is_face,
        gives_pixels=listed is not None,
        ignored="five points of each face" if is_face else "",
    )


def _alternatives() -> tuple[InputSpec, ...]:
    return (
        InputSpec.of("rgb", "0..255", "stretch"),
        InputSpec.of("bgr", "0..255", "stretch"),
        InputSpec("bgr", _MEAN, _STD, "letterbox", 0),
        InputSpec.of("rgb", "imagenet", "letterbox", 0),
        InputSpec.of("rgb", "0..1", "letterbox"),
    )


@dataclass(frozen=True, kw_only=True)
class CenterNetHead(Head):
    """heat, sizes, offsets: which outputs. step: pixels of a cell. listed: the output that lists the peaks.
    are_logits: of the heat map. is_center_face: logarithms of height and width, y before x. distances_in_cells:
    distances to the four sides are in cells, not pixels. alternatives: other ways to prepare a picture."""

    heat: _Map
    sizes: _Map
    offsets: _Map | None
    step: int
    listed: int | None
    is_center_face: bool
    distances_in_cells: bool
    are_logits: bool = False
    list_scale: float = 1.0
    alternatives: tuple[InputSpec, ...] = ()

    def decode(self, outputs: Outputs, size: Size, least_score: float) -> Candidates:
        if self.listed is not None:
            return self._listed(outputs, least_score)
        heat = self._heat(outputs)
        label, y, x = _peaks(heat, least_score)
        boxes = self._corners(self.sizes.read(outputs)[:, y, x].T, self._centers(outputs, y, x))
        return Candidates(boxes, heat[label, y, x].astype(np.float64), label)

    def _listed(self, outputs: Outputs, least_score: float) -> Candidates:
        assert self.listed is not None
        rows = np.asarray(outputs[self.listed], dtype=np.float64).reshape(-1, 6)
        count = self.heat.channels
        labels = np.clip(np.round(rows[:, 5]), -1, count).astype(np.int64)
        keep = np.flatnonzero((rows[:, 4] >= least_score) & (labels >= 0) & (labels < count))
        return Candidates(rows[keep, :4] * self.list_scale, rows[keep, 4], labels[keep])

    def _heat(self, outputs: Outputs) -> Values:
        heat = self.heat.read(outputs)
        return sigmoid(heat) if self.are_logits else heat

    def _centers(self, outputs: Outputs, y: IntArray, x: IntArray) -> FloatArray:
        """(N, 2) x and y in cells."""
        center = np.stack([x, y], axis=1).astype(np.float64)
        if self.offsets is None:
            return center
        offsets = self.offsets.read(outputs)[:, y, x].T.astype(np.float64)
        return center + (offsets[:, ::-1] + 0.5 if self.is_center_face else offsets)

    def _corners(self, values: Values, centers: FloatArray) -> FloatArray:
        numbers = values.astype(np.float64)
        if self.sizes.channels == 4:
            scale = self.step if self.distances_in_cells else 1
            near, far = numbers[:, :2] * scale, numbers[:, 2:] * scale
            return np.concatenate([centers * self.step - near, centers * self.step + far], axis=1)
        if self.is_center_face:
            numbers = np.exp(np.minimum(numbers[:, ::-1], 20.0))
        return np.concatenate([centers - numbers / 2, centers + numbers / 2], axis=1) * self.step

    def settled(self, probe: Probe) -> Head | None:
        heat = self.heat.read(probe.gray)
        head = replace(self, are_logits=bool(heat.min() < -1e-3 or heat.max() > 1 + 1e-3))
        if self.listed is not None:
            rows = np.asarray(probe.street[self.listed]).reshape(-1, 6)
            in_cells = rows[:, :4].max(initial=0) <= max(probe.size) / self.step + 2
            head = replace(head, list_scale=float(self.step) if in_cells else 1.0)
        return replace(head, input=head._best_input(probe))

    def _best_input(self, probe: Probe) -> InputSpec:
        """The one with which it is surest of what it sees in a rendered street."""
        if not self.alternatives:
            return self.input
        sureness = {
            spec: float(self.decode(probe.run(probe.street_picture, spec), probe.size, 0.3).scores.sum())
            for spec in (self.input, *self.alternatives)
        }
        best = max(sureness, key=sureness.__getitem__)
        return best if sureness[best] > sureness[self.input] * 1.25 + 0.3 else self.input

    def fits(self, shapes: tuple[Dimensions, ...], size: Size) -> bool:
        sides = (size[1] // self.step, size[0] // self.step)
        shape = shapes[self.heat.output]
        return (shape[1:3] if self.heat.is_last else shape[2:]) == sides


def _peaks(heat: Values, least_score: float) -> tuple[IntArray, IntArray, IntArray]:
    """Class, row and column of every cell that reaches a score and that no neighbour of its class exceeds."""
    classes = np.flatnonzero(heat.max(axis=(1, 2)) >= least_score)
    found = []
    for label in classes:
        one = np.ascontiguousarray(heat[label])
        highest = cv2.dilate(one, np.ones((3, 3), np.uint8))
        y, x = np.nonzero((one >= least_score) & (one == highest))
        found.append(np.stack([np.full(len(y), label), y, x]))
    label, y, x = np.concatenate(found, axis=1) if found else np.zeros((3, 0), dtype=np.int64)
    return label.astype(np.int64), y.astype(np.int64), x.astype(np.int64)
