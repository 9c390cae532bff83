"""The SSDs that can be trained, by name: each name's configuration and training objective."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rtdet.detectors.family.config import Trainable
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.levels import Size, backbone_levels, ssdlite_levels, vgg_levels
from rtdet.errors import UnknownModelError, UsageError

if TYPE_CHECKING:
    from rtdet.detectors.ssd.loss import MultiboxLoss, QualityLoss

# Channels of the layers that follow a backbone.
_EXTRA_CHANNELS = 256
_Names = tuple[str, ...]


def new_config(
    name: str,
    class_names: Sequence[str],
    backbone: str | None = None,
    input_size: Size | None = None,
) -> SSDConfig:
    """The configuration of a fresh network (`architectures.build_network` makes it).

    backbone: a name in `backbones.BACKBONES`, or of timm; None: the one that the name is known for.
    input_size: (width, height); None: likewise. Raises UnknownModelError for a name that there is not, with
    the nearest, and UsageError for settings that do not go together.
    """
    trainable = TRAINABLE.get(ALIASES.get(name, name))
    if trainable is None:
        raise UnknownModelError("model to train", name, [*TRAINABLE, *ALIASES])
    if backbone is not None and not trainable.has_backbones:
        raise UsageError(f"{name} has its own backbone; omit --backbone, or train ssd300 or ssdlite320")
    if input_size is not None and min(input_size) < 64:
        raise UsageError(
            f"an input of {input_size[0]}x{input_size[1]} is too small for an SSD; use 64 or more"
        )
    config = trainable.make(tuple(class_names), backbone, input_size)
    assert isinstance(config, SSDConfig)
    return config


def objective_for(config: SSDConfig) -> MultiboxLoss | QualityLoss:
    """SSD's multibox loss for networks with background, the quality-aware one for those without."""
    from rtdet.detectors.ssd.loss import MultiboxLoss, QualityLoss

    return MultiboxLoss() if config.background else QualityLoss()


def _ssd(side: int) -> Callable[[_Names, str | None, Size | None], SSDConfig]:
    def make(names: _Names, backbone: str | None, size: Size | None) -> SSDConfig:
        width, height = size or (side, side)
        if backbone in (None, "vgg16") and width == height:
            return SSDConfig(
                names,
                levels=vgg_levels(width),
                architecture="ssd-vgg16",
                backbone="vgg16",
                input_size=(width, height),
                background=True,
            )
        return _on_backbone("ssd", names, backbone or "vgg16", (width, height))

    return make


def _ssdlite(names: _Names, backbone: str | None, size: Size | None) -> SSDConfig:
    size = size or (320, 320)
    if backbone not in (None, "mobilenet_v3_large"):
        return _on_backbone("ssdlite", names, backbone, size)
    return SSDConfig(
        names,
        levels=ssdlite_levels(size),
        architecture="ssdlite-mobilenet_v3",
        backbone="mobilenet_v3_large_reduced",
        input_size=size,
        background=True,
    )


def _on_backbone(architecture: str, names: _Names, backbone: str, size: Size) -> SSDConfig:
    from rtdet.detectors.ssd.backbone_ssd import map_strides
    from rtdet.detectors.ssd.backbones import backbone as backbone_of

    strides = map_strides(backbone_of(backbone).strides, size)
    return SSDConfig(
        names,
        levels=backbone_levels(strides, size),
        neck=_EXTRA_CHANNELS,
        architecture=architecture,
        backbone=backbone,
        input_size=size,
        background=True,
    )


def _ssd_n(names: _Names, _backbone: str | None, _size: Size | None) -> SSDConfig:
    return SSDConfig(names)


def _csp_n(names: _Names, _backbone: str | None, _size: Size | None) -> SSDConfig:
    return SSDConfig(names, (16, 32, 64, 128, 256), (1, 3, 3, 1), neck=64, architecture="csp-n")


TRAINABLE: Mapping[str, Trainable] = {
    "ssd300": Trainable("SSD on VGG-16, or on any backbone, 300x300", _ssd(300), (300, 300), True),
    "ssd512": Trainable("the same at 512x512, with a map more on VGG-16", _ssd(512), (512, 512), True),
    "ssdlite320": Trainable(
        "SSDLite on MobileNetV3-Large, or on any backbone, 320x320", _ssdlite, (320, 320), True
    ),
    "ssd-n": Trainable("rtdet's small SSD of plain 3x3 convolutions, any size", _ssd_n),
    "csp-n": Trainable("the embedded model's network, on YOLOX-nano's trunk, any size", _csp_n),
}
ALIASES: Mapping[str, str] = {"ssd": "ssd300", "ssdlite": "ssdlite320"}
