"""Every backbone that can be pretrained: those of ssd.backbones, timm's, and the families' own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rtdet.detectors.family.registry import ALIASES, build, new_config, trainable
from rtdet.detectors.family.trunks import DEPTHS, NARROW, WIDTHS
from rtdet.detectors.rcnn.features import narrow_layers
from rtdet.detectors.slidingwindow import classifier as windows
from rtdet.detectors.slidingwindow.config import SlidingWindowConfig
from rtdet.detectors.ssd import backbones, csp
from rtdet.detectors.ssd.backbone_ssd import IMAGENET_MEAN, IMAGENET_STD
from rtdet.detectors.ssd.layers import quick_norm
from rtdet.detectors.ssd.network import Backbone
from rtdet.detectors.ssd.ssdlite import REDUCED_TAIL
from rtdet.detectors.yolov1.network import figure_3
from rtdet.detectors.yolov3.darknet import Darknet53
from rtdet.detectors.yolov4.config import VARIANTS as YOLOV4
from rtdet.detectors.yolov4.config import YoloV4Config
from rtdet.detectors.yolov4.cspdarknet import CspDarknet
from rtdet.errors import UnknownNameError

Three = tuple[float, float, float]


@dataclass(frozen=True)
class Input:
    """What a backbone's first layer is given: (picture - mean) / std of pixels from 0 to 1. mean and std are those of
    R, G and B; rgb: so is the order of the channels, else B, G, R."""

    mean: Three = IMAGENET_MEAN
    std: Three = IMAGENET_STD
    rgb: bool = True

    def __call__(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) BGR 0..255, as every network here takes it."""
        mean, std = (images.new_tensor(part).view(1, 3, 1, 1) for part in (self.mean, self.std))
        given = (images.flip(1) / 255 - mean) / std
        return given if self.rgb else given.flip(1)


IMAGENET = Input()
# The families' own. Plain: pixels as they are; Darknet-53 itself turns them into RGB from 0 to 1.
PLAIN = Input((0.0, 0.0, 0.0), (1 / 255,) * 3, rgb=False)
HALVES = Input((0.5,) * 3, (0.25,) * 3)
ONES = Input((0.5,) * 3, (0.5,) * 3)
SHARES = Input((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))

# rcnn-n's and slidingwindow-n's, of what is left of a picture without its mean.
REGIONS = Input(IMAGENET_MEAN, (64 / 255,) * 3, rgb=False)
MIDDLE = Input((128 / 255,) * 3, (64 / 255,) * 3, rgb=False)

CSP_WIDTHS, CSP_DEPTHS = (16, 32, 64, 128, 256), (1, 3, 3, 1)
# Of YOLOv1's 24 convolutions those 20, with 4 pools among them, that its paper pretrains (section 2.2).
YOLOV1_LAYERS = 24


@dataclass(frozen=True)
class TrunkKind:
    """`build` gives a module from what `input` makes of pictures to feature maps, of which the last is classified."""

    build: Callable[[], nn.Module]
    input: Input = IMAGENET


def csp_darknet(variant: str) -> CspDarknet:
    """The trunk of a YOLOv4 by the name that it is trained by."""
    config = YOLOV4[variant].make(("",), None, None)
    assert isinstance(config, YoloV4Config)
    return CspDarknet(config.channels, config.blocks, mish=config.mish)


def _mobilenet() -> nn.Module:
    from torchvision.models import mobilenet_v3_large

    features: nn.Module = mobilenet_v3_large(weights=None, norm_layer=quick_norm, reduced_tail=True).features
    return features


# Beside ssd.backbones.BACKBONES. What they are: names.OWN_TRUNKS.
TRUNKS: Mapping[str, TrunkKind] = {
    NARROW: TrunkKind(lambda: Backbone(WIDTHS, DEPTHS), HALVES),
    "csp": TrunkKind(lambda: csp.Trunk(CSP_WIDTHS, CSP_DEPTHS), PLAIN),
    "darknet": TrunkKind(lambda: figure_3()[:YOLOV1_LAYERS], ONES),
    "darknet53": TrunkKind(Darknet53, PLAIN),
    "cspdarknet53": TrunkKind(lambda: csp_darknet("yolov4"), SHARES),
    "cspdarknet-n": TrunkKind(lambda: csp_darknet("yolov4-n"), SHARES),
    REDUCED_TAIL: TrunkKind(_mobilenet, ONES),
    "regions": TrunkKind(narrow_layers, REGIONS),
    "window": TrunkKind(lambda: windows.Classifier(SlidingWindowConfig.widths, 1, refine=False).body, MIDDLE),
}


def trunk_kind(name: str) -> TrunkKind:
    """name: as trunk_name gives it. Raises as `ssd.backbones.backbone` does."""
    if name in TRUNKS:
        return TRUNKS[name]
    try:
        chosen = backbones.backbone(name)
    except UnknownNameError as error:
        raise UnknownNameError("backbone", name, [*TRUNKS, *error.known, *trainable()]) from None
    return TrunkKind(chosen.build)


def trunk_name(name: str) -> str:
    """The backbone that is meant by its own name, or by that of a model that has it (`csp-n`: `csp`). Raises as
    `trunk_kind` does."""
    name_of_model = ALIASES.get(name, name)
    if name in TRUNKS or name in backbones.BACKBONES or name_of_model not in trainable():
        trunk_kind(name)
        return name
    from rtdet.detectors.classifier.taking import trunk_in

    with torch.device("meta"):  # without memory for the weights: only what it is made of is wanted
        return trunk_in(build(new_config(name_of_model, ("",)))).name
