"""SSDLite320 on MobileNetV3-Large (Howard et al. 2019, arXiv 1905.02244, section 6.3; Sandler et al. 2018,
arXiv 1801.04381): every 3x3 of the heads and extra layers is depthwise."""

from __future__ import annotations

from torch import Tensor, nn

from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.layers import quick_norm, separable_extra, separable_head, start_small
from rtdet.detectors.ssd.module import PlainSSD

FULL_TAIL = "mobilenet_v3_large"
# Table 6 of the paper halves the channels behind stride 16: half of the time there, hardly any accuracy.
REDUCED_TAIL = "mobilenet_v3_large_reduced"
# The block whose expansion, at stride 16, is the first map.
_C4 = 13
_EXTRAS = (512, 256, 256, 128)


class MobileSSD(PlainSSD):
    """Maps at strides 16 to 512. `config.backbone` is FULL_TAIL or REDUCED_TAIL."""

    def __init__(self, config: SSDConfig) -> None:
        super().__init__(config, (0.5,) * 3, (0.5,) * 3)
        from torchvision.models import mobilenet_v3_large

        blocks = mobilenet_v3_large(
            weights=None, norm_layer=quick_norm, reduced_tail=config.backbone != FULL_TAIL
        ).features
        start_small(blocks)
        expand, *rest = blocks[_C4].block
        # Nested as torchvision's ssdlite320 nests them, so that its weights keep their names.
        self.early = nn.Sequential(*blocks[:_C4], expand)
        self.late = nn.Sequential(nn.Sequential(nn.Identity(), *rest), *blocks[_C4 + 1 :])
        channels = [expand[0].out_channels, blocks[-1].out_channels]
        self.extras = nn.ModuleList()
        for outputs in _EXTRAS:
            self.extras.append(separable_extra(channels[-1], outputs))
            channels.append(outputs)
        self.add_heads(channels, separable_head)

    def feature_maps(self, images: Tensor) -> list[Tensor]:
        maps = [self.early(images)]
        for layers in (self.late, *self.extras):
            maps.append(layers(maps[-1]))
        return maps
