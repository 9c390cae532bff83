"""What a network costs: its parameters and its multiply-adds."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rtdet.detectors.family.network import DetectionNetwork


@dataclass(frozen=True)
class Cost:
    """parameters: numbers that were learnt. multiply_adds: of convolutions and fully connected layers, for a picture
    of `size` (width, height). The papers on EfficientNet and EfficientDet call these FLOPs; Darknet counts a multiply
    and an add as two, which is `flops`."""

    parameters: int
    multiply_adds: int
    size: tuple[int, int]

    @property
    def flops(self) -> int:
        return 2 * self.multiply_adds

    def __str__(self) -> str:
        size = f"{self.size[0]}x{self.size[1]}"
        return (
            f"{_short(self.parameters)} parameters, {_short(self.multiply_adds)} multiply-adds "
            f"({_short(self.flops)} FLOPs) at {size}"
        )


def cost_of(network: nn.Module, size: tuple[int, int]) -> Cost:
    """Counts on a copy without memory, so nothing is computed and any size is as quick. Of a DetectionNetwork all
    that its graph computes, for some look at a picture's regions only while they decode."""
    counted = 0

    def note(layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal counted
        counted += _COUNTS[type(layer)](layer, inputs[0], output)

    parameters = sum(parameter.numel() for parameter in network.parameters())
    ghost = copy.deepcopy(network).eval().to("meta")
    hooks = [layer.register_forward_hook(note) for layer in ghost.modules() if type(layer) in _COUNTS]
    whole = ghost.as_graph() if isinstance(ghost, DetectionNetwork) else ghost
    with torch.no_grad():
        inputs = [torch.zeros(1, 3, size[1], size[0], device="meta")]
        if regions := getattr(getattr(ghost, "config", None), "region_count", 0):
            inputs.append(torch.zeros(1, regions, 4, device="meta"))
        whole(*inputs)
    for hook in hooks:
        hook.remove()
    return Cost(parameters, counted, size)


def _convolution(layer: nn.Conv2d, _x: Tensor, output: Tensor) -> int:
    """Each value of the output is a sum over a kernel."""
    return output.numel() * layer.weight[0].numel()


def _transposed(layer: nn.ConvTranspose2d, x: Tensor, _output: Tensor) -> int:
    """Each value of the input is spread over a kernel."""
    return x.numel() * layer.weight[0].numel()


def _connected(layer: nn.Linear, _x: Tensor, output: Tensor) -> int:
    return output.numel() * layer.in_features


_COUNTS: dict[type[nn.Module], Callable[[Any, Tensor, Tensor], int]] = {
    nn.Conv2d: _convolution,
    nn.ConvTranspose2d: _transposed,
    nn.Linear: _connected,
}


def _short(count: int) -> str:
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.3g} {letter}"
    return str(count)
