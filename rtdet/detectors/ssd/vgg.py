"""SSD300 and SSD512 on VGG-16 (Liu et al. 2016, arXiv 1512.02325, figure 2 and section 3.1).

VGG-16's fully connected layers 6 and 7 became convolutions, the sixth dilated because its pool no longer
strides (DeepLab, arXiv 1412.7062). conv4_3, whose values are larger than those of later maps, is normalised in
each place and rescaled (ParseNet, arXiv 1506.04579).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.layers import plain_head
from rtdet.detectors.ssd.levels import vgg_sides
from rtdet.detectors.ssd.module import PlainSSD
from rtdet.errors import UsageError

# The mean pixel of ImageNet (R, G, B). VGG's inputs run to 255.
VGG_MEAN = (0.48235, 0.45882, 0.40784)
VGG_STD = (1 / 255, 1 / 255, 1 / 255)

_CONV1_TO_CONV4_3 = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512)
_CONV5 = ("pool", 512, 512, 512)


class VggSSD(PlainSSD):
    """Any square input whose maps `config.levels` are (`levels.vgg_levels`)."""

    def __init__(self, config: SSDConfig) -> None:
        super().__init__(config, VGG_MEAN, VGG_STD)
        size = config.input_size
        if size is None or size[0] != size[1]:
            raise UsageError(f"SSD on VGG-16 takes one square input, not {size}")
        self.early = nn.Sequential(*_vgg(3, _CONV1_TO_CONV4_3))
        # Nested as torchvision's ssd300_vgg16 nests them, so that its weights keep their names.
        self.late = nn.Sequential(*_vgg(512, _CONV5), nn.Sequential(nn.MaxPool2d(3, 1, 1), *_fc6_and_fc7()))
        self.scale = nn.Parameter(torch.full((512,), 20.0))
        sides = vgg_sides(size[0])
        self.extras = nn.ModuleList()
        channels = [512, 1024]
        for i, side in enumerate(sides[1:-1]):
            outputs = 512 if i == 0 else 256
            self.extras.append(extra_layer(channels[-1], outputs, side))
            channels.append(outputs)
        self.add_heads(channels, plain_head)

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        x = self.early(images)
        maps = [F.normalize(x) * self.scale.view(1, -1, 1, 1)]
        x = self.late(x)
        maps.append(x)
        for extra in self.extras:
            x = extra(x)
            maps.append(x)
        return maps


def extra_layer(inputs: int, outputs: int, side: int) -> nn.Sequential:
    """From a map of `side` cells: 1x1, then a 3x3 of stride 2, or, from 5 and 3 cells, one without padding; the
    last two cells are met by one 4x4, as in SSD512."""
    kernel, stride, padding = 3, 2, 1
    if side in (3, 5):
        stride, padding = 1, 0
    elif side == 2:
        kernel, stride = 4, 1
    half = outputs // 2
    layers = [nn.Conv2d(inputs, half, 1), nn.Conv2d(half, outputs, kernel, stride, padding)]
    for conv in layers:
        _start(conv)
    return nn.Sequential(layers[0], nn.ReLU(inplace=True), layers[1], nn.ReLU(inplace=True))


def _vgg(inputs: int, plan: tuple[int | str, ...]) -> list[nn.Module]:
    """3x3 convolutions of the given channels, each with ReLU, and pools that halve. They round up, as Caffe's
    do, which gives the paper's 38 cells for 300 pixels."""
    layers: list[nn.Module] = []
    for step in plan:
        if isinstance(step, str):
            layers.append(nn.MaxPool2d(2, 2, ceil_mode=True))
            continue
        conv = nn.Conv2d(inputs, step, 3, padding=1)
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        assert conv.bias is not None
        nn.init.zeros_(conv.bias)
        layers += [conv, nn.ReLU(inplace=True)]
        inputs = step
    return layers


def _fc6_and_fc7() -> list[nn.Module]:
    fc6, fc7 = nn.Conv2d(512, 1024, 3, padding=6, dilation=6), nn.Conv2d(1024, 1024, 1)
    _start(fc6)
    _start(fc7)
    return [fc6, nn.ReLU(inplace=True), fc7, nn.ReLU(inplace=True)]


def _start(conv: nn.Conv2d) -> None:
    nn.init.xavier_uniform_(conv.weight)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
