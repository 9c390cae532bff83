"""Backbones by name: networks made for classification, cut into stages whose maps an SSD looks at.

From torchvision and timm, always with fresh weights: nothing is fetched. Besides the names in BACKBONES, any
model of timm that gives maps at strides 8 and 16 (`features_only`) can be asked for by its timm name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from rtdet.errors import UnknownNameError, UsageError
from rtdet.extras import require_for_model

# Strides of the maps that are taken. Coarser ones come from the SSD's extra layers.
STRIDES = (8, 16, 32)


class Stages(nn.Module):
    """Stages in a row: images (B, 3, H, W) to the map behind each."""

    def __init__(self, *stages: nn.Module) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)

    def forward(self, images: Tensor) -> list[Tensor]:
        maps, x = [], images
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


@dataclass(frozen=True)
class Backbone:
    """`build` gives a module from images (B, 3, H, W) to maps at `strides`."""

    build: Callable[[], nn.Module]
    strides: tuple[int, ...] = STRIDES


def backbone(name: str) -> Backbone:
    """Raises UnknownNameError with the nearest names, and UsageError for a model of timm that does not fit."""
    if name in BACKBONES:
        return BACKBONES[name]
    require_for_model("train", f"the backbone {name}", "timm")
    import timm

    known = timm.list_models()
    if name not in known:
        raise UnknownNameError(
            "backbone", name, sorted({*BACKBONES, *known}) if _is_near(name, known) else BACKBONES
        )
    return _from_timm(name)


def map_channels(name: str, body: nn.Module, strides: Sequence[int]) -> list[int]:
    """Channels of each map of the backbone `name`, found out by running it once on nothing. Raises UsageError
    for one that does not take pictures of any size, or whose maps are not (B, channels, H, W)."""
    width, height = 96, 64
    training = body.training
    try:
        with torch.no_grad():
            maps = body.eval()(torch.zeros(1, 3, height, width))
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"{name} cannot be used as a backbone: it takes pictures of only one size"
        ) from error
    body.train(training)
    for x, stride in zip(maps, strides, strict=True):
        # A cell may lack where a backbone pads less than it strides.
        if not (0 <= height / stride - x.shape[2] <= 1 and 0 <= width / stride - x.shape[3] <= 1):
            raise UsageError(f"{name} cannot be used as a backbone: its feature maps have another layout")
    return [int(x.shape[1]) for x in maps]


def _is_near(name: str, known: Sequence[str]) -> bool:
    """Does timm have a name that begins alike? Its thousand names are no help in a message otherwise."""
    return any(other.startswith(name[:5]) for other in known)


def _torchvision(name: str, cut: Callable[[Any], Stages], **options: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import torchvision

        return cut(torchvision.models.get_model(name, weights=None, **options))

    return build


def _features(*ends: int) -> Callable[[Any], Stages]:
    """Cuts a network's `features`, a plain sequence of layers, behind these places."""

    def cut(model: Any) -> Stages:
        return _split(list(model.features), ends)

    return cut


def _split(layers: list[nn.Module], ends: Sequence[int]) -> Stages:
    starts = (0, *ends[:-1])
    return Stages(*(nn.Sequential(*layers[a:b]) for a, b in zip(starts, ends, strict=True)))


def _alexnet(model: Any) -> Stages:
    stages = _features(5, 12)(model)
    # AlexNet has no norms; torch's own start would let the signal die out.
    for layer in stages.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return stages


def _googlenet(model: Any) -> Stages:
    names = [
        "conv1", "maxpool1", "conv2", "conv3", "maxpool2", "inception3a", "inception3b",
        "maxpool3", "inception4a", "inception4b", "inception4c", "inception4d", "inception4e",
        "maxpool4", "inception5a", "inception5b",
    ]  # fmt: skip
    return _split([getattr(model, name) for name in names], (7, 13, 16))


def _resnet(model: Any) -> Stages:
    stem = nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool)
    return Stages(nn.Sequential(stem, model.layer1, model.layer2), model.layer3, model.layer4)


def _densenet(model: Any) -> Stages:
    """Cut within the transitions, behind their norm: the blocks' own outputs are not normalised."""
    f = model.features
    stem = [f.conv0, f.norm0, f.relu0, f.pool0, f.denseblock1, f.transition1, f.denseblock2]
    first, second = f.transition2, f.transition3
    return Stages(
        nn.Sequential(*stem, first.norm, first.relu),
        nn.Sequential(first.conv, first.pool, f.denseblock3, second.norm, second.relu),
        nn.Sequential(second.conv, second.pool, f.denseblock4, f.norm5, nn.ReLU(inplace=True)),
    )


def _mnasnet(model: Any) -> Stages:
    return _split(list(model.layers), (10, 12, 14))


class _TimmMaps(nn.Module):
    """timm's features_only, in its own order of channels, as a list."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> list[Tensor]:
        return list(self.body(images))


def _from_timm(name: str) -> Backbone:
    """The last of a timm model's maps at each of STRIDES."""
    import timm

    try:
        # Without memory for the weights: only what the model says of itself is wanted.
        with torch.device("meta"):
            reductions = timm.create_model(
                name, pretrained=False, features_only=True
            ).feature_info.reduction()
    except (RuntimeError, AttributeError, TypeError, ValueError, NotImplementedError) as error:
        raise UsageError(
            f"{name} cannot be used as a backbone: timm offers no feature maps for it"
        ) from error
    last = {reduction: i for i, reduction in enumerate(reductions) if reduction in STRIDES}
    strides = tuple(stride for stride in STRIDES if stride in last)
    if strides[:2] != STRIDES[:2]:
        raise UsageError(f"{name} cannot be used as a backbone: its feature maps are not at strides 8 and 16")

    def build() -> nn.Module:
        indices = [last[stride] for stride in strides]
        return _TimmMaps(timm.create_model(name, pretrained=False, features_only=True, out_indices=indices))

    return Backbone(build, strides)


def _timm(name: str) -> Backbone:
    """One that is known to give maps at all of STRIDES."""
    return Backbone(lambda: _from_timm(name).build())


# The lecture's, in its order.
BACKBONES: Mapping[str, Backbone] = {
    "alexnet": Backbone(_torchvision("alexnet", _alexnet), (8, 16)),
    "vgg16": Backbone(_torchvision("vgg16", _features(23, 30)), (8, 16)),
    "googlenet": Backbone(_torchvision("googlenet", _googlenet, aux_logits=False, init_weights=False)),
    "resnet18": Backbone(_torchvision("resnet18", _resnet, zero_init_residual=True)),
    "resnet34": Backbone(_torchvision("resnet34", _resnet, zero_init_residual=True)),
    "resnet50": Backbone(_torchvision("resnet50", _resnet, zero_init_residual=True)),
    "resnext50_32x4d": Backbone(_torchvision("resnext50_32x4d", _resnet, zero_init_residual=True)),
    "densenet121": Backbone(_torchvision("densenet121", _densenet)),
    "seresnet50": _timm("seresnet50"),
    "mnasnet1_0": Backbone(_torchvision("mnasnet1_0", _mnasnet)),
    "mnasnet_100": _timm("mnasnet_100"),
    "efficientnet_b0": Backbone(_torchvision("efficientnet_b0", _features(4, 6, 8))),
    "ghostnet_100": _timm("ghostnet_100"),
    "mobilenet_v3_large": Backbone(_torchvision("mobilenet_v3_large", _features(7, 13, 16))),
}
