"""The families by name, and every name that can be trained. Free of torch until a network is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rtdet.detectors.family.config import FamilyConfig, NetworkConfig, Size, Trainable
from rtdet.detectors.ssd import catalogue as ssd
from rtdet.errors import UnknownModelError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from rtdet.detectors.family.network import DetectionNetwork


@dataclass(frozen=True)
class Family:
    """Where a family's parts are, each as "module:name" in rtdet.detectors. config: its FamilyConfig. network: what
    makes its DetectionNetwork of a configuration. variants: its names to train."""

    config: str
    network: str
    variants: str


FAMILIES: Mapping[str, Family] = {
    "ssd": Family("ssd.config:SSDConfig", "ssd.architectures:build_network", "ssd.catalogue:TRAINABLE"),
    "centernet": Family(
        "centernet.config:CenterNetConfig", "centernet.network:CenterNet", "centernet.config:VARIANTS"
    ),
    "yolov1": Family("yolov1.config:YoloV1Config", "yolov1.network:YoloV1", "yolov1.config:VARIANTS"),
    "yolov3": Family("yolov3.config:YoloV3Config", "yolov3.network:YoloV3", "yolov3.config:VARIANTS"),
    "retinanet": Family(
        "retinanet.config:RetinaNetConfig", "retinanet.network:RetinaNet", "retinanet.config:VARIANTS"
    ),
    "fcos": Family("fcos.config:FcosConfig", "fcos.network:Fcos", "fcos.config:VARIANTS"),
    "yolox": Family("yolox.config:YoloxConfig", "yolox.network:Yolox", "yolox.config:VARIANTS"),
    "yolov4": Family("yolov4.config:YoloV4Config", "yolov4.network:YoloV4", "yolov4.config:VARIANTS"),
    "efficientdet": Family(
        "efficientdet.config:EfficientDetConfig",
        "efficientdet.network:EfficientDet",
        "efficientdet.config:VARIANTS",
    ),
    "slidingwindow": Family(
        "slidingwindow.config:SlidingWindowConfig",
        "slidingwindow.network:SlidingWindow",
        "slidingwindow.config:VARIANTS",
    ),
    "rcnn": Family("rcnn.config:RcnnConfig", "rcnn.network:Rcnn", "rcnn.config:VARIANTS"),
    "fastrcnn": Family(
        "fastrcnn.config:FastRcnnConfig", "fastrcnn.network:FastRcnn", "fastrcnn.config:VARIANTS"
    ),
    "fasterrcnn": Family(
        "fasterrcnn.config:FasterRcnnConfig", "fasterrcnn.network:FasterRcnn", "fasterrcnn.config:VARIANTS"
    ),
}
ALIASES = ssd.ALIASES


def config_class(family: str) -> Any:
    """The class of a family's configurations. Raises UnknownNameError."""
    if family not in FAMILIES:
        raise UnknownNameError("family of detectors", family, list(FAMILIES))
    return _load(FAMILIES[family].config)


def build(config: NetworkConfig) -> DetectionNetwork:
    """The network of a configuration with fresh weights."""
    network: DetectionNetwork = _load(FAMILIES[config.family].network)(config)
    return network


def trainable() -> dict[str, Trainable]:
    """Every name that can be trained from scratch, family by family."""
    return {name: entry for family in FAMILIES.values() for name, entry in _load(family.variants).items()}


def new_config(
    name: str,
    class_names: Sequence[str],
    backbone: str | None = None,
    input_size: Size | None = None,
    changes: Mapping[str, Any] | None = None,
) -> NetworkConfig:
    """The configuration of a fresh network, of which `build` makes it.

    backbone, input_size: None for those that the name is known for. changes: other values for some of its settings,
    the fields of its family's configuration. Raises UnknownModelError for a name that there is not, with the nearest,
    and UsageError for settings that there are not or that do not go together.
    """
    known = trainable()
    entry = known.get(ALIASES.get(name, name))
    if entry is None:
        raise UnknownModelError("model to train", name, [*known, *ALIASES])
    if backbone is not None and not entry.has_backbones:
        others = ", ".join(other for other in known if known[other].has_backbones)
        raise UsageError(f"{name} has its own backbone; omit --backbone, or train one of: {others}")
    if input_size is not None and min(input_size) < 64:
        raise UsageError(
            f"an input of {input_size[0]}x{input_size[1]} is too small for a detector; use 64 or more"
        )
    config = entry.make(tuple(class_names), backbone, input_size)
    return _changed(config, changes) if changes else config


def settings_of(config: NetworkConfig) -> dict[str, Any]:
    """The settings of a network that `new_config` can change, and their values; none for an SSD."""
    if not isinstance(config, FamilyConfig):
        return {}
    own = {field.name for field in fields(config)} - {field.name for field in fields(FamilyConfig)}
    return {name: getattr(config, name) for name in sorted(own)}


def _changed(config: NetworkConfig, changes: Mapping[str, Any]) -> NetworkConfig:
    known = settings_of(config)
    for name in changes:
        if not known:
            raise UsageError(f"{config.architecture} has no settings to change; omit --set")
        if name not in known:
            raise UnknownNameError(f"setting of {config.architecture}", name, list(known))
    try:
        made: NetworkConfig = config_class(config.family).from_dict({**config.as_dict(), **changes})
    except ValueError as error:
        raise UsageError(f"--set: {error}") from error
    return made


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(f"rtdet.detectors.{module}"), name)
