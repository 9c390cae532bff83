"""The settings of an FCOS, with the paper's numbers, and the names that can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rtdet.detectors.family.config import FamilyConfig, variants

STRIDES = (8, 16, 32, 64, 128)


@dataclass(frozen=True)
class FcosConfig(FamilyConfig):
    """backbone: see family.trunks. channels: of the pyramid and the heads; convolutions: of each head in front of its
    outputs.

    bounds: a level answers for objects whose farthest side is up to so many pixels away from the cell, beginning
    where the level below ends; the last level has no bound (section 3.2). radius: cells further than so many
    strides from the middle of an object do not answer for it; 0: all cells inside of it do (the paper's first
    version). alpha, gamma: of the focal loss.
    """

    family: ClassVar[str] = "fcos"

    backbone: str = "resnet50"
    channels: int = 256
    convolutions: int = 4
    bounds: tuple[float, float, float, float] = (64.0, 128.0, 256.0, 512.0)
    radius: float = 1.5
    alpha: float = 0.25
    gamma: float = 2.0


VARIANTS = variants(
    FcosConfig,
    {
        "fcos-n": (
            "FCOS on a narrow trunk: the distances of the four sides from every cell, no anchors",
            {"backbone": "narrow", "channels": 64, "convolutions": 2},
        ),
        "fcos": ("FCOS on ResNet-50, as published", {"backbone": "resnet50"}),
    },
)
