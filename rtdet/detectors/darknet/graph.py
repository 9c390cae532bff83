"""A Darknet network as an OpenVINO graph, made without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rtdet.backends.openvino import load_openvino
from rtdet.detectors.darknet.compute import Value, activate, compute, normalized
from rtdet.detectors.darknet.layers import (
    PICTURE,
    BatchNorm,
    Connected,
    Convolutional,
    Head,
    Layer,
    LocallyConnected,
    Pool,
    Shortcut,
)  # fmt: skip
from rtdet.detectors.darknet.network import Network
from rtdet.detectors.darknet.weights import Array, Weights, fold


def make_graph(network: Network, weights: Weights) -> Any:
    """An openvino.Model: (1, C, H, W) pictures, 0 to 1, to the inputs of the network's heads, undecoded."""
    ov = load_openvino()
    ops = GraphOps()
    picture = ops.opset.parameter([1, *network.picture], np.float32, name="picture")
    values: dict[int, Value] = {PICTURE: picture}
    for index, layer in enumerate(network.layers):
        inputs = [values[one] for one in layer.inputs]
        values[index] = (
            inputs[0] if isinstance(layer, Head) else _layer(ops, layer, inputs, weights.arrays, index)
        )
    results = [ops.opset.result(values[index], name=f"layer{index}") for index in network.outputs]
    return ov.Model(results, [picture], str(network.path))


def _layer(
    ops: GraphOps,
    layer: Layer,
    inputs: Sequence[Value],
    arrays: Mapping[int, Mapping[str, Array]],
    index: int,
) -> Value:
    if isinstance(layer, Convolutional):
        weight, bias = fold(layer, arrays[index if layer.shares is None else layer.shares])
        return activate(
            ops, layer.activation, ops.add_to_channels(ops.convolve(inputs[0], weight, layer), bias)
        )
    if isinstance(layer, Connected):
        weight, bias = fold(layer, arrays[index])
        return activate(ops, layer.activation, ops.connect(inputs[0], weight, bias, layer))
    if isinstance(layer, LocallyConnected):
        weight, bias = fold(layer, arrays[index])
        return activate(ops, layer.activation, ops.connect_locally(inputs[0], weight, bias, layer))
    if isinstance(layer, BatchNorm):
        weight, bias = fold(layer, arrays[index])
        scaled = inputs[0] * ops.constant(weight.reshape(1, -1, 1, 1))
        return activate(ops, layer.activation, ops.add_to_channels(scaled, bias))
    weight_of_inputs = None
    if isinstance(layer, Shortcut) and layer.weighting:
        weight_of_inputs = ops.constant(normalized(arrays[index]["weight"], layer.normalization))
    return compute(ops, layer, inputs, weight_of_inputs)


class GraphOps:
    """OpenVINO's nodes behind the operations of `compute.Ops`, and those of layers with weights."""

    def __init__(self) -> None:
        load_openvino()
        from openvino import opset13

        self.opset: Any = opset13

    def constant(self, values: Any, kind: Any = np.float32) -> Value:
        return self.opset.constant(np.ascontiguousarray(values, dtype=kind))

    def _axes(self, *axes: int) -> Value:
        return self.constant(axes, np.int64)

    def affine(self, x: Value, factor: float, offset: float = 0.0) -> Value:
        scaled = x if factor == 1.0 else self.opset.multiply(x, self.constant(factor))
        return self.opset.add(scaled, self.constant(offset)) if offset else scaled

    def clamp(self, x: Value, low: float, high: float) -> Value:
        if low == 0.0 and high > 1e38:
            return self.opset.relu(x)
        return self.opset.clamp(x, low, high)

    def sigmoid(self, x: Value) -> Value:
        return self.opset.sigmoid(x)

    def tanh(self, x: Value) -> Value:
        return self.opset.tanh(x)

    def exp(self, x: Value) -> Value:
        return self.opset.exp(x)

    def elu(self, x: Value) -> Value:
        return self.opset.elu(x, 1.0)

    def mish(self, x: Value) -> Value:
        return self.opset.mish(x)

    def leaky(self, x: Value, slope: float) -> Value:
        return self.opset.prelu(x, self.constant([slope]))

    def swish(self, x: Value) -> Value:
        return self.opset.swish(x)

    def floor(self, x: Value) -> Value:
        return self.opset.floor(x)

    def softmax(self, x: Value, axis: int) -> Value:
        return self.opset.softmax(x, axis)

    def sum(self, x: Value, axis: int) -> Value:
        return self.opset.reduce_sum(x, self._axes(axis), keep_dims=True)

    def largest(self, x: Value, axis: int) -> Value:
        return self.opset.reduce_max(x, self._axes(axis), keep_dims=True)

    def part(self, x: Value, axis: int, start: int, stop: int) -> Value:
        return self.opset.slice(x, self._axes(start), self._axes(stop), self._axes(1), self._axes(axis))

    def concatenate(self, xs: Sequence[Value]) -> Value:
        return self.opset.concat(list(xs), 1)

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        return self.opset.reshape(x, self._axes(*shape), False)

    def permute(self, x: Value, order: Sequence[int]) -> Value:
        return self.opset.transpose(x, self._axes(*order))

    def repeat(self, x: Value, times: int) -> Value:
        scales = self.constant([times, times])
        return self.opset.interpolate(
            x, scales, "nearest", "scales", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
            axes=self._axes(2, 3),
        )  # fmt: skip

    def global_average(self, x: Value) -> Value:
        return self.opset.reduce_mean(x, self._axes(2, 3), keep_dims=True)

    def pool(self, x: Value, layer: Pool) -> Value:
        before, after = layer.pads
        strides, begin, end, kernel = list(layer.strides), [before] * 2, [after] * 2, [layer.kernel] * 2
        if layer.average:
            return self.opset.avg_pool(x, strides, begin, end, kernel, exclude_pad=True)
        return self.opset.max_pool(x, strides, [1, 1], begin, end, kernel).output(0)

    def convolve(self, x: Value, weight: Array, layer: Convolutional) -> Value:
        strides, pads, dilations = list(layer.strides), [layer.padding] * 2, [layer.dilation] * 2
        if layer.groups == 1:
            return self.opset.convolution(x, self.constant(weight), strides, pads, pads, dilations)
        weight = weight.reshape(layer.groups, -1, *weight.shape[1:])
        return self.opset.group_convolution(x, self.constant(weight), strides, pads, pads, dilations)

    def add_to_channels(self, x: Value, bias: Array) -> Value:
        return self.opset.add(x, self.constant(bias.reshape(1, -1, 1, 1)))

    def connect(self, x: Value, weight: Array, bias: Array, layer: Connected) -> Value:
        rows = self.opset.matmul(self.reshape(x, (1, layer.input_size)), self.constant(weight), False, True)
        return self.reshape(self.opset.add(rows, self.constant(bias.reshape(1, -1))), (1, *layer.shape))

    def connect_locally(self, x: Value, weight: Array, bias: Array, layer: LocallyConnected) -> Value:
        """The windows (1, C * kernel * kernel, places), times the matrix of each place."""
        filters, rows, columns = layer.shape
        pads = self._axes(0, 0, layer.padding, layer.padding)
        x = self.opset.pad(x, pads, pads, "constant")
        windows = []
        for dy in range(layer.kernel):
            for dx in range(layer.kernel):
                begin, stop = (
                    (dy, dx),
                    (dy + (rows - 1) * layer.stride + 1, dx + (columns - 1) * layer.stride + 1),
                )
                step, axes = self._axes(layer.stride, layer.stride), self._axes(2, 3)
                window = self.opset.slice(x, self._axes(*begin), self._axes(*stop), step, axes)
                windows.append(self.reshape(window, (layer.shapes[0][0], 1, rows * columns)))
        values = self.reshape(self.concatenate(windows), (-1, rows * columns))
        values = self.reshape(self.permute(values, (1, 0)), (rows * columns, -1, 1))
        products = self.opset.matmul(self.constant(weight), values, False, False)
        products = self.permute(self.reshape(products, (rows * columns, filters)), (1, 0))
        return self.opset.add(self.reshape(products, (1, *layer.shape)), self.constant(bias[None]))
