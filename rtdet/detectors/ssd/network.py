"""The network: a small convolutional backbone, a two-way feature pyramid, and SSD's heads.

Dense 3x3 convolutions with ReLU only: that is what CPUs run fastest per unit of accuracy, in training
(bf16) as in inference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.module import SSDModule, rows_of, start_rare


class ConvNormReLU(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
            nn.ReLU(inplace=True),
        )


class Bottleneck(nn.Module):
    """x + conv3x3(conv1x1(x)), squeezed to half the channels in between."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = ConvNormReLU(channels, channels // 2, 1)
        self.expand = ConvNormReLU(channels // 2, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.expand(self.squeeze(x))
        return out


class Backbone(nn.Module):
    """(B, 3, H, W) to three maps at strides 8, 16, 32."""

    def __init__(self, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        stem, early, *stages = widths
        self.stem = nn.Sequential(ConvNormReLU(3, stem, 3, 2), ConvNormReLU(stem, early, 3, 2))
        self.stages = nn.ModuleList()
        before = early
        for width, depth in zip(stages, depths, strict=True):
            blocks = [Bottleneck(width) for _ in range(depth)]
            self.stages.append(nn.Sequential(ConvNormReLU(before, width, 3, 2), *blocks))
            before = width

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class ContextPool(nn.Module):
    """Spatial pyramid pooling by repeated 5x5 max pools (windows 5, 9, 13): wide context for little."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.squeeze = ConvNormReLU(channels, outputs, 1)
        self.merge = ConvNormReLU(outputs * 4, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = [self.squeeze(x)]
        for _ in range(3):
            pooled.append(F.max_pool2d(pooled[-1], 5, 1, 2))
        out: Tensor = self.merge(torch.cat(pooled, 1))
        return out


class Pyramid(nn.Module):
    """Top-down then bottom-up fusion (FPN, arXiv 1612.03144; PANet, arXiv 1803.01534) at one width."""

    def __init__(self, widths: Sequence[int], neck: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(ConvNormReLU(width, neck, 1) for width in widths[:-1])
        self.context = ContextPool(widths[-1], neck)
        steps = len(widths) - 1
        self.down_fuse = nn.ModuleList(ConvNormReLU(neck, neck) for _ in range(steps))
        self.up_step = nn.ModuleList(ConvNormReLU(neck, neck, 3, 2) for _ in range(steps))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        top = self.context(maps[-1])
        fused = [top]
        for lateral, fuse, source in zip(
            reversed(self.laterals), reversed(self.down_fuse), reversed(maps[:-1]), strict=True
        ):
            # Sizes that are no multiple of 32 give maps that differ by one cell: resize to the exact size.
            raised = F.interpolate(fused[0], size=source.shape[-2:], mode="nearest")
            fused.insert(0, fuse(lateral(source) + raised))
        for i, step in enumerate(self.up_step):
            fused[i + 1] = fused[i + 1] + step(fused[i])
        return fused


class SSD(SSDModule):
    """`config.class_names` without background: scores are independent (sigmoid), as in focal-loss SSDs."""

    def __init__(self, config: SSDConfig) -> None:
        super().__init__(config)
        classes = len(config.class_names)
        self.backbone = Backbone(config.widths, config.depths)
        self.pyramid = Pyramid(config.widths[2:], config.neck)
        self.score_heads, self.box_heads = nn.ModuleList(), nn.ModuleList()
        for level in config.levels:
            for heads, outputs in ((self.score_heads, classes), (self.box_heads, 4)):
                conv = nn.Conv2d(config.neck, outputs * level.per_cell, 1)
                heads.append(nn.Sequential(ConvNormReLU(config.neck, config.neck), conv))
        start_rare(_final(self.score_heads))
        start_rare(_final(self.box_heads), share=0.5)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) BGR 0..255 to offsets (B, P, 4) and class logits (B, P, C), in `make_priors` order."""
        maps = self.pyramid(self.backbone(images * (1 / 64) - 2))
        offsets = [rows_of(head(x), 4) for head, x in zip(self.box_heads, maps, strict=True)]
        classes = len(self.config.class_names)
        logits = [rows_of(head(x), classes) for head, x in zip(self.score_heads, maps, strict=True)]
        return torch.cat(offsets, 1), torch.cat(logits, 1)

    def final_score_layers(self) -> Iterable[nn.Conv2d]:
        return _final(self.score_heads)


def _final(heads: nn.ModuleList) -> list[nn.Conv2d]:
    final = [list(head.children())[-1] for head in heads]
    return [conv for conv in final if isinstance(conv, nn.Conv2d)]
