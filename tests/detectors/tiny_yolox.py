"""A YOLOX-shaped ONNX network that really detects: red (class 0) and blue (class 1) spots.

A cell of stride 8 whose mean colour is red or blue gets a high objectness, the coarser levels stay silent.
Each box is centred on its cell and two strides wide and high.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save_tiny_yolox(
    path: Path,
    *,
    size: tuple[int, int] | None = (128, 128),
    classes: int = 2,
    decoded: bool = False,
    rigid: bool = False,
    p6: bool = False,
    names: str | None = None,
) -> Path:
    """size (width, height), None: dynamic. decoded: boxes in pixels. rigid: no other input size works."""
    strides = (8, 16, 32, 64) if p6 else (8, 16, 32)
    nodes, constants = [], []

    def constant(name: str, values: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(values, name))
        return name

    def level(stride: int) -> str:
        name = f"s{stride}"
        pool = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
        nodes.append(helper.make_node("AveragePool", ["images"], [f"{name}_mean"], **pool))
        weights, bias = _head(classes, silent=stride > 8)
        inputs = [f"{name}_mean", constant(f"{name}_w", weights), constant(f"{name}_b", bias)]
        nodes.append(helper.make_node("Conv", inputs, [f"{name}_raw"]))
        cells = -1 if size is None or not rigid else (size[0] // stride) * (size[1] // stride)
        shape = constant(f"{name}_shape", np.array([1, 5 + classes, cells], dtype=np.int64))
        nodes.append(helper.make_node("Reshape", [f"{name}_raw", shape], [name]))
        return name

    levels = [level(stride) for stride in strides]
    nodes.append(helper.make_node("Concat", levels, ["joined"], axis=2))
    nodes.append(helper.make_node("Transpose", ["joined"], ["rows"], perm=[0, 2, 1]))
    split = constant("split", np.array([2, 2, 1 + classes], dtype=np.int64))
    nodes.append(helper.make_node("Split", ["rows", split], ["xy", "wh", "logits"], axis=2))
    nodes.append(helper.make_node("Sigmoid", ["logits"], ["scores"]))
    center, extent = "xy", "wh"
    if decoded:
        assert size is not None
        cells, steps = _grid(size, strides)
        constant("cells", cells)
        constant("steps", steps)
        nodes.append(helper.make_node("Add", ["xy", "cells"], ["xy_cell"]))
        nodes.append(helper.make_node("Mul", ["xy_cell", "steps"], ["xy_pixel"]))
        nodes.append(helper.make_node("Exp", ["wh"], ["wh_exp"]))
        nodes.append(helper.make_node("Mul", ["wh_exp", "steps"], ["wh_pixel"]))
        center, extent = "xy_pixel", "wh_pixel"
    nodes.append(helper.make_node("Concat", [center, extent, "scores"], ["output"], axis=2))
    height, width = ("h", "w") if size is None else (size[1], size[0])
    pictures = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, height, width])
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, None, 5 + classes])
    graph = helper.make_graph(nodes, "tiny_yolox", [pictures], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    if names is not None:
        helper.set_model_props(model, {"names": names})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def _head(classes: int, *, silent: bool) -> tuple[np.ndarray, np.ndarray]:
    """1x1 convolution from the mean (B, G, R) of a cell to (x, y, log w, log h, objectness, classes)."""
    weights = np.zeros((5 + classes, 3, 1, 1), dtype=np.float32)
    bias = np.array([0.5, 0.5, np.log(2), np.log(2), -6.0] + [-10.0] * classes, dtype=np.float32)
    if silent:
        bias[4] = -20.0
    else:
        weights[4, :, 0, 0] = 0.1, -0.2, 0.1
    weights[5, :, 0, 0] = -0.1, 0.0, 0.1
    weights[6, :, 0, 0] = 0.1, 0.0, -0.1
    return weights, bias


def _grid(size: tuple[int, int], strides: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    cells, steps = [], []
    for stride in strides:
        for y in range(size[1] // stride):
            for x in range(size[0] // stride):
                cells.append((x, y))
                steps.append((stride,))
    return np.array(cells, dtype=np.float32)[None], np.array(steps, dtype=np.float32)[None]


def picture(width: int, height: int, *spots: tuple[int, int, int, str]) -> np.ndarray:
    """A black picture with square spots (left, top, side, "red" or "blue")."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    for left, top, side, color in spots:
        image[top : top + side, left : left + side] = (0, 0, 255) if color == "red" else (255, 0, 0)
    return image
