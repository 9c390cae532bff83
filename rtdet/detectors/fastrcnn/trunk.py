"""One feature map of a picture, which all its regions share: what made R-CNN fast."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.family.trunks import Trunk
from rtdet.detectors.ssd.backbone_ssd import IMAGENET_MEAN, IMAGENET_STD

VGG = "vgg16"


class SharedMap(nn.Module):
    """(B, 3, H, W) BGR 0..255 to (B, channels, H / stride, W / stride).

    name: "vgg16" for the papers' convolutions up to conv5_3, whose map has 512 channels at stride 16; else see
    family.trunks: its map at `stride` (8 or 16) and the coarser ones are brought to `channels` and to that
    resolution, and added, so that one map knows both where things are and what they are.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, stride: int, channels: int) -> None:
        super().__init__()
        self.is_vgg = name == VGG
        if self.is_vgg:
            from torchvision.models import vgg16

            self.body: nn.Module = vgg16().features[:-1]
            self.laterals = nn.ModuleList()
            self.channels, self.stride = 512, 16
        else:
            trunk = Trunk(name)
            self.body = trunk
            self.taken = (8, 16, 32).index(stride)
            self.laterals = nn.ModuleList(nn.Conv2d(n, channels, 1) for n in trunk.channels[self.taken :])
            self.channels, self.stride = channels, stride
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        if self.is_vgg:
            seen: Tensor = self.body((images.flip(1) / 255 - self.mean) / self.std)
            return seen
        first, *coarser = [
            lateral(x) for lateral, x in zip(self.laterals, self.body(images)[self.taken :], strict=True)
        ]
        for x in coarser:
            first = first + F.interpolate(x, size=first.shape[-2:], mode="nearest")
        return F.relu(first)
