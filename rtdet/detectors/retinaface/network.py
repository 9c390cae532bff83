"""The network. Its layers nest as those of the state dicts that are in use, so that their names are the same."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.family.grids import cell_centers, from_center, rows_of
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.retinaface.config import STRIDES, RetinaFaceConfig

# Offsets are in these parts of an anchor, and of a logarithm, as SSD's (Liu et al. 2016).
_CENTER, _SIZE = 0.1, 0.2
# A face of e^4 times its anchor is none, and exp could overflow.
_MOST_LOG = 4.0
Maps = tuple[tuple[Tensor, ...], tuple[Tensor, ...]]


class RetinaFace(DetectionNetwork):
    """`forward` gives the class logits (B, 2 * 2, H, W) and the box differences (B, 2 * 4, H, W) of each level. The
    five points of each face are in the weights, and are not computed."""

    def __init__(self, config: RetinaFaceConfig) -> None:
        super().__init__()
        self.config: RetinaFaceConfig = config
        self.body = _Trunk(config.width)
        self.fpn = _Pyramid(self.body.channels, config.channels)
        self.ssh1, self.ssh2, self.ssh3 = (_Context(config.channels) for _ in STRIDES)
        for name, numbers in (("ClassHead", 2), ("BboxHead", 4), ("LandmarkHead", 10)):
            self.add_module(name, nn.ModuleList(_Head(config.channels, 2 * numbers) for _ in STRIDES))
        for layer in self.modules():
            if isinstance(layer, nn.LeakyReLU):
                layer.negative_slope = config.slope
        self.register_buffer("means", torch.tensor(config.means).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Maps:
        """(B, 3, H, W) BGR 0..255."""
        levels = self.fpn(self.body(images - self.get_buffer("means")))
        contexts = (self.ssh1, self.ssh2, self.ssh3)
        maps = [context(level) for context, level in zip(contexts, levels, strict=True)]
        return self._heads("ClassHead", maps), self._heads("BboxHead", maps)

    def _heads(self, name: str, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        heads = self.get_submodule(name)
        assert isinstance(heads, nn.ModuleList)
        return tuple(head(x) for head, x in zip(heads, maps, strict=True))

    def decode(self, outputs: Maps) -> tuple[Tensor, Tensor]:
        return self.decode_with(self.config.sides, outputs)

    def decode_with(self, sides: Sequence[int], outputs: Maps) -> tuple[Tensor, Tensor]:
        """As `decode`, for anchors of other sides, six of them."""
        classes, offsets = outputs
        anchors = torch.cat(
            [
                _anchors(x, stride, sides[2 * i : 2 * i + 2])
                for i, (x, stride) in enumerate(zip(classes, STRIDES, strict=True))
            ]
        )
        differences = torch.cat([rows_of(x, 4) for x in offsets], 1)
        center = anchors[:, :2] + differences[..., :2] * _CENTER * anchors[:, 2:]
        size = anchors[:, 2:] * (differences[..., 2:] * _SIZE).clamp(max=_MOST_LOG).exp()
        scores = torch.cat([rows_of(x, 2) for x in classes], 1).softmax(-1)[..., 1:]
        return from_center(center, size), scores


def _anchors(level: Tensor, stride: int, sides: Sequence[int]) -> Tensor:
    """(H * W * 2, 4) cxcywh in input pixels, those of a cell one after the other."""
    centers = cell_centers(level, stride)[:, None]
    sizes = torch.zeros_like(centers) + centers.new_tensor([[side, side] for side in sides])
    return torch.cat([torch.zeros_like(sizes) + centers, sizes], -1).reshape(-1, 4)


def _convolution(
    inputs: int, outputs: int, size: int = 3, stride: int = 1, *, bent: bool = True
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs)
    ]  # fmt: skip
    return nn.Sequential(*layers, *([nn.LeakyReLU(inplace=True)] if bent else []))


def _depthwise(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs),
        nn.LeakyReLU(inplace=True),
        nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(inplace=True),
    )  # fmt: skip


class _Trunk(nn.Module):
    """MobileNet to maps at strides 8, 16, 32."""

    def __init__(self, width: int) -> None:
        super().__init__()
        w = width
        self.channels = (8 * w, 16 * w, 32 * w)
        self.stage1 = nn.Sequential(
            _convolution(3, w, stride=2), _depthwise(w, 2 * w), _depthwise(2 * w, 4 * w, 2),
            _depthwise(4 * w, 4 * w), _depthwise(4 * w, 8 * w, 2), _depthwise(8 * w, 8 * w),
        )  # fmt: skip
        same = [_depthwise(16 * w, 16 * w) for _ in range(5)]
        self.stage2 = nn.Sequential(_depthwise(8 * w, 16 * w, 2), *same)
        self.stage3 = nn.Sequential(_depthwise(16 * w, 32 * w, 2), _depthwise(32 * w, 32 * w))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.stage1(x)
        middle = self.stage2(fine)
        return fine, middle, self.stage3(middle)


class _Pyramid(nn.Module):
    def __init__(self, inputs: Sequence[int], channels: int) -> None:
        super().__init__()
        self.output1, self.output2, self.output3 = (_convolution(n, channels, 1) for n in inputs)
        self.merge1, self.merge2 = (_convolution(channels, channels) for _ in range(2))

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        coarse = self.output3(maps[2])
        middle = self.output2(maps[1])
        middle = self.merge2(middle + F.interpolate(coarse, size=middle.shape[-2:], mode="nearest"))
        fine = self.output1(maps[0])
        fine = self.merge1(fine + F.interpolate(middle, size=fine.shape[-2:], mode="nearest"))
        return fine, middle, coarse


class _Context(nn.Module):
    """SSH's: one, two and three 3x3 convolutions side by side, which see as far as 3x3, 5x5 and 7x7."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half, quarter = channels // 2, channels // 4
        self.conv3X3 = _convolution(channels, half, bent=False)
        self.conv5X5_1 = _convolution(channels, quarter)
        self.conv5X5_2 = _convolution(quarter, quarter, bent=False)
        self.conv7X7_2 = _convolution(quarter, quarter)
        self.conv7x7_3 = _convolution(quarter, quarter, bent=False)

    def forward(self, x: Tensor) -> Tensor:
        wider = self.conv5X5_1(x)
        widest = self.conv7x7_3(self.conv7X7_2(wider))
        return F.relu(torch.cat([self.conv3X3(x), self.conv5X5_2(wider), widest], 1))


class _Head(nn.Module):
    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.conv1x1 = nn.Conv2d(channels, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv1x1(x)
        return made
