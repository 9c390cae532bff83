"""The feature pyramid (Lin et al. 2017, arXiv 1612.03144), with RetinaNet's two coarser levels on top."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class FeaturePyramid(nn.Module):
    """Maps at strides 8, 16, 32 to maps of `channels` at strides 8 to 128.

    Each level is what the trunk says there, brought to `channels` by a 1x1 convolution, plus the level above it at
    twice its resolution; a 3x3 convolution smooths the sum. The levels at 64 and 128 come by 3x3 convolutions of
    stride 2: of the trunk's last map (RetinaNet, section 4, footnote 2) or, with `of_top`, of the pyramid's level at
    32 (FCOS, section 3.2).
    """

    def __init__(self, inputs: Sequence[int], channels: int, *, of_top: bool = False) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(n, channels, 1) for n in inputs)
        self.smooths = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in inputs)
        self.of_top = of_top
        self.sixth = nn.Conv2d(channels if of_top else inputs[-1], channels, 3, 2, 1)
        self.seventh = nn.Conv2d(channels, channels, 3, 2, 1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_uniform_(layer.weight, a=1)
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        above: Tensor | None = None
        levels: list[Tensor] = []
        for x, lateral, smooth in zip(
            reversed(maps), reversed(self.laterals), reversed(self.smooths), strict=True
        ):
            level: Tensor = lateral(x)
            if above is not None:
                level = level + F.interpolate(above, size=level.shape[-2:], mode="nearest")
            above = level
            levels.insert(0, smooth(level))
        levels.append(self.sixth(levels[-1] if self.of_top else maps[-1]))
        levels.append(self.seventh(F.relu(levels[-1])))
        return levels
