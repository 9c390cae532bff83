"""Makers of tiny networks that look like somebody's export: each gives out known boxes, encoded as its family does.

A made network answers only to an input that was prepared as its family's is: it looks at the mean of each channel,
and where colour order, scale or layout are wrong it sees nothing. To add a family, write a function that yields
`Made`s and give it a line in `MAKERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
    "0..1": ((0, 0, 0), (255, 255, 255)),
    "-1..1": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
}
_TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}


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
        return 1.5 if self.takes[1] == "0..255" else 0.01

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


def yolox() -> Iterator[Made]:
    """(1, A, 5+C): offsets from the cell, log sizes; or decoded to pixels."""
    for decoded in (False, True):
        rows = np.zeros((1, 2100, 5 + CLASSES), np.float32)
        for i, (x, y, stride) in enumerate(cells()):
            center = ((x + 0.5) * stride, (y + 0.5) * stride)
            rows[0, i, :4] = (*center, stride, stride) if decoded else (0.5, 0.5, 0, 0)
            for label, score, box in OBJECTS:
                middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
                size = (box[2] - box[0], box[3] - box[1])
                if stride == stride_for(box) and (middle[0] // stride, middle[1] // stride) == (x, y):
                    rows[0, i, :4] = (*middle, *size)
                    if not decoded:
                        rows[0, i, :4] = (
                            *np.array(middle) / stride - (x, y),
                            *np.log(np.array(size) / stride),
                        )
                    rows[0, i, 4], rows[0, i, 5 + label] = score**0.5, score**0.5
        silent = rows.copy()
        silent[..., 4:] = 0
        name = "decoded" if decoded else "offsets"
        yield Made(name, {"output": rows}, {"output": silent}, takes=("bgr", "0..255"))


# By the name of the family in HEADS.
MAKERS: Mapping[str, Callable[[], Iterator[Made]]] = {
    "yolox": yolox,
}


def all_made() -> list[tuple[str, Made]]:
    """Every network of every maker, with the family that it is of."""
    return [(family, made) for family, maker in MAKERS.items() for made in maker()]
