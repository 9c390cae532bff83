"""BiFPN: a pyramid that goes down and up, with weights for what is joined (section 3, figure 2d)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Added to the sum of a node's weights (section 3.3).
_EPSILON = 1e-4


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Separable(nn.Module):
    """A 3x3 convolution of each channel alone, then a 1x1 across channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.each = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.across = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.across(self.each(x))
        return out


class Node(nn.Module):
    """Joins maps of one resolution by their weights, and looks at the sum with a 3x3 convolution.

    Fast normalised fusion (equation in section 3.3): each weight is kept from falling below 0 by a ReLU, and all are
    divided by their sum, so that they say which share of the result comes of which map; a softmax would say the same
    and take longer.
    """

    def __init__(self, maps: int, channels: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(maps))
        self.look = Separable(channels, channels)
        self.norm = norm(channels)

    def forward(self, *maps: Tensor) -> Tensor:
        weights = self.weights.relu()
        share = weights / (weights.sum() + _EPSILON)
        joined = maps[0] * share[0]
        for i, x in enumerate(maps[1:], 1):
            joined = joined + x * share[i]
        out: Tensor = self.norm(self.look(F.silu(joined)))
        return out


class Lateral(nn.Sequential):
    """1x1 to the pyramid's channels, with a norm."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__(nn.Conv2d(inputs, channels, 1), norm(channels))


class BiFpnLayer(nn.Module):
    """Five maps to five of the same sizes. On the way down each map is joined with the one above it; on the way
    up with what it was, what it became on the way down, and the one below. The ends have no node on the way down,
    as they would join nothing."""

    def __init__(self, channels: int, inputs: Sequence[int] = ()) -> None:
        """inputs: channels of the first three maps, where they are the trunk's; empty: they have `channels`."""
        super().__init__()
        # The trunk's maps are brought to `channels` for each node that takes them, apart.
        self.down_laterals = nn.ModuleList(Lateral(count, channels) for count in inputs)
        self.up_laterals = nn.ModuleList(Lateral(count, channels) for count in inputs[1:])
        self.down = nn.ModuleList(Node(2, channels) for _ in range(4))  # at strides 64, 32, 16, 8
        self.up = nn.ModuleList(Node(3 if i < 3 else 2, channels) for i in range(4))  # at 16, 32, 64, 128

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        before = list(maps)
        down_from, up_from = list(maps), list(maps)
        for i, lateral in enumerate(self.down_laterals):
            down_from[i] = lateral(before[i])
        for i, lateral in enumerate(self.up_laterals, 1):
            up_from[i] = lateral(before[i])
        lowered = {4: before[4]}
        for node, level in zip(self.down, (3, 2, 1, 0), strict=True):
            above = F.interpolate(lowered[level + 1], size=down_from[level].shape[-2:], mode="nearest")
            lowered[level] = node(down_from[level], above)
        raised = [lowered[0]]
        for node, level in zip(self.up, (1, 2, 3, 4), strict=True):
            below = halved(raised[-1])
            if level < 4:
                raised.append(node(up_from[level], lowered[level], below))
            else:
                raised.append(node(up_from[level], below))
        return raised


def halved(x: Tensor) -> Tensor:
    """Half the resolution, by the maximum of windows of three that begin at every other cell: as TensorFlow pads."""
    return F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-math.inf), 3, 2)


class BiFpn(nn.Module):
    """The trunk's maps at strides 8, 16, 32 to maps of `channels` at strides 8 to 128."""

    def __init__(self, inputs: Sequence[int], channels: int, layers: int) -> None:
        super().__init__()
        self.sixth = Lateral(inputs[-1], channels)
        self.layers = nn.ModuleList(BiFpnLayer(channels, () if i else inputs) for i in range(layers))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        sixth = halved(self.sixth(maps[-1]))
        levels = [*maps, sixth, halved(sixth)]
        for layer in self.layers:
            levels = layer(levels)
        return levels
