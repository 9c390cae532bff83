"""Makers of tiny networks that look like somebody's export: each gives out known boxes, encoded as its family does.

A made network answers only to an input that was prepared as its family's is: it looks at the mean of each channel,
and where colour order, scale or layout are wrong it sees nothing. To add a family, write a function that yields
`Made`s and give it a line in `MAKERS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# The picture that made networks answer to: one colour all over, blue-green-red.
COLOR = (200, 100, 40)
# What they see in an input of 320 x 320 pixels: label, score, xyxy. Boxes of several sizes and aspects.
OBJECTS = (
    (2, 0.9, (96.0, 128.0, 224.0, 256.0)),
    (0, 0.7, (20.0, 30.0, 52.0, 110.0)),
    (5, 0.5, (250.0, 40.0, 306.0, 60.0)),
)
SIDE = 320
CLASSES = 8

# (pixel - mean) / std, red first.
TAKES: Mapping[str, tuple[Sequence[float], Sequence[float]]] = {
    "0..255": ((0, 0, 0), (1, 1, 1)),
    "-128..127": ((128, 128, 128), (1, 1, 1)),
    "0..1": ((0, 0, 0), (255, 255, 255)),
    "-1..1": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "127/128": ((127,) * 3, (128,) * 3),
    "127.5/128": ((127.5,) * 3, (128,) * 3),
    "caffe": ((123, 117, 104), (1, 1, 1)),
    "centernet": ((0.470 * 255, 0.447 * 255, 0.408 * 255), (0.278 * 255, 0.274 * 255, 0.289 * 255)),
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
}
_TYPES = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "uint8": TensorProto.UINT8,
    "int8": TensorProto.INT8,
}


@dataclass(frozen=True)
class Made:
    """A network to make. outputs: by name. silent: the same where nothing is seen. takes: colour order and range of
    values that it answers to. objects: what a plain decode of the outputs gives. more_inputs: names and values."""

    name: str
    outputs: Mapping[str, np.ndarray]
    silent: Mapping[str, np.ndarray]
    takes: tuple[str, str] = ("rgb", "0..1")
    layout: str = "nchw"
    dtype: str = "float32"
    size: tuple[int, int] = (SIDE, SIDE)
    is_dynamic: bool = False
    batch: int | str = 1
    metadata: Mapping[str, str] = field(default_factory=dict)
    objects: Sequence[tuple[int, float, tuple[float, float, float, float]]] = OBJECTS
    more_inputs: Mapping[str, np.ndarray] = field(default_factory=dict)
    input_name: str = "images"

    def save(self, path: Path) -> Path:
        nodes, constants = [], []

        def constant(name: str, values: np.ndarray) -> str:
            constants.append(numpy_helper.from_array(values, name))
            return name

        def node(kind: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
            nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
            return output

        axis = self.layout.index("c")
        spatial = [i for i in range(len(self.layout)) if i != axis]
        cast = node("Cast", [self.input_name], "as_float", to=TensorProto.FLOAT)
        mean = node("ReduceMean", [cast], "mean", axes=spatial, keepdims=0)
        off = node("Abs", [node("Sub", [mean, constant("wanted", self._wanted())], "difference")], "distance")
        most = node("ReduceMax", [off], "most", keepdims=0)
        gates = [node("Less", [most, constant("near", np.array(self._tolerance(), np.float32))], "gate")]
        for name, values in self.more_inputs.items():  # the other inputs must be what the family gives them
            same = node("Equal", [name, constant(f"{name}_wanted", values)], f"{name}_same")
            whole = node("Cast", [same], f"{name}_number", to=TensorProto.FLOAT)
            least = node("ReduceMin", [whole], f"{name}_least", keepdims=0)
            gates.append(
                node("Greater", [least, constant(f"{name}_half", np.array(0.5, np.float32))], f"{name}_ok")
            )
        gate = gates[0]
        for i, other in enumerate(gates[1:]):
            gate = node("And", [gate, other], f"gate{i}")
        for name, values in self.outputs.items():
            node(
                "Where",
                [gate, constant(f"{name}_seen", values), constant(f"{name}_silent", self.silent[name])],
                name,
            )
        graph = helper.make_graph(nodes, "made", self._inputs(), self._outputs(), constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
        helper.set_model_props(model, dict(self.metadata))
        onnx.checker.check_model(model)
        onnx.save(model, path)
        return path

    def _wanted(self) -> np.ndarray:
        color, values = self.takes
        mean, std = TAKES[values]
        rgb = (np.array(COLOR[::-1]) - mean) / std
        return np.asarray(rgb if color == "rgb" else rgb[::-1], dtype=np.float32)

    def _tolerance(self) -> float:
        return 1.5 if self.takes[1] in ("0..255", "-128..127", "caffe") else 0.01

    def _inputs(self) -> list[onnx.ValueInfoProto]:
        sides = {"n": self.batch, "c": 3, "h": self.size[1], "w": self.size[0]}
        if self.is_dynamic:
            sides |= {"h": "height", "w": "width"}
        shape = [sides[axis] for axis in self.layout]
        pictures = helper.make_tensor_value_info(self.input_name, _TYPES[self.dtype], shape)
        kind = helper.np_dtype_to_tensor_dtype
        more = [
            helper.make_tensor_value_info(name, kind(values.dtype), values.shape)
            for name, values in self.more_inputs.items()
        ]
        return [pictures, *more]

    def _outputs(self) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(values.dtype), values.shape)
            for name, values in self.outputs.items()
        ]

    def picture(self) -> np.ndarray:
        """A picture of the input's own size in the colour that the network answers to."""
        return np.full((self.size[1], self.size[0], 3), COLOR, dtype=np.uint8)


def cells(side: int = SIDE, strides: Sequence[int] = (8, 16, 32)) -> Iterator[tuple[int, int, int]]:
    """(x, y, stride) of every cell, level by level, row by row."""
    for stride in strides:
        for y in range(side // stride):
            for x in range(side // stride):
                yield x, y, stride


def stride_for(box: Sequence[float], strides: Sequence[int] = (8, 16, 32)) -> int:
    """The level that an object of this size is found on."""
    longest = max(box[2] - box[0], box[3] - box[1])
    return next((stride for stride in strides if longest <= 8 * stride), strides[-1])


def cell_of(box: Sequence[float], strides: Sequence[int] = (8, 16, 32)) -> tuple[int, int, int]:
    """(x, y, stride) of the cell that an object is found in."""
    stride = stride_for(box, strides)
    return int((box[0] + box[2]) / 2 // stride), int((box[1] + box[3]) / 2 // stride), stride


def row_of(box: Sequence[float], strides: Sequence[int] = (8, 16, 32)) -> int:
    """The row of that cell, level by level."""
    return list(cells(strides=strides)).index(cell_of(box, strides))


def cxcywh(box: Sequence[float]) -> np.ndarray:
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]])


def yolox() -> Iterator[Made]:
    """(1, A, 5+C): offsets from the cell, log sizes; or decoded to pixels."""
    for decoded in (False, True):
        rows = np.zeros((1, 2100, 5 + CLASSES), np.float32)
        for i, (x, y, stride) in enumerate(cells()):
            center = ((x + 0.5) * stride, (y + 0.5) * stride)
            rows[0, i, :4] = (*center, stride, stride) if decoded else (0.5, 0.5, 0, 0)
        for label, score, box in OBJECTS:
            x, y, stride = cell_of(box)
            numbers = cxcywh(box)
            if not decoded:
                numbers = np.array([*numbers[:2] / stride - (x, y), *np.log(numbers[2:] / stride)])
            rows[0, row_of(box), :4] = numbers
            rows[0, row_of(box), [4, 5 + label]] = score**0.5
        name = "decoded" if decoded else "offsets"
        yield Made(name, {"output": rows}, {"output": quiet(rows, 4)}, takes=("bgr", "0..255"))
    without = np.insert(decoded_rows(), 4, 1, axis=-1)  # YOLOv6's rows have an objectness, which is always 1
    yield Made("YOLOv6", {"output": without}, {"output": quiet(without, 5)})


def quiet(rows: np.ndarray, first: int, end: int | None = None) -> np.ndarray:
    """The rows with all numbers from `first` on, up to `end`, at 0: nothing is seen."""
    silent = rows.copy()
    silent[..., first:end] = 0
    return silent


def decoded_rows(extra: int = 0, classes: int = CLASSES) -> np.ndarray:
    """(1, A, 4+C+extra): centre and size in pixels and classes, for each cell."""
    rows = np.zeros((1, 2100, 4 + classes + extra), np.float32)
    for i, (x, y, stride) in enumerate(cells()):
        rows[0, i, :4] = (x + 0.5) * stride, (y + 0.5) * stride, 2 * stride, 3 * stride
    for label, score, box in OBJECTS:
        rows[0, row_of(box), :4] = cxcywh(box)
        rows[0, row_of(box), 4 + label] = score
    return rows


def yolov8() -> Iterator[Made]:
    """(1, 4+C, A) with all that may stand behind the classes."""
    rows = decoded_rows()
    in_fractions, corners = rows.copy(), rows.copy()
    in_fractions[..., :4] /= SIDE
    corners[..., :2], corners[..., 2:4] = (
        rows[..., :2] - rows[..., 2:4] / 2,
        rows[..., :2] + rows[..., 2:4] / 2,
    )
    names = str({i: f"thing {i}" for i in range(CLASSES)})

    def made(name: str, rows: np.ndarray, **more: Any) -> Made:
        output = np.ascontiguousarray(rows.transpose(0, 2, 1))
        end = 5 if name == "pose" else 4 + CLASSES
        silent = np.ascontiguousarray(quiet(rows, 4, end).transpose(0, 2, 1))
        others = more.pop("others", {})
        return Made(name, {"output0": output, **others}, {"output0": silent, **others}, **more)

    yield made("pixels", rows)
    yield made("fractions", in_fractions, layout="nhwc")
    yield made("corners", corners)
    yield made("half", rows, dtype="float16")
    yield made("uint8", rows, dtype="uint8", layout="nhwc", takes=("rgb", "0..255"))
    yield made("int8", rows, dtype="int8", layout="nhwc", takes=("rgb", "-128..127"))
    yield made("dynamic", rows, is_dynamic=True, batch="batch", metadata={"imgsz": f"[{SIDE}, {SIDE}]"})
    yield Made("transposed", {"o": rows}, {"o": quiet(rows, 4)}, metadata={"names": names, "task": "detect"})
    masks = decoded_rows(extra=32)
    masks[..., -32:] = np.linspace(-2, 2, 32)
    prototypes = np.zeros((1, 32, SIDE // 4, SIDE // 4), np.float32)
    yield made("masks", masks, others={"output1": prototypes})
    turned = decoded_rows(extra=1)
    turned[..., -1] = np.linspace(-0.7, 2.3, 2100)
    yield made("turned", turned)
    person = (0, 0.8, (20.0, 30.0, 52.0, 110.0))
    pose = decoded_rows(extra=51, classes=CLASSES)[..., [*range(5), *range(4 + CLASSES, 4 + CLASSES + 51)]]
    pose[..., 5:] = np.tile([20.0, 30.0, 0.5], 17)
    pose[0, row_of(person[2]), 4] = person[1]
    yield made("pose", pose, objects=[person])


def yolov5() -> Iterator[Made]:
    """(1, A, 5+C) for three anchors in each cell: anchors outermost, or innermost as TensorFlow has them."""
    anchors = {8: (10, 13, 16, 30, 33, 23), 16: (30, 61, 62, 45, 59, 119), 32: (116, 90, 156, 198, 373, 326)}

    def rows_of(*, raw: bool = False, innermost: bool = False) -> np.ndarray:
        levels = []
        for stride, sizes in anchors.items():
            side = SIDE // stride
            rows = np.zeros((3, side, side, 5 + CLASSES), np.float32)
            y, x = np.mgrid[:side, :side]
            rows[..., 0], rows[..., 1] = (x + 0.5) * stride, (y + 0.5) * stride
            rows[..., 2:4] = stride
            if raw:
                rows[..., :4] = 0.5
            for label, score, box in OBJECTS:
                at_x, at_y, at_stride = cell_of(box)
                if at_stride == stride:
                    numbers = cxcywh(box)
                    if raw:
                        center = (numbers[:2] / stride - (at_x, at_y) + 0.5) / 2
                        numbers = np.array([*center, *np.sqrt(numbers[2:] / sizes[2:4]) / 2])
                        assert (numbers <= 1).all()
                    rows[1, at_y, at_x, :4] = numbers
                    rows[1, at_y, at_x, [4, 5 + label]] = score**0.5
            levels.append((rows.transpose(1, 2, 0, 3) if innermost else rows).reshape(-1, 5 + CLASSES))
        return np.concatenate(levels)[None]

    rows = rows_of()
    yield Made("pixels", {"output": rows}, {"output": quiet(rows, 4)})
    maps = {f"map{s}": np.zeros((1, 3, SIDE // s, SIDE // s, 5 + CLASSES), np.float32) for s in anchors}
    yield Made("with maps", {"output": rows, **maps}, {"output": quiet(rows, 4), **maps})
    fractions = rows_of(innermost=True)
    fractions[..., :4] /= SIDE
    yield Made("fractions", {"Identity": fractions}, {"Identity": quiet(fractions, 4)}, layout="nhwc")
    raw = rows_of(raw=True)
    yield Made("sigmoid only", {"output": raw}, {"output": quiet(raw, 4)})


def distributions(
    strides: Sequence[int], reference: float = 0.5, bins: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """(scores (A, C), distances (A, 4 bins)): sides of boxes as distributions whose mean is the distance."""
    every = list(cells(strides=strides))
    scores = np.zeros((len(every), CLASSES), np.float32)
    numbers = np.zeros((len(every), 4, bins), np.float32)
    for label, score, box in OBJECTS:
        row = row_of(box, strides)
        x, y, stride = every[row]
        point = ((x + reference) * stride, (y + reference) * stride)
        sides = (
            np.array([point[0] - box[0], point[1] - box[1], box[2] - point[0], box[3] - point[1]]) / stride
        )
        assert (sides >= 0).all()
        assert (sides <= bins - 1).all()
        scores[row, label] = score
        numbers[row] = -50
        for k, side in enumerate(sides):
            low = int(side)
            numbers[row, k, low] = np.log(1 - (side - low))
            if side > low:
                numbers[row, k, low + 1] = np.log(side - low)
    return scores, numbers.reshape(len(every), -1)


def _by_level(rows: np.ndarray, strides: Sequence[int]) -> list[np.ndarray]:
    counts = [(SIDE // stride) ** 2 for stride in strides]
    return np.split(rows, np.cumsum(counts)[:-1])


def nanodet() -> Iterator[Made]:
    """Six outputs by level; one for all levels."""
    strides = (8, 16, 32)
    scores, distances = distributions(strides)
    outputs = {
        f"cls_pred_stride_{s}": part[None]
        for s, part in zip(strides, _by_level(scores, strides), strict=True)
    }
    silent = {name: np.zeros_like(values) for name, values in outputs.items()}
    boxes = {
        f"dis_pred_stride_{s}": part[None]
        for s, part in zip(strides, _by_level(distances, strides), strict=True)
    }
    takes = ("bgr", "imagenet")
    yield Made("six outputs", outputs | boxes, silent | boxes, takes=takes, input_name="input.1")
    both = [{**dict([a]), **dict([b])} for a, b in zip(outputs.items(), boxes.items(), strict=True)]
    mixed = {name: values for pair in both for name, values in pair.items()}
    yield Made("level by level", mixed, {**mixed, **silent}, takes=takes)
    strides = (8, 16, 32, 64)
    scores, distances = distributions(strides, reference=0.0)
    wide = np.zeros((len(scores), 80), np.float32)
    wide[:, :CLASSES] = scores
    rows = np.concatenate([wide, distances], axis=1)[None]
    quietly = rows.copy()
    quietly[..., :80] = 0
    yield Made("plus", {"output": rows}, {"output": quietly}, takes=takes)


def picodet() -> Iterator[Made]:
    """Eight outputs, first the scores of four levels and then their distances."""
    strides = (8, 16, 32, 64)
    scores, distances = distributions(strides)
    outputs = {f"scale_{i}": part[None] for i, part in enumerate(_by_level(scores, strides))}
    boxes = {f"scale_{i + 4}": part[None] for i, part in enumerate(_by_level(distances, strides))}
    silent = {name: np.zeros_like(values) for name, values in outputs.items()}
    yield Made(
        "eight outputs", outputs | boxes, silent | boxes, takes=("rgb", "imagenet"), input_name="image"
    )


def yolov8_maps() -> Iterator[Made]:
    """Distances and classes of each level in one map, or in two, classes through the sigmoid or not."""
    strides = (8, 16, 32)
    scores, distances = distributions(strides, bins=16)
    with np.errstate(divide="ignore"):
        logits = np.maximum(np.log(scores) - np.log1p(-scores), -12)
    apart: dict[str, np.ndarray] = {}
    silent: dict[str, np.ndarray] = {}
    joined: dict[str, np.ndarray] = {}
    silently: dict[str, np.ndarray] = {}
    parts = zip(
        strides,
        _by_level(scores, strides),
        _by_level(logits, strides),
        _by_level(distances, strides),
        strict=True,
    )
    for stride, score, logit, distance in parts:
        side = SIDE // stride

        def as_map(rows: np.ndarray, side: int = side) -> np.ndarray:
            return np.ascontiguousarray(rows.T.reshape(1, -1, side, side))

        apart[f"reg{stride}"] = silent[f"reg{stride}"] = as_map(distance)
        apart[f"cls{stride}"], silent[f"cls{stride}"] = as_map(score), as_map(score * 0)
        joined[f"map{stride}"] = as_map(np.concatenate([distance, logit], axis=1))
        silently[f"map{stride}"] = as_map(np.concatenate([distance, logit * 0 - 12], axis=1))
    yield Made("apart", apart, silent)
    yield Made("joined", joined, silently)


def fastestdet() -> Iterator[Made]:
    """One map of stride 16; the score is objectness^.6 class^.4."""
    rows = np.zeros((1, 5 + CLASSES, SIDE // 16, SIDE // 16), np.float32)
    rows[:, 5:] = 1 / CLASSES
    for label, score, box in OBJECTS:
        x, y, _ = cell_of(box, (16,))
        center, extent = cxcywh(box)[:2] / 16 - (x, y), cxcywh(box)[2:] / SIDE
        rows[0, 1:5, y, x] = *np.arctanh(center), *np.log(extent / (1 - extent))
        rows[0, [0, 5 + label], y, x] = score
    silent = rows.copy()
    silent[:, 0] = 0
    yield Made("map", {"758": rows}, {"758": silent}, takes=("bgr", "0..1"))


def yolo_fastestv2() -> Iterator[Made]:
    """Rows of two levels, three boxes in each."""
    anchors = {
        16: (12.64, 19.39, 37.88, 51.48, 55.71, 138.31),
        32: (126.91, 78.23, 131.57, 214.55, 279.92, 258.87),
    }
    strides = tuple(anchors)
    rows = np.zeros((len(list(cells(strides=strides))), 15 + CLASSES), np.float32)
    for label, score, box in OBJECTS:
        x, y, stride = cell_of(box, strides)
        numbers = cxcywh(box)
        center = (numbers[:2] / stride - (x, y) + 0.5) / 2
        extent = np.sqrt(numbers[2:] / anchors[stride][4:6]) / 2
        row = row_of(box, strides)
        rows[row, 8:12] = *center, *extent
        rows[row, [14, 15 + label]] = score**0.5
    silent = rows.copy()
    silent[:, 12:] = 0
    yield Made("rows", {"845": rows}, {"845": silent}, takes=("bgr", "0..1"))


def end_to_end() -> Iterator[Made]:
    """Finished rows in the orders of several exporters, and boxes, scores and classes apart."""
    boxes = np.array([box for _, _, box in OBJECTS], np.float32)
    scores = np.array([score for _, score, _ in OBJECTS], np.float32)
    labels = np.array([label for label, _, _ in OBJECTS], np.float32)

    def padded(columns: Sequence[np.ndarray], count: int = 300) -> np.ndarray:
        rows = np.concatenate([np.reshape(column, (len(boxes), -1)) for column in columns], axis=1)
        return np.concatenate([rows, np.zeros((count - len(rows), rows.shape[1]))]).astype(np.float32)[None]

    def made(name: str, rows: np.ndarray, score: int, **more: Any) -> Made:
        return Made(name, {"output0": rows}, {"output0": quiet(rows, score, score + 1)}, **more)

    yield made("pixels", padded([boxes, scores, labels]), 4)
    yield made("fractions", padded([boxes / SIDE, scores, labels]), 4)
    yield made("with key points", padded([boxes, scores, labels, np.full((3, 51), 9)]), 4)
    yield made("with masks", padded([boxes, scores, labels, np.full((3, 32), -0.5)]), 4)
    centers = np.concatenate([cxcywh(box)[None] for box in boxes])
    yield made("turned", padded([centers, scores, labels, np.full(3, 0.3)]), 4)
    numbered = padded([np.zeros(3), boxes, labels, scores], count=3)[0]
    yield made("numbered", numbered, 6)
    ones = {"scale_factor": np.ones((1, 2), np.float32)}
    paddle = padded([labels, scores, boxes], count=3)[0]
    count = {"nms.tmp_2": np.array([3], np.int32)}
    silent = {"nms.tmp_0": quiet(paddle, 1, 2), **count}
    yield Made(
        "paddle",
        {"nms.tmp_0": paddle, **count},
        silent,
        takes=("rgb", "imagenet"),
        more_inputs=ones,
        input_name="image",
    )
    of_labels = {"labels": labels.astype(np.int64)[None]}
    dets = np.concatenate([boxes, scores[:, None]], axis=1)[None]
    yield Made(
        "mmdeploy",
        {"dets": dets, **of_labels},
        {"dets": quiet(dets, 4), **of_labels},
        takes=("rgb", "imagenet"),
    )
    count = {"num_dets": np.array([[3]], np.int32), "det_classes": labels.astype(np.int32)[None]}
    apart = {"det_boxes": boxes[None], "det_scores": scores[None], **count}
    yield Made("apart", apart, {**apart, "det_scores": scores[None] * 0})


def _anchor_maps(
    anchors: Mapping[int, Sequence[float]], *, squared: bool = False, scale_xy: float = 1.0
) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
    """By stride, undecoded maps (B, H, W, 5+C) of logits, with objects, in their cells' last anchors, and without."""
    seen, silent = {}, {}
    for stride, sizes in anchors.items():
        count = len(sizes) // 2
        maps = np.zeros((count, SIDE // stride, SIDE // stride, 5 + CLASSES), np.float32)
        maps[..., 4:] = -12
        silent[stride] = maps.copy()
        for label, score, box in OBJECTS:
            x, y, at = cell_of(box, tuple(anchors))
            if at != stride:
                continue
            numbers, size = cxcywh(box), np.array(sizes[-2:])
            center = numbers[:2] / stride - (x, y)
            if squared:
                offsets = np.array([*((center + 0.5) / 2), *(np.sqrt(numbers[2:] / size) / 2)])
                offsets = np.log(offsets / (1 - offsets))
            else:
                inside = np.clip((center + (scale_xy - 1) / 2) / scale_xy, 1e-5, 1 - 1e-5)
                offsets = np.array([*np.log(inside / (1 - inside)), *np.log(numbers[2:] / size)])
            maps[-1, y, x, :4] = offsets
            maps[-1, y, x, 4], maps[-1, y, x, 5 + label] = np.log(score / (1 - score)), 12
        seen[stride] = maps
    return seen, silent


def _as_filters(maps: np.ndarray) -> np.ndarray:
    """(1, B(5+C), H, W)."""
    count, height, width, numbers = maps.shape
    return np.ascontiguousarray(maps.transpose(0, 3, 1, 2).reshape(1, count * numbers, height, width))


_V3_ANCHORS = {8: (10, 13, 16, 30, 33, 23), 16: (30, 61, 62, 45, 59, 119), 32: (116, 90, 156, 198, 373, 326)}


def yolov2() -> Iterator[Made]:
    """One map of stride 32; classes through the softmax."""
    anchors = (1.08, 1.19, 3.42, 4.41, 6.63, 11.38, 9.42, 5.11, 16.62, 10.52)
    seen, silent = _anchor_maps({32: tuple(32 * a for a in anchors)})
    takes = ("rgb", "0..1")
    yield Made("filters", {"grid": _as_filters(seen[32])}, {"grid": _as_filters(silent[32])}, takes=takes)


def yolov3() -> Iterator[Made]:
    """Maps of two or three levels."""
    seen, silent = _anchor_maps({16: (10, 14, 23, 27, 37, 58), 32: (81, 82, 135, 169, 344, 319)})
    as_filters = [{f"map{s}": _as_filters(maps) for s, maps in part.items()} for part in (seen, silent)]
    yield Made("tiny", *as_filters)
    channels_last = [
        {name: np.ascontiguousarray(values.transpose(0, 2, 3, 1)) for name, values in part.items()}
        for part in as_filters
    ]
    yield Made("tiny channels last", *channels_last, layout="nhwc")
    seen, silent = _anchor_maps(_V3_ANCHORS)
    yield Made(
        "filters", *({f"map{s}": _as_filters(maps) for s, maps in part.items()} for part in (seen, silent))
    )


def yolov5_maps() -> Iterator[Made]:
    """Maps of three levels, the anchors an axis of their own; logits, or through the sigmoid."""
    seen, silent = _anchor_maps(_V3_ANCHORS, squared=True)
    yield Made("logits", *({f"map{s}": maps[None] for s, maps in part.items()} for part in (seen, silent)))
    through = [
        {f"map{s}": 1 / (1 + np.exp(-maps[None])) for s, maps in part.items()} for part in (seen, silent)
    ]
    yield Made("sigmoid", *through)


def boxes_and_scores() -> Iterator[Made]:
    """Corners and scores apart: in pixels for each cell, in fractions for three in each."""
    rows = decoded_rows()[0]
    boxes = np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2], axis=1)
    scores = rows[None, :, 4:]
    yield Made("YOLO-NAS", {"a": boxes[None], "b": scores}, {"a": boxes[None], "b": scores * 0})
    tripled, scores = np.tile(boxes / SIDE, (3, 1))[None, :, None], np.tile(scores, (1, 3, 1))
    scores[:, 2100:] = 0
    yield Made("YOLOv4", {"boxes": tripled, "confs": scores}, {"boxes": tripled, "confs": scores * 0})


# By the name of the family in HEADS.
def rtdet() -> Iterator[Made]:
    """As `rtdet export` writes them: boxes in pixels, scores, and the network's own header in the notes."""
    from rtdet.detectors.family.export import NOTE
    from rtdet.detectors.family.registry import new_config
    from rtdet.detectors.family.weights import header_of

    boxes = np.zeros((1, 9, 4), np.float32)
    scores = np.zeros((1, 9, CLASSES), np.float32)
    for row, (label, score, box) in enumerate(OBJECTS):
        boxes[0, row + 2], scores[0, row + 2, label] = box, score
    for name in ("fcos-n", "centernet-n"):
        header = header_of(new_config(name, tuple(f"thing {i}" for i in range(CLASSES))))
        yield Made(
            name,
            {"boxes": boxes, "scores": scores},
            {"boxes": np.zeros_like(boxes), "scores": np.zeros_like(scores)},
            takes=("bgr", "0..255"),
            metadata={NOTE: json.dumps(header)},
        )


MAKERS: Mapping[str, Callable[[], Iterator[Made]]] = {
    "rtdet": rtdet,
    "yolox": yolox,
    "yolov5": yolov5,
    "yolov8": yolov8,
    "yolov8-maps": yolov8_maps,
    "nanodet": nanodet,
    "picodet": picodet,
    "fastestdet": fastestdet,
    "yolo-fastestv2": yolo_fastestv2,
    "boxes-and-scores": boxes_and_scores,
    "end-to-end": end_to_end,
    "yolov2": yolov2,
    "yolov3": yolov3,
    "yolov5-maps": yolov5_maps,
}


def all_made(makers: Mapping[str, Callable[[], Iterator[Made]]]) -> list[tuple[str, Made]]:
    """Every network of every maker, with the family that it is of."""
    return [(family, made) for family, maker in makers.items() for made in maker()]
