"""What the layers without weights of their own compute, and the activations: once, for torch and for OpenVINO.

`ops` is either of them behind a few operations (Ops); values are its tensors, (N, C, H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rtdet.detectors.darknet.layers import (
    Crop,
    GlobalAverage,
    Layer,
    Pool,
    Product,
    Reorg,
    Route,
    Same,
    Shortcut,
    Softmax,
    Upsample,
)  # fmt: skip

Value = Any  # a torch.Tensor, or a node of an OpenVINO graph; both know + - * /


class Ops(Protocol):
    """The operations that both frameworks are asked for."""

    def affine(self, x: Value, factor: float, offset: float = 0.0) -> Value: ...
    def clamp(self, x: Value, low: float, high: float) -> Value: ...
    def sigmoid(self, x: Value) -> Value: ...
    def tanh(self, x: Value) -> Value: ...
    def exp(self, x: Value) -> Value: ...
    def elu(self, x: Value) -> Value: ...
    def mish(self, x: Value) -> Value: ...
    def leaky(self, x: Value, slope: float) -> Value: ...
    def swish(self, x: Value) -> Value: ...
    def floor(self, x: Value) -> Value: ...
    def softmax(self, x: Value, axis: int) -> Value: ...
    def sum(self, x: Value, axis: int) -> Value: ...
    def largest(self, x: Value, axis: int) -> Value: ...
    def part(self, x: Value, axis: int, start: int, stop: int) -> Value: ...
    def concatenate(self, xs: Sequence[Value]) -> Value: ...
    def reshape(self, x: Value, shape: Sequence[int]) -> Value: ...
    def permute(self, x: Value, order: Sequence[int]) -> Value: ...
    def repeat(self, x: Value, times: int) -> Value: ...
    def global_average(self, x: Value) -> Value: ...
    def pool(self, x: Value, layer: Pool) -> Value: ...


def compute(ops: Ops, layer: Layer, inputs: Sequence[Value], weight: Value | None = None) -> Value:
    """The output of a layer that has no weights (or, [shortcut], one `weight`), activation included."""
    value = _COMPUTE[type(layer)](ops, layer, inputs, weight)
    return activate(ops, layer.activation, value)


def activate(ops: Ops, name: str, x: Value) -> Value:
    return ACTIVATIONS[name](ops, x)


def _route(ops: Ops, layer: Route, inputs: Sequence[Value], _weight: Value | None) -> Value:
    if layer.groups > 1:
        sizes = [shape[0] // layer.groups for shape in layer.shapes]
        pairs = zip(inputs, sizes, strict=True)
        inputs = [ops.part(x, 1, size * layer.group, size * (layer.group + 1)) for x, size in pairs]
    return ops.concatenate(inputs) if len(inputs) > 1 else inputs[0]


def _shortcut(ops: Ops, layer: Shortcut, inputs: Sequence[Value], weight: Value | None) -> Value:
    channels = layer.shape[0]
    total: Value = None
    for i, (x, shape) in enumerate(zip(inputs, layer.shapes, strict=True)):
        if shape[0] > channels:
            x = ops.part(x, 1, 0, channels)
        if i < 2 and layer.factors[i] != 1.0:
            x = ops.affine(x, layer.factors[i])
        if weight is not None:
            factor = ops.reshape(ops.part(weight, 0, i, i + 1), (1, -1, 1, 1))
            if layer.weighting == "per_channel" and shape[0] < channels:
                factor = ops.part(factor, 1, 0, shape[0])
            x = x * factor
        total = x if total is None else _add_first(ops, total, x, channels, min(shape[0], channels))
    return total


def _add_first(ops: Ops, total: Value, x: Value, channels: int, some: int) -> Value:
    """Adds `x` to the first `some` channels of `total`."""
    if some == channels:
        return total + x
    return ops.concatenate([ops.part(total, 1, 0, some) + x, ops.part(total, 1, some, channels)])


def normalized(weight: npt.NDArray[np.float32], how: str) -> npt.NDArray[np.float32]:
    """A [shortcut]'s weights (inputs, channels) as they are applied: so that they sum up to about 1, if at all."""
    if how == "none":
        return weight
    positive = np.maximum(weight, 0) if how == "relu" else np.exp(weight - weight.max(axis=0))
    return np.asarray(positive / (positive.sum(axis=0) + _SMALL), dtype=np.float32)


_SMALL = 0.0001


def _product(_ops: Ops, _layer: Product, inputs: Sequence[Value], _weight: Value | None) -> Value:
    return inputs[1] * inputs[0]


def _upsample(ops: Ops, layer: Upsample, inputs: Sequence[Value], _weight: Value | None) -> Value:
    x = ops.repeat(inputs[0], layer.stride) if layer.stride > 1 else inputs[0]
    return x if layer.factor == 1.0 else ops.affine(x, layer.factor)


def _reorg(ops: Ops, layer: Reorg, inputs: Sequence[Value], _weight: Value | None) -> Value:
    channels, height, width = layer.shapes[0]
    s = layer.stride
    if layer.mixed != layer.reverse:  # reads its input as if it were larger and had fewer channels
        channels, height, width = channels // (s * s), height * s, width * s
    if layer.reverse:
        x = ops.reshape(inputs[0], (-1, s, s, channels // (s * s), height, width))
        x = ops.permute(x, (0, 3, 4, 1, 5, 2))
    else:
        x = ops.reshape(inputs[0], (-1, channels, height // s, s, width // s, s))
        x = ops.permute(x, (0, 3, 5, 1, 2, 4))
    return ops.reshape(x, (-1, *layer.shape))


def _crop(ops: Ops, layer: Crop, inputs: Sequence[Value], _weight: Value | None) -> Value:
    x = inputs[0]
    for axis in (1, 2):
        start = (layer.shapes[0][axis] - layer.shape[axis]) // 2
        x = ops.part(x, axis + 1, start, start + layer.shape[axis])
    return ops.affine(x, 2.0, -1.0) if layer.adjust else x


def _softmax(ops: Ops, layer: Softmax, inputs: Sequence[Value], _weight: Value | None) -> Value:
    x = inputs[0] if layer.temperature == 1.0 else ops.affine(inputs[0], 1 / layer.temperature)
    if layer.spatial:
        return ops.softmax(x, 1)
    x = ops.softmax(ops.reshape(x, (-1, layer.groups, layer.size // layer.groups)), 2)
    return ops.reshape(x, (-1, *layer.shape))


_COMPUTE: Mapping[type[Layer], Callable[[Ops, Any, Sequence[Value], Value | None], Value]] = {
    Route: _route,
    Shortcut: _shortcut,
    Product: _product,
    Upsample: _upsample,
    Reorg: _reorg,
    Crop: _crop,
    Softmax: _softmax,
    Pool: lambda ops, layer, inputs, _: ops.pool(inputs[0], layer),
    GlobalAverage: lambda ops, _layer, inputs, _: ops.global_average(inputs[0]),
    Same: lambda _ops, _layer, inputs, _: inputs[0],
}


def _selu(ops: Ops, x: Value) -> Value:
    return ops.affine(ops.clamp(x, 0.0, 3e38), 1.0507) + ops.affine(
        ops.elu(ops.clamp(x, -3e38, 0.0)), 1.0507 * 1.6732
    )


def _gelu(ops: Ops, x: Value) -> Value:
    inner = ops.tanh(ops.affine(x, 0.797885) + ops.affine(x * x * x, 0.035677))
    return ops.affine(x, 0.5) * ops.affine(inner, 1.0, 1.0)


def _hard_mish(ops: Ops, x: Value) -> Value:
    """0 up to -2, x^2/2 + x from there to 0, then x."""
    low, high = ops.clamp(x, -2.0, 0.0), ops.clamp(x, 0.0, 3e38)
    return ops.affine(low * low, 0.5) + low + high


def _between(
    low: float, high: float, inner: float, outer: float, offset: float
) -> Callable[[Ops, Value], Value]:
    """Slope `inner` from `low` to `high`, plus `offset`; slope `outer` beyond."""

    def piecewise(ops: Ops, x: Value) -> Value:
        middle = ops.clamp(x, low, high)
        return ops.affine(middle, inner, offset) + ops.affine(x + ops.affine(middle, -1.0), outer)

    return piecewise


def _stair(ops: Ops, x: Value) -> Value:
    """Steps: floor(x/2) in the even intervals, and the slope to the next in the odd ones."""
    whole = ops.floor(x)
    half = ops.floor(ops.affine(x, 0.5))
    odd = whole + ops.affine(half, -2.0)
    return half + odd * (x + ops.affine(whole, -1.0))


def _normalize_channels(ops: Ops, x: Value) -> Value:
    positive = ops.clamp(x, 0.0, 3e38)
    return positive / ops.affine(ops.sum(positive, 1), 1.0, _SMALL)


def _normalize_softmax(ops: Ops, x: Value) -> Value:
    # Without the largest subtracted, as one of its two names stands for, only the effect of the small number differs.
    powers = ops.exp(x + ops.affine(ops.largest(x, 1), -1.0))
    return powers / ops.affine(ops.sum(powers, 1), 1.0, _SMALL)


ACTIVATIONS: Mapping[str, Callable[[Ops, Value], Value]] = {
    "linear": lambda _ops, x: x,
    "logistic": lambda ops, x: ops.sigmoid(x),
    "loggy": lambda ops, x: ops.affine(ops.sigmoid(x), 2.0, -1.0),
    "relu": lambda ops, x: ops.clamp(x, 0.0, 3e38),
    "relu6": lambda ops, x: ops.clamp(x, 0.0, 6.0),
    "elu": lambda ops, x: ops.elu(x),
    "selu": _selu,
    "gelu": _gelu,
    "relie": lambda ops, x: ops.leaky(x, 0.01),
    "ramp": lambda ops, x: ops.clamp(x, 0.0, 3e38) + ops.affine(x, 0.1),
    "leaky": lambda ops, x: ops.leaky(x, 0.1),
    "revleaky": lambda ops, x: ops.leaky(x, 0.1),
    "tanh": lambda ops, x: ops.tanh(x),
    "plse": _between(-4.0, 4.0, 0.125, 0.01, 0.5),
    "hardtan": lambda ops, x: ops.clamp(x, -1.0, 1.0),
    "lhtan": _between(0.0, 1.0, 1.0, 0.001, 0.0),
    "stair": _stair,
    "swish": lambda ops, x: ops.swish(x),
    "mish": lambda ops, x: ops.mish(x),
    "hard_mish": _hard_mish,
    "normalize_channels": _normalize_channels,
    "normalize_channels_softmax": _normalize_softmax,
    "normalize_channels_softmax_maxval": _normalize_softmax,
}
