"""A Darknet network as a torch module: to train it further, to look inside, to run it on a GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from rtdet.detectors.darknet.compute import Value, activate, compute
from rtdet.detectors.darknet.layers import (
    PICTURE,
    BatchNorm,
    Connected,
    Convolutional,
    Head,
    Layer,
    LocallyConnected,
    Pool,
    Same,
    Shortcut,
)  # fmt: skip
from rtdet.detectors.darknet.network import Network
from rtdet.detectors.darknet.weights import EPSILON, Array, Weights

Tensor = torch.Tensor


class DarknetModule(nn.Module):
    """(N, C, H, W) pictures, red green blue, 0 to 1, to the inputs of the network's heads, undecoded, in the order of
    the .cfg. `layers[i]` is layer i; without `weights` its values are torch's random ones."""

    def __init__(self, network: Network, weights: Weights | None = None) -> None:
        super().__init__()
        self.network = network
        self.layers = nn.ModuleList(_module(layer) for layer in network.layers)
        if weights is not None:
            for index, arrays in weights.arrays.items():
                _load(self.layers[index], arrays)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        values = self.values(pictures)
        return [values[index] for index in self.network.outputs]

    def values(self, pictures: Tensor) -> dict[int, Tensor]:
        """The output of each layer, by its index; the pictures themselves at -1."""
        values: dict[int, Tensor] = {PICTURE: pictures}
        for index, (layer, module) in enumerate(zip(self.network.layers, self.layers, strict=True)):
            inputs = [values[one] for one in layer.inputs]
            if isinstance(layer, Convolutional) and layer.shares is not None:
                module = self.layers[layer.shares]
                assert isinstance(module, _Convolutional)
                values[index] = module.apply_as(layer, inputs[0])
            else:
                values[index] = module(inputs)
        return values


def _module(layer: Layer) -> nn.Module:
    if isinstance(layer, Convolutional):
        return _Convolutional(layer) if layer.shares is None else nn.Identity()
    if isinstance(layer, Connected):
        return _Connected(layer)
    if isinstance(layer, LocallyConnected):
        return _LocallyConnected(layer)
    if isinstance(layer, BatchNorm):
        return _BatchNorm(layer)
    if isinstance(layer, Shortcut) and layer.weighting:
        return _WeightedShortcut(layer)
    return _Weightless(layer)


class _Convolutional(nn.Module):
    def __init__(self, layer: Convolutional) -> None:
        super().__init__()
        self.layer = layer
        filters, channels, kernel, _ = layer.weight_shape
        bias = not layer.batch_normalize
        self.conv = nn.Conv2d(
            channels * layer.groups, filters, kernel, stride=layer.strides, padding=layer.padding,
            dilation=layer.dilation, groups=layer.groups, bias=bias,
        )  # fmt: skip
        self.norm = nn.BatchNorm2d(filters, eps=EPSILON) if layer.batch_normalize else nn.Identity()

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        return self.apply_as(self.layer, inputs[0])

    def apply_as(self, layer: Convolutional, x: Tensor) -> Tensor:
        """With the strides and the activation of `layer`: this one, or one that shares its weights."""
        conv = self.conv
        x = F.conv2d(x, conv.weight, conv.bias, layer.strides, layer.padding, layer.dilation, layer.groups)
        return _tensor(activate(OPS, layer.activation, self.norm(x)))


class _Connected(nn.Module):
    def __init__(self, layer: Connected) -> None:
        super().__init__()
        self.layer = layer
        self.conv = nn.Linear(layer.input_size, layer.shape[0], bias=not layer.batch_normalize)
        self.norm = nn.BatchNorm1d(layer.shape[0], eps=EPSILON) if layer.batch_normalize else nn.Identity()

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        x = self.norm(self.conv(inputs[0].flatten(1)))
        return _tensor(activate(OPS, self.layer.activation, x[:, :, None, None]))


class _LocallyConnected(nn.Module):
    def __init__(self, layer: LocallyConnected) -> None:
        super().__init__()
        self.layer = layer
        (_, bias), (_, weight) = layer.arrays
        self.bias = nn.Parameter(torch.zeros(bias))
        self.weight = nn.Parameter(torch.randn(weight) * (2 / weight[2]) ** 0.5)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        layer = self.layer
        windows = F.unfold(
            inputs[0], layer.kernel, padding=layer.padding, stride=layer.stride
        )  # (N, CKK, places)
        x = torch.einsum("pfk,nkp->nfp", self.weight, windows).reshape(-1, *layer.shape) + self.bias
        return _tensor(activate(OPS, layer.activation, x))


class _BatchNorm(nn.Module):
    def __init__(self, layer: BatchNorm) -> None:
        super().__init__()
        self.layer = layer
        self.norm = nn.BatchNorm2d(layer.shape[0], eps=EPSILON)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        return _tensor(activate(OPS, self.layer.activation, self.norm(inputs[0])))


class _WeightedShortcut(nn.Module):
    def __init__(self, layer: Shortcut) -> None:
        super().__init__()
        self.layer = layer
        self.weight = nn.Parameter(torch.ones(layer.arrays[0][1]))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        weight: Tensor = self.weight
        if self.layer.normalization != "none":
            is_relu = self.layer.normalization == "relu"
            positive = weight.clamp(min=0) if is_relu else torch.exp(weight - weight.amax(dim=0))
            weight = positive / (positive.sum(dim=0) + 0.0001)
        return _tensor(compute(OPS, self.layer, inputs, weight))


class _Weightless(nn.Module):
    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        if isinstance(self.layer, Head):
            return inputs[0]
        x = _tensor(compute(OPS, self.layer, inputs))
        if isinstance(self.layer, Same) and self.layer.probability:
            x = F.dropout(x, self.layer.probability, self.training)
        return x


def _load(module: nn.Module, arrays: Mapping[str, Array]) -> None:
    """Darknet's names: bias is batch normalisation's own where there is one."""

    def put(target: object, name: str) -> None:
        assert isinstance(target, Tensor)
        with torch.no_grad():
            target.copy_(torch.from_numpy(np.array(arrays[name], dtype=np.float32)).reshape(target.shape))

    norm = getattr(module, "norm", None)
    conv = getattr(module, "conv", module)
    if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
        for target, name in (
            (norm.weight, "scale"), (norm.bias, "bias"), (norm.running_mean, "mean"), (norm.running_var, "variance"),
        ):  # fmt: skip
            put(target, name)
    elif "bias" in arrays:
        put(conv.bias, "bias")
    if "weight" in arrays:
        put(conv.weight, "weight")


def _tensor(value: Value) -> Tensor:
    assert isinstance(value, Tensor)
    return value


class TorchOps:
    """torch behind the operations of `compute.Ops`."""

    def affine(self, x: Value, factor: float, offset: float = 0.0) -> Value:
        return x * factor + offset

    def clamp(self, x: Value, low: float, high: float) -> Value:
        return torch.clamp(x, low, high)

    def sigmoid(self, x: Value) -> Value:
        return torch.sigmoid(x)

    def tanh(self, x: Value) -> Value:
        return torch.tanh(x)

    def exp(self, x: Value) -> Value:
        return torch.exp(x)

    def elu(self, x: Value) -> Value:
        return F.elu(x)

    def mish(self, x: Value) -> Value:
        return F.mish(x)

    def leaky(self, x: Value, slope: float) -> Value:
        return F.leaky_relu(x, slope)

    def swish(self, x: Value) -> Value:
        return F.silu(x)

    def floor(self, x: Value) -> Value:
        return torch.floor(x)

    def softmax(self, x: Value, axis: int) -> Value:
        return torch.softmax(x, axis)

    def sum(self, x: Value, axis: int) -> Value:
        return x.sum(axis, keepdim=True)

    def largest(self, x: Value, axis: int) -> Value:
        return x.amax(axis, keepdim=True)

    def part(self, x: Value, axis: int, start: int, stop: int) -> Value:
        return x.narrow(axis, start, stop - start)

    def concatenate(self, xs: Sequence[Value]) -> Value:
        return torch.cat(list(xs), 1)

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        return x.reshape(*shape)

    def permute(self, x: Value, order: Sequence[int]) -> Value:
        return x.permute(*order)

    def repeat(self, x: Value, times: int) -> Value:
        return F.interpolate(x, scale_factor=float(times), mode="nearest")

    def global_average(self, x: Value) -> Value:
        return x.mean((2, 3), keepdim=True)

    def pool(self, x: Value, layer: Pool) -> Value:
        before, after = layer.pads
        pads = (before, after, before, after)
        if not layer.average:
            return F.max_pool2d(F.pad(x, pads, value=float("-inf")), layer.kernel, layer.strides)
        inside = F.pad(torch.ones_like(x[:1, :1]), pads)
        share = F.avg_pool2d(inside, layer.kernel, layer.strides)
        return F.avg_pool2d(F.pad(x, pads), layer.kernel, layer.strides) / share


OPS = TorchOps()
