"""Where a network has its backbone, and how a trained one's weights get there.

Networks name their layers differently, but the same backbone has the same tensors in the same order everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rtdet.detectors.classifier.network import Classifier
from rtdet.detectors.classifier.trunks import (
    CSP_DEPTHS,
    CSP_WIDTHS,
    IMAGENET,
    MIDDLE,
    ONES,
    PLAIN,
    REGIONS,
    SHARES,
    YOLOV1_LAYERS,
    Input,
    csp_darknet,
    trunk_kind,
)
from rtdet.detectors.classifier.weights import load_trained
from rtdet.detectors.family.network import TrainableNetwork
from rtdet.detectors.family.trunks import DEPTHS, NARROW, WIDTHS, Trunk
from rtdet.detectors.fastrcnn.trunk import SharedMap
from rtdet.detectors.rcnn.features import ALEXNET, RegionFeatures
from rtdet.detectors.slidingwindow.config import SlidingWindowConfig
from rtdet.detectors.slidingwindow.network import SlidingWindow
from rtdet.detectors.ssd.backbone_ssd import BackboneSSD
from rtdet.detectors.ssd.csp import CspSSD
from rtdet.detectors.ssd.network import SSD
from rtdet.detectors.ssd.ssdlite import FULL_TAIL, REDUCED_TAIL, MobileSSD
from rtdet.detectors.ssd.vgg import VGG_MEAN, VGG_STD, VggSSD
from rtdet.detectors.yolov1.network import YoloV1
from rtdet.detectors.yolov3.darknet import Darknet53
from rtdet.detectors.yolov4.network import YoloV4
from rtdet.detectors.yolox.network import Yolox
from rtdet.errors import ModelError, UsageError

_VGG = Input(VGG_MEAN, VGG_STD)
# A weight and a bias of each of VGG-16's 13 convolutions. SSD's sixth and seventh come from the connected layers.
_VGG_TENSORS = 26


@dataclass(frozen=True)
class TrunkPart:
    """A network's backbone. name: see trunks.trunk_kind; of one that is changed so that no classifier has it,
    something else. tensors: its own names of the backbone's tensors, in the backbone's order."""

    name: str
    tensors: tuple[str, ...]
    input: Input


@dataclass(frozen=True)
class Pretrained:
    """A trained backbone. said: of what, for people."""

    name: str
    tensors: tuple[Tensor, ...]
    input: Input
    said: str


def trunk_in(network: TrainableNetwork) -> TrunkPart:
    """Where a network has its backbone. Raises UsageError for a kind of network that is not known here."""
    for prefix, module in network.named_modules():
        find = _FINDERS.get(type(module))
        part = find(module) if find else None
        if part is not None:
            name, given, inside = part
            named = (f"{prefix}.{tensor}" if prefix else tensor for tensor in inside)
            return TrunkPart(name, tuple(named), given)
    raise UsageError(f"{network.config.architecture} has no backbone that a classifier can have")


def read_trunk(path: Path) -> Pretrained:
    """The backbone of a classifier or of a detector that `rtdet train` wrote. Raises ModelError."""
    network = load_trained(path)
    part, state = trunk_in(network), network.state_dict()
    kind = "classifier" if isinstance(network, Classifier) else "detector"
    said = f"{path}, a {kind} of {len(network.config.class_names)} classes"
    return Pretrained(part.name, tuple(state[name] for name in part.tensors), part.input, said)


@torch.no_grad()
def take_trunk(network: TrainableNetwork, trained: Pretrained) -> int:
    """Gives the network's backbone the trained weights; returns how many tensors that are. Raises ModelError where
    the backbones differ."""
    part = trunk_in(network)
    if part.name != trained.name:
        raise ModelError(
            f"the backbone of {network.config.architecture} is {part.name}; that of {trained.said} is {trained.name}"
        )
    state = network.state_dict()
    own = [state[name] for name in part.tensors]
    given = trained.tensors[: len(own)]
    if [tuple(x.shape) for x in own] != [tuple(x.shape) for x in given]:
        raise ModelError(f"the backbone of {trained.said} has other layers than {part.name} has")
    for mine, value in zip(own, _for_input(given, trained.input, part.input), strict=True):
        mine.copy_(value)
    return len(own)


def _for_input(tensors: Sequence[Tensor], before: Input, now: Input) -> list[Tensor]:
    """The tensors, of which the first is the first convolution's weight, for pixels that are normalised in another
    way: what it computes stays. A shift goes into its bias where it has one."""
    weight, *rest = (value.clone() for value in tensors)
    if before == now or weight.shape[1] != 3:
        return [weight, *rest]
    mean, std, other_mean, other_std = (
        weight.new_tensor(part).view(1, 3, 1, 1) for part in (before.mean, before.std, now.mean, now.std)
    )
    rgb = weight if before.rgb else weight.flip(1)
    if rest and rest[0].shape == (len(weight),) and len(rest) > 1 and rest[1].ndim == 4:
        rest[0] += (rgb * (other_mean - mean) / std).sum((1, 2, 3))
    rgb = rgb * other_std / std
    return [rgb if now.rgb else rgb.flip(1), *rest]


_Found = tuple[str, Input, Iterator[str]]


def _names(module: nn.Module, prefix: str) -> Iterator[str]:
    """Of all tensors but the norms' counts of batches."""
    for name in module.state_dict():
        if not name.endswith("num_batches_tracked"):
            yield f"{prefix}.{name}"


def _of_classifier(network: Classifier) -> _Found:
    return network.config.backbone, network.input, _names(network.backbone, "backbone")


def _of_trunk(trunk: Trunk) -> _Found:
    return trunk.name, trunk_kind(trunk.name).input, _names(trunk.body, "body")


def _of_shared_map(shared: SharedMap) -> _Found | None:
    return ("vgg16", IMAGENET, _names(shared.body, "body")) if shared.is_vgg else None


def _of_ssd_n(network: SSD) -> _Found:
    """Nearly the numbers of `narrow`, in the order in which pictures come."""
    config = network.config
    name = NARROW if (config.widths, config.depths) == (WIDTHS, DEPTHS) else f"of widths {config.widths}"
    return name, MIDDLE, _names(network.backbone, "backbone")


def _of_csp(network: CspSSD) -> _Found:
    config = network.config
    name = (
        "csp" if (config.widths, config.depths) == (CSP_WIDTHS, CSP_DEPTHS) else f"of widths {config.widths}"
    )
    return name, PLAIN, _names(network.backbone, "backbone")


def _of_backbone_ssd(network: BackboneSSD) -> _Found:
    return str(network.config.backbone), IMAGENET, _names(network.backbone, "backbone")


def _of_vgg(network: VggSSD) -> _Found:
    tensors = [*_names(network.early, "early"), *_names(network.late, "late")]
    return "vgg16", _VGG, iter(tensors[:_VGG_TENSORS])


def _of_mobile(network: MobileSSD) -> _Found:
    tensors = [*_names(network.early, "early"), *_names(network.late, "late")]
    name = FULL_TAIL if network.config.backbone == FULL_TAIL else REDUCED_TAIL
    return name, ONES, iter(tensors)


def _of_yolov1(network: YoloV1) -> _Found | None:
    if isinstance(network.backbone, Trunk):
        return None
    assert isinstance(network.backbone, nn.Sequential)
    return "darknet", ONES, _names(network.backbone[:YOLOV1_LAYERS], "backbone")


def _of_regions(features: RegionFeatures) -> _Found | None:
    names = {ALEXNET: (ALEXNET, IMAGENET), NARROW: ("regions", REGIONS)}
    if features.name not in names:
        return None
    return *names[features.name], _names(features.body, "body")


def _of_sliding_window(network: SlidingWindow) -> _Found:
    widths = network.config.widths
    name = "window" if widths == SlidingWindowConfig.widths else f"of widths {widths}"
    return name, MIDDLE, _names(network.classifier.body, "classifier.body")


def _of_darknet53(trunk: Darknet53) -> _Found:
    return "darknet53", PLAIN, (name[1:] for name in _names(trunk, ""))


def _of_yolov4(network: YoloV4) -> _Found:
    config = network.config
    names = {"cspdarknet53": "yolov4", "cspdarknet-n": "yolov4-n"}
    shapes = [value.shape for value in network.backbone.state_dict().values()]
    with torch.device("meta"):
        same = [
            name
            for name, variant in names.items()
            if [value.shape for value in csp_darknet(variant).state_dict().values()] == shapes
        ]
    name = same[0] if same else f"a CSPDarknet of channels {config.channels}"
    return name + ("" if config.mish else " without Mish"), SHARES, _names(network.backbone, "backbone")


def _of_yolox(network: Yolox) -> _Found | None:
    if network.config.backbone != "csp":
        return None
    return "csp", PLAIN, _names(network.backbone, "backbone")


# The outermost that is met first: what has a Trunk inside is found by that.
_FINDERS: Mapping[type[nn.Module], Callable[[Any], _Found | None]] = {
    Classifier: _of_classifier,
    SSD: _of_ssd_n,
    CspSSD: _of_csp,
    BackboneSSD: _of_backbone_ssd,
    VggSSD: _of_vgg,
    MobileSSD: _of_mobile,
    YoloV1: _of_yolov1,
    YoloV4: _of_yolov4,
    Yolox: _of_yolox,
    SlidingWindow: _of_sliding_window,
    RegionFeatures: _of_regions,
    SharedMap: _of_shared_map,
    Trunk: _of_trunk,
    Darknet53: _of_darknet53,
}
