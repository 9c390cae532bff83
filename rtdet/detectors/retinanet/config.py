"""The settings of a RetinaNet, with the paper's numbers, and the names that can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rtdet.detectors.family.config import FamilyConfig, variants

STRIDES = (8, 16, 32, 64, 128)


@dataclass(frozen=True)
class RetinaNetConfig(FamilyConfig):
    """backbone: see family.trunks. channels: of the pyramid and the heads; convolutions: of each head in front of its
    output. scales, ratios: of the anchors (section 4): their areas are (4 * stride * scale)^2 and their shapes
    height / width.

    min_overlap, max_background: an anchor answers for the object that it overlaps by at least the former, is
    background where it overlaps all by less than the latter, and else is left out. alpha, gamma: of the focal loss.
    smoothness: beta of the boxes' smooth L1 loss; 0: plain L1.
    """

    family: ClassVar[str] = "retinanet"

    backbone: str = "resnet50"
    channels: int = 256
    convolutions: int = 4
    scales: tuple[float, ...] = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    min_overlap: float = 0.5
    max_background: float = 0.4
    alpha: float = 0.25
    gamma: float = 2.0
    smoothness: float = 1 / 9


VARIANTS = variants(
    RetinaNetConfig,
    {
        "retinanet-n": (
            "RetinaNet on a narrow trunk: a feature pyramid, nine anchors a cell, focal loss",
            {"backbone": "narrow", "channels": 64, "convolutions": 2},
        ),
        "retinanet": ("RetinaNet on ResNet-50, as published", {"backbone": "resnet50"}),
    },
)
