"""Weights of torchvision's ssd300_vgg16 and ssdlite320_mobilenet_v3_large in our own networks.

Our layers nest as torchvision's do, so a name changes only in its beginning; priors, input and scores follow
torchvision's recipe. So does what the network computes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from rtdet.detectors.ssd.architectures import build_network
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.levels import ssdlite_levels, torchvision_ssd300_levels
from rtdet.detectors.ssd.module import SSDModule
from rtdet.detectors.ssd.ssdlite import FULL_TAIL, REDUCED_TAIL
from rtdet.detectors.state_dicts import fill
from rtdet.errors import UnknownNameError

# Beginnings of torchvision's names and of ours.
_HEADS = {
    "head.classification_head.module_list.": "score_heads.",
    "head.regression_head.module_list.": "box_heads.",
}
_VGG = {
    "backbone.scale_weight": "scale",
    "backbone.features.": "early.",
    "backbone.extra.0.": "late.",
    "backbone.extra.": "extras.",
    **_HEADS,
}
_MOBILE = {
    "backbone.features.0.": "early.",
    "backbone.features.1.": "late.",
    "backbone.extra.": "extras.",
    **_HEADS,
}
# The last layer of MobileNetV3: 960 channels, or half of them where the tail is reduced.
_TAIL = "backbone.features.1.3.0.weight"
_FULL_TAIL_CHANNELS = 960


def from_torchvision(
    architecture: str, weights: Mapping[str, Tensor], class_names: Sequence[str]
) -> SSDModule:
    """The network in evaluation mode. class_names: of torchvision's outputs 1, 2, ...; "" for one that stands
    for no class.

    Raises UnknownNameError for another architecture, ModelError for weights that are missing, unknown or of
    another shape.
    """
    if architecture == "ssd300_vgg16":
        config = SSDConfig(
            tuple(class_names),
            levels=torchvision_ssd300_levels(),
            architecture="ssd-vgg16",
            backbone="vgg16",
            input_size=(300, 300),
            background=True,
        )
        renamed = {_vgg_name(name): value for name, value in weights.items()}
    elif architecture == "ssdlite320_mobilenet_v3_large":
        tail = weights.get(_TAIL)
        is_full = tail is not None and len(tail) == _FULL_TAIL_CHANNELS
        config = SSDConfig(
            tuple(class_names),
            levels=ssdlite_levels(),
            architecture="ssdlite-mobilenet_v3",
            backbone=FULL_TAIL if is_full else REDUCED_TAIL,
            input_size=(320, 320),
            background=True,
        )
        renamed = {_renamed(name, _MOBILE): value for name, value in weights.items()}
    else:
        known = ["ssd300_vgg16", "ssdlite320_mobilenet_v3_large"]
        raise UnknownNameError("SSD of torchvision", architecture, known)
    model = build_network(config)
    fill(model, renamed)
    return model.eval()


def _vgg_name(name: str) -> str:
    """torchvision counts the layers up to fc7 as the first of the extra ones."""
    found = _renamed(name, _VGG)
    beginning, _, rest = found.partition(".")
    if beginning != "extras":
        return found
    place, _, layer = rest.partition(".")
    return f"extras.{int(place) - 1}.{layer}" if place.isdigit() else name


def _renamed(name: str, beginnings: Mapping[str, str]) -> str:
    for theirs, ours in beginnings.items():
        if name.startswith(theirs):
            return ours + name[len(theirs) :]
    return name
