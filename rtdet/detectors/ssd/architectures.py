"""Every SSD that can be built, by the name in its configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rtdet.detectors.ssd.backbone_ssd import BackboneSSD
from rtdet.detectors.ssd.config import SSDConfig
from rtdet.detectors.ssd.csp import CspSSD
from rtdet.detectors.ssd.module import SSDModule
from rtdet.detectors.ssd.network import SSD
from rtdet.detectors.ssd.ssdlite import MobileSSD
from rtdet.detectors.ssd.vgg import VggSSD
from rtdet.errors import UnknownNameError

ARCHITECTURES: Mapping[str, Callable[[SSDConfig], SSDModule]] = {
    "ssd-n": SSD,
    "csp-n": CspSSD,
    "ssd-vgg16": VggSSD,
    "ssdlite-mobilenet_v3": MobileSSD,
    "ssd": BackboneSSD,
    "ssdlite": BackboneSSD,
}


def build_network(config: SSDConfig) -> SSDModule:
    """The network of a configuration with fresh weights; raises UnknownNameError for another architecture."""
    try:
        make = ARCHITECTURES[config.architecture]
    except KeyError:
        raise UnknownNameError("SSD architecture", config.architecture, list(ARCHITECTURES)) from None
    return make(config)
