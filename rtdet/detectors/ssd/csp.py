"""The embedded model's network: an SSD on a depthwise cross-stage-partial trunk.

The trunk and the pyramid are those of YOLOX-nano (Ge et al. 2021, arXiv 2107.08430): CSPDarknet (Wang et al.
2020, arXiv 1911.11929) with depthwise separable convolutions (arXiv 1704.04861), spatial pyramid pooling, and
a path aggregation network (arXiv 1803.01534). The layers follow that paper so that its published weights can
be the start of a training, as VGG's were for the first SSD. Priors, box coder, scores and losses are SSD's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.module import SSDModule, rows_of, start_rare


class ConvNormSiLU(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
            nn.SiLU(),
        )


class Separable(nn.Sequential):
    """A 3x3 convolution of each channel alone, then a 1x1 across channels."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(ConvNormSiLU(inputs, inputs, 3, stride, inputs), ConvNormSiLU(inputs, outputs))


class Bottleneck(nn.Module):
    def __init__(self, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.squeeze = ConvNormSiLU(channels, channels)
        self.expand = Separable(channels, channels)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.expand(self.squeeze(x))
        return x + out if self.shortcut else out


class CrossStage(nn.Module):
    """Half of the channels go through the bottlenecks, half go round them; a 1x1 merges both."""

    def __init__(self, inputs: int, outputs: int, depth: int, shortcut: bool = True) -> None:
        super().__init__()
        half = outputs // 2
        self.through = ConvNormSiLU(inputs, half)
        self.around = ConvNormSiLU(inputs, half)
        self.blocks = nn.Sequential(*(Bottleneck(half, shortcut) for _ in range(depth)))
        self.merge = ConvNormSiLU(2 * half, outputs)

    def forward(self, x: Tensor) -> Tensor:
        through, around = self.through(x), self.around(x)
        out: Tensor = self.merge(torch.cat([self.blocks(through), around], 1))
        return out


class PyramidPooling(nn.Module):
    """Max pools of 5, 9 and 13 cells beside the map itself (SPP, arXiv 1406.4729): wide context for little."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = ConvNormSiLU(channels, channels // 2)
        self.merge = ConvNormSiLU(channels * 2, channels)

    def forward(self, x: Tensor) -> Tensor:
        pooled = [self.squeeze(x)]
        # Two pools of 5 in a row are one of 9, three are one of 13.
        for _ in range(3):
            pooled.append(F.max_pool2d(pooled[-1], 5, 1, 2))
        out: Tensor = self.merge(torch.cat(pooled, 1))
        return out


class Trunk(nn.Module):
    """(B, 3, H, W) to three maps at strides 8, 16, 32."""

    def __init__(self, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        stem, early, *stages = widths
        # One 6x6 convolution of stride 2 is YOLOX's "focus" (2x2 pixels into channels, then 3x3).
        self.stem = nn.Sequential(
            nn.Conv2d(3, stem, 6, 2, 2, bias=False),
            nn.BatchNorm2d(stem, eps=1e-3, momentum=0.03),
            nn.SiLU(),
        )
        self.early = nn.Sequential(Separable(stem, early, 2), CrossStage(early, early, depths[0]))
        self.stages = nn.ModuleList()
        before = early
        for i, (width, depth) in enumerate(zip(stages, depths[1:], strict=True)):
            last = i == len(stages) - 1
            blocks: list[nn.Module] = [Separable(before, width, 2)]
            if last:
                blocks.append(PyramidPooling(width))
            blocks.append(CrossStage(width, width, depth, shortcut=not last))
            self.stages.append(nn.Sequential(*blocks))
            before = width

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.early(self.stem(x))
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class PathAggregation(nn.Module):
    """Three maps to three of the same sizes, each knowing the others: top-down, then bottom-up."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        low, middle, high = widths
        self.reduce_high = ConvNormSiLU(high, middle)
        self.down_middle = CrossStage(2 * middle, middle, 1, shortcut=False)
        self.reduce_middle = ConvNormSiLU(middle, low)
        self.down_low = CrossStage(2 * low, low, 1, shortcut=False)
        self.step_low = Separable(low, low, 2)
        self.up_middle = CrossStage(2 * low, middle, 1, shortcut=False)
        self.step_middle = Separable(middle, middle, 2)
        self.up_high = CrossStage(2 * middle, high, 1, shortcut=False)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        low, middle, high = maps
        high = self.reduce_high(high)
        middle = self.down_middle(torch.cat([_raised(high, middle), middle], 1))
        middle = self.reduce_middle(middle)
        low = self.down_low(torch.cat([_raised(middle, low), low], 1))
        up_middle = self.up_middle(torch.cat([self.step_low(low), middle], 1))
        up_high = self.up_high(torch.cat([self.step_middle(up_middle), high], 1))
        return [low, up_middle, up_high]


def _raised(x: Tensor, like: Tensor) -> Tensor:
    """Sizes that are no multiple of 32 give maps that differ by one cell: resized to the exact size."""
    return F.interpolate(x, size=like.shape[-2:], mode="nearest")


class Head(nn.Module):
    """One level's convolutions: a branch for the classes, one for the box and whether there is an object."""

    def __init__(self, inputs: int, width: int, classes: int, per_cell: int) -> None:
        super().__init__()
        self.stem = ConvNormSiLU(inputs, width)
        self.class_branch = nn.Sequential(Separable(width, width), Separable(width, width))
        self.box_branch = nn.Sequential(Separable(width, width), Separable(width, width))
        self.classes = nn.Conv2d(width, classes * per_cell, 1)
        self.boxes = nn.Conv2d(width, 4 * per_cell, 1)
        self.objects = nn.Conv2d(width, per_cell, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.stem(x)
        kinds = self.classes(self.class_branch(x))
        box = self.box_branch(x)
        return self.boxes(box), self.objects(box), kinds


class CspSSD(SSDModule):
    """`config.widths`: channels of the stem and of the stages at strides 4, 8, 16, 32; `depths`: bottlenecks
    of the stages at strides 4, 8, 16, 32; `neck`: channels of the heads.

    A class's score is the product of two sigmoids, "there is an object" and "it is one of these", so that
    things of no known class are turned down by the second however sure the first is.
    """

    score_scale: Tensor
    score_shift: Tensor

    def __init__(self, config: SSDConfig) -> None:
        super().__init__(config)
        self.backbone = Trunk(config.widths, config.depths)
        self.pyramid = PathAggregation(config.widths[2:])
        classes = len(config.class_names)
        self.heads = nn.ModuleList(
            Head(width, config.neck, classes, level.per_cell)
            for width, level in zip(config.widths[2:], config.levels, strict=True)
        )
        heads = [head for head in self.heads if isinstance(head, Head)]
        # The product of two tenths is the hundredth of `start_rare`.
        start_rare((head.classes for head in heads), share=0.1)
        start_rare((head.objects for head in heads), share=0.1)
        start_rare((head.boxes for head in heads), share=0.5)
        self.register_buffer("score_scale", torch.ones(classes))
        self.register_buffer("score_shift", torch.zeros(classes))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) BGR 0..255 to offsets (B, P, 4) and class logits (B, P, C), in `make_priors` order."""
        maps = self.pyramid(self.backbone(images))
        offsets, objects, classes = [], [], []
        for head, x in zip(self.heads, maps, strict=True):
            box, thing, kind = head(x)
            offsets.append(rows_of(box, 4))
            objects.append(rows_of(thing, 1))
            classes.append(rows_of(kind, len(self.config.class_names)))
        logits = both(torch.cat(objects, 1), torch.cat(classes, 1))
        return torch.cat(offsets, 1), logits * self.score_scale + self.score_shift

    def rescale_scores(self, scale: float | Tensor, shift: float | Tensor) -> None:
        self.score_shift.mul_(scale).add_(shift)
        self.score_scale.mul_(scale)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        # Older files have one scale and one shift for all classes.
        for name in ("score_scale", "score_shift"):
            value = state_dict.get(prefix + name)
            if value is not None and value.ndim == 0:
                state_dict[prefix + name] = value.expand(len(self.config.class_names))
        super()._load_from_state_dict(state_dict, prefix, *rest)


def both(a: Tensor, b: Tensor) -> Tensor:
    """The logit of sigmoid(a) * sigmoid(b), which is -log(exp(-a) + exp(-b) + exp(-a - b)), broadcast.

    With exp(-a) taken out of the sum, softplus(x) = log(1 + exp(x)) says the same without a number that can overflow,
    and with one function for each element of the result, which tells where there are many classes.
    """
    a, b = a.float(), b.float()
    return a - F.softplus(F.softplus(a) - b)
