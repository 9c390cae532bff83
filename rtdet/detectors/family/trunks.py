"""The trunk of a network: feature maps at strides 8, 16 and 32, for chapters that teach what comes behind them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rtdet.detectors.ssd.backbone_ssd import IMAGENET_MEAN, IMAGENET_STD
from rtdet.detectors.ssd.backbones import STRIDES, backbone, map_channels
from rtdet.detectors.ssd.network import Backbone
from rtdet.errors import UsageError

# The trunk of ssd-n, which two cores can train: channels of the stem and at strides 4, 8, 16, 32, and its blocks.
NARROW = "narrow"
WIDTHS, DEPTHS = (24, 48, 96, 160, 256), (1, 2, 2)


class Trunk(nn.Module):
    """(B, 3, H, W) BGR 0..255 to maps at strides 8, 16, 32, whose numbers of channels are `channels`.

    name: "narrow", a name in ssd.backbones.BACKBONES, or of timm. Raises UnknownNameError and UsageError for a
    backbone that there is not or that has no such maps.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        if name == NARROW:
            self.body: nn.Module = Backbone(WIDTHS, DEPTHS)
            self.channels = list(WIDTHS[2:])
            mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
        else:
            chosen = backbone(name)
            if chosen.strides != STRIDES:
                raise UsageError(
                    f"{name} cannot be the backbone: it has no feature map at stride {STRIDES[-1]}"
                )
            self.body = chosen.build()
            self.channels = map_channels(name, self.body, chosen.strides)
            mean, std = IMAGENET_MEAN, IMAGENET_STD
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        maps: list[Tensor] = self.body((images.flip(1) / 255 - self.mean) / self.std)
        return maps
