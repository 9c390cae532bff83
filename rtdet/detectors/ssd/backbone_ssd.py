"""An SSD on any backbone: its maps at strides 8, 16 and 32, extra layers behind it, a head on each map."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.ssd.backbones import backbone, map_channels
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.layers import plain_extra, plain_head, separable_extra, separable_head
from rtdet.detectors.ssd.module import PlainSSD
from rtdet.errors import UsageError

# ImageNet's pixels (R, G, B), by which the networks of torchvision and timm are trained.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
MOST_MAPS = 6


def map_strides(strides: Sequence[int], size: tuple[int, int]) -> list[int]:
    """Strides of all maps: a backbone's, then twice the last until a map has two cells a side, six maps at
    most."""
    found = list(strides)
    while len(found) < MOST_MAPS and max(size) > 2 * found[-1]:
        found.append(2 * found[-1])
    return found


class BackboneSSD(PlainSSD):
    """`config.neck`: channels of the extra layers. The architecture "ssdlite" has depthwise heads and extras.

    Raises UnknownNameError and UsageError for a backbone that there is not or that does not fit.
    """

    def __init__(self, config: SSDConfig) -> None:
        super().__init__(config, IMAGENET_MEAN, IMAGENET_STD)
        if config.backbone is None or config.input_size is None:
            raise UsageError(f"the architecture {config.architecture} needs a backbone and an input size")
        chosen = backbone(config.backbone)
        self.input_size = config.input_size
        self.backbone = chosen.build()
        channels = map_channels(config.backbone, self.backbone, chosen.strides)
        lite = config.architecture == "ssdlite"
        self.extras = nn.ModuleList()
        for _ in config.levels[len(channels) :]:
            self.extras.append((separable_extra if lite else plain_extra)(channels[-1], config.neck))
            channels.append(config.neck)
        self.add_heads(channels, separable_head if lite else plain_head)

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        maps = [self._fitted(x, i) for i, x in enumerate(self.backbone(images))]
        for extra in self.extras:
            maps.append(extra(maps[-1]))
        return maps

    def _fitted(self, x: Tensor, level: int) -> Tensor:
        """Backbones that do not pad (AlexNet) give maps a cell short: resized to the cells of the priors."""
        across, down = self.config.levels[level].cells(self.input_size)
        if x.shape[-2:] == (down, across):
            return x
        return F.interpolate(x, size=(down, across), mode="bilinear", align_corners=False)
