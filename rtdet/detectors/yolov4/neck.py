"""The neck: spatial pyramid pooling on the coarsest map, a way down to the finest, and a way up again."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.yolov4.layers import DropBlock, conv


class PyramidPooling(nn.Module):
    """The map itself beside its maxima over 5, 9 and 13 cells (He et al. 2014, arXiv 1406.4729): what is far
    around an object is seen, for no weights at all."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([F.max_pool2d(x, size, 1, size // 2) for size in (13, 9, 5)] + [x], 1)


class Neck(nn.Module):
    """Maps at strides 8, 16, 32 with `channels` to maps of half as many channels at the same strides.

    Top-down as in YOLOv3, then bottom-up (PANet, Liu et al. 2018, arXiv 1803.01534): what the fine maps know of edges
    reaches the coarse ones in a few layers instead of a whole trunk. Without `pan`, only the first.
    """

    def __init__(
        self, channels: Sequence[int], pairs: int, *, spp: bool, pan: bool, drop: float, drop_size: int
    ) -> None:
        super().__init__()
        low, middle, high = (count // 2 for count in channels)
        self.top = nn.Sequential(
            conv(channels[2], high, 1), conv(high, 2 * high, 3), conv(2 * high, high, 1),
            *([PyramidPooling(), conv(4 * high, high, 1)] if spp else [conv(high, high, 1)]),
            conv(high, 2 * high, 3), conv(2 * high, high, 1), DropBlock(drop, drop_size),
        )  # fmt: skip
        self.to_middle, self.of_middle = conv(high, middle, 1), conv(channels[1], middle, 1)
        self.middle = nn.Sequential(*_set(2 * middle, middle, pairs), DropBlock(drop, drop_size))
        self.to_low, self.of_low = conv(middle, low, 1), conv(channels[0], low, 1)
        self.low = nn.Sequential(*_set(2 * low, low, pairs), DropBlock(drop, drop_size))
        self.pan = pan
        if pan:
            self.up_middle, self.join_middle = conv(low, middle, 3, 2), _set(2 * middle, middle, pairs)
            self.up_high, self.join_high = conv(middle, high, 3, 2), _set(2 * high, high, pairs)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        low, middle, high = maps
        high = self.top(high)
        middle = self.middle(torch.cat([self.of_middle(middle), _raised(self.to_middle(high), middle)], 1))
        low = self.low(torch.cat([self.of_low(low), _raised(self.to_low(middle), low)], 1))
        if self.pan:
            middle = self.join_middle(torch.cat([self.up_middle(low), middle], 1))
            high = self.join_high(torch.cat([self.up_high(middle), high], 1))
        return [low, middle, high]


def _set(inputs: int, width: int, pairs: int) -> nn.Sequential:
    """1x1 and 3x3 in turn, from `width` to twice as many channels and back."""
    layers: list[nn.Module] = [conv(inputs, width, 1)]
    for _ in range(pairs):
        layers += [conv(width, 2 * width, 3), conv(2 * width, width, 1)]
    return nn.Sequential(*layers)


def _raised(x: Tensor, like: Tensor) -> Tensor:
    """Sizes that are no multiple of 32 give maps that differ by one cell: resized to the exact size."""
    return F.interpolate(x, size=like.shape[-2:], mode="nearest")
