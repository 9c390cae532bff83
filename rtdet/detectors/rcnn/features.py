"""The convolutions of R-CNN, which see one warped region at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rtdet.detectors.family.trunks import NARROW, Trunk
from rtdet.detectors.ssd.backbone_ssd import IMAGENET_MEAN, IMAGENET_STD

ALEXNET = "alexnet"
_WIDTHS = (24, 48, 96, 128)
# What is taken off a picture before regions are cut out of it, BGR; it is also what is outside of the picture.
MEAN_COLOR = tuple(255 * value for value in reversed(IMAGENET_MEAN))


class RegionFeatures(nn.Module):
    """(R, 3, side, side) BGR 0..255 less MEAN_COLOR to (R, values), the paper's pool5.

    name: "alexnet" for the paper's five convolutions, "narrow" for four small ones, else see family.trunks, whose
    coarsest map is taken. Raises as that does.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, side: int) -> None:
        super().__init__()
        self.name = name
        channels, stride = 256, 32
        if name == ALEXNET:
            from torchvision.models import alexnet

            self.body: nn.Module = alexnet().features
            # Three layers that halve without a border, after one that strides by four.
            cells = _halved(_halved(_halved((side - 7) // 4 + 1)))
        elif name == NARROW:
            self.body, channels = narrow_layers(), _WIDTHS[-1]
            cells = -(-side // 8)
        else:
            self.body = Trunk(name)
            channels = self.body.channels[-1]
            cells = -(-side // stride)
        self.values = channels * cells**2
        self.register_buffer("mean", torch.tensor(MEAN_COLOR).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, regions: Tensor) -> Tensor:
        if self.name == ALEXNET:
            maps: Tensor = self.body(regions.flip(1) / 255 / self.std)
        elif self.name == NARROW:
            maps = self.body(regions / 64)
        else:
            maps = self.body(regions + self.mean)[-1]
        return maps.flatten(1)


def narrow_layers() -> nn.Sequential:
    """At strides 2, 4, 8 and once more at 8."""
    layers: list[nn.Module] = []
    before = 3
    for width, stride in zip(_WIDTHS, (2, 2, 2, 1), strict=True):
        layers += [
            nn.Conv2d(before, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
        before = width
    return nn.Sequential(*layers)


def _halved(cells: int) -> int:
    """After a pooling of 3 cells in steps of 2."""
    return (cells - 3) // 2 + 1
