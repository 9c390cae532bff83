"""What a network costs, counted in its OpenVINO graph: any network, with or without torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GraphCost:
    """parameters: weights and biases of the layers, and what else is stored for each channel. multiply_adds: of
    convolutions and matrix products, for one input as it is run; None where a size is only known while running.
    input_size: (width, height) of the picture that goes in, None where it has none."""

    parameters: int
    multiply_adds: int | None
    input_size: tuple[int, int] | None


def cost_of_graph(graph: Any) -> GraphCost:
    """Counts in an openvino.Model whose input has one size."""
    weights: dict[str, int] = {}
    multiply_adds: int | None = 0
    for node in graph.get_ops():
        kind = node.get_type_name()
        if kind in _PER_CHANNEL:
            weights.update(_channel_constants(node))
        if kind not in _PRODUCTS:
            continue
        weights.update({one.get_friendly_name(): _values(one) for one in _constants_behind(node, 1)})
        if multiply_adds is not None:
            products = _PRODUCTS[kind](node)
            multiply_adds = None if products is None else multiply_adds + products
    return GraphCost(sum(weights.values()), multiply_adds, _picture_size(graph))


def _picture_size(graph: Any) -> tuple[int, int] | None:
    """Of the first input with four dimensions, channels first or last."""
    shapes = [shape for port in graph.inputs if (shape := _shape(port)) is not None and len(shape) == 4]
    if not shapes:
        return None
    _, first, second, third = shapes[0]
    return (third, second) if first in (1, 3) else (second, first)


def _convolution(node: Any) -> int | None:
    """Each value of the output is a sum over a kernel: weights (O, I, kh, kw)."""
    out, kernel = _shape(node.output(0)), _shape(node.input_value(1))
    return None if out is None or kernel is None else math.prod(out) * math.prod(kernel[1:])


def _grouped(node: Any) -> int | None:
    """Weights (groups, O / groups, I / groups, kh, kw)."""
    out, kernel = _shape(node.output(0)), _shape(node.input_value(1))
    return None if out is None or kernel is None else math.prod(out) * math.prod(kernel[2:])


def _transposed(node: Any) -> int | None:
    """Each value of the input is spread over a kernel: weights (I, O, kh, kw)."""
    given, kernel = _shape(node.input_value(0)), _shape(node.input_value(1))
    return None if given is None or kernel is None else math.prod(given) * math.prod(kernel[1:])


def _grouped_transposed(node: Any) -> int | None:
    given, kernel = _shape(node.input_value(0)), _shape(node.input_value(1))
    return None if given is None or kernel is None else math.prod(given) * math.prod(kernel[2:])


def _matrix_product(node: Any) -> int | None:
    out, left = _shape(node.output(0)), _shape(node.input_value(0))
    if out is None or left is None:
        return None
    is_transposed = bool(node.get_attributes().get("transpose_a", False))
    return math.prod(out) * (left[-2] if is_transposed and len(left) > 1 else left[-1])


_PRODUCTS = {
    "Convolution": _convolution,
    "GroupConvolution": _grouped,
    "ConvolutionBackpropData": _transposed,
    "GroupConvolutionBackpropData": _grouped_transposed,
    "MatMul": _matrix_product,
}
# Layers whose constants of one value for each channel are parameters: biases, batch norms, PReLU.
_PER_CHANNEL = {"Add", "Multiply", "BatchNormInference", "PRelu"}


def _channel_constants(node: Any) -> Iterator[tuple[str, int]]:
    """The constants of a layer that hold one value for each channel of its output."""
    shape = _shape(node.output(0))
    channels = shape[1] if shape is not None and len(shape) > 1 else 0
    for place in range(1, node.get_input_size()):
        for one in _constants_behind(node, place, through=("Convert", "Reshape", "Unsqueeze")):
            if channels > 1 and _values(one) == channels:
                yield one.get_friendly_name(), channels


# Between stored weights and the layer that uses them: decompression and quantisation.
_THROUGH = ("Convert", "Reshape", "Multiply", "Subtract", "FakeQuantize", "Transpose")


def _constants_behind(node: Any, place: int, through: tuple[str, ...] = _THROUGH) -> Iterator[Any]:
    """The stored weights that one input of a layer comes from, if it does; the scales and zero points of quantised
    ones are no parameters."""
    source = node.input_value(place).get_node()
    while source.get_type_name() in through:
        source = source.input_value(0).get_node()
    if source.get_type_name() == "Constant":
        yield source


def _values(constant: Any) -> int:
    return math.prod(constant.output(0).get_shape())


def _shape(port: Any) -> list[int] | None:
    shape = port.get_partial_shape()
    return list(shape.to_shape()) if shape.is_static else None
