"""Darknet-53, the trunk of the published YOLOv3 (table 1)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

# Residual blocks behind each halving of the resolution.
_BLOCKS = (1, 2, 8, 8, 4)


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Darknet's layer: a convolution, a norm and a leaky ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs, momentum=0.03),
        nn.LeakyReLU(0.1, inplace=True),
    )


class Residual(nn.Module):
    """x + conv3x3(conv1x1(x)), with half of the channels in between."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = conv(channels, channels // 2, 1)
        self.widen = conv(channels // 2, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.widen(self.squeeze(x))
        return out


class Darknet53(nn.Module):
    """(B, 3, H, W) BGR 0..255 to maps at strides 8, 16, 32."""

    channels: Sequence[int] = (256, 512, 1024)

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, 32, 3)
        self.stages = nn.ModuleList()
        channels = 32
        for blocks in _BLOCKS:
            residuals = [Residual(2 * channels) for _ in range(blocks)]
            self.stages.append(nn.Sequential(conv(channels, 2 * channels, 3, 2), *residuals))
            channels *= 2

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.stem(images.flip(1) / 255)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[2:]
