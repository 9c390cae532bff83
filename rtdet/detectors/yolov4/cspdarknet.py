"""CSPDarknet53, the trunk: Darknet-53 with cross-stage partial connections (Wang et al. 2020, arXiv 1911.11929)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rtdet.detectors.yolov4.layers import conv


class Residual(nn.Module):
    """x + conv3x3(conv1x1(x))."""

    def __init__(self, channels: int, between: int, *, mish: bool) -> None:
        super().__init__()
        self.squeeze = conv(channels, between, 1, mish=mish)
        self.widen = conv(between, channels, 3, mish=mish)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.widen(self.squeeze(x))
        return out


class Stage(nn.Module):
    """Halves the resolution; then half of the channels go through residual blocks and half round them, so that
    gradients come by both ways and half of the work is saved. The first stage keeps all channels on both ways."""

    def __init__(self, inputs: int, outputs: int, blocks: int, *, first: bool, mish: bool) -> None:
        super().__init__()
        half = outputs if first else outputs // 2
        self.down = conv(inputs, outputs, 3, 2, mish=mish)
        self.around = conv(outputs, half, 1, mish=mish)
        between = outputs // 2 if first else half
        residuals = [Residual(half, between, mish=mish) for _ in range(blocks)]
        self.through = nn.Sequential(
            conv(outputs, half, 1, mish=mish), *residuals, conv(half, half, 1, mish=mish)
        )
        self.merge = conv(2 * half, outputs, 1, mish=mish)

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(x)
        out: Tensor = self.merge(torch.cat([self.through(x), self.around(x)], 1))
        return out


class CspDarknet(nn.Module):
    """(B, 3, H, W) RGB 0..1 to maps at strides 8, 16, 32. channels: of the stem and of five stages."""

    def __init__(self, channels: Sequence[int], blocks: Sequence[int], *, mish: bool) -> None:
        super().__init__()
        self.stem = conv(3, channels[0], 3, mish=mish)
        self.stages = nn.ModuleList(
            Stage(before, after, count, first=i == 0, mish=mish)
            for i, (before, after, count) in enumerate(zip(channels, channels[1:], blocks, strict=False))
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[2:]
