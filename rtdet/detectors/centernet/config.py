"""The settings of a CenterNet, with the paper's numbers, and the names that can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rtdet.detectors.family.config import FamilyConfig, variants

# Input pixels of a cell of the heat map: R in the paper.
STRIDE = 4


@dataclass(frozen=True)
class CenterNetConfig(FamilyConfig):
    """backbone: see family.trunks. up_channels: of the three layers that double the resolution, from stride 32 to 4.
    skips: the backbone's maps at strides 16 and 8 are added on the way up, as in the paper's DLA-34 and unlike in its
    ResNets. head_channels: of the layer in front of each output.

    alpha, beta: exponents of the focal loss (equation 1). size_weight, offset_weight: of the L1 losses (equation 4).
    min_overlap: the heat of an object covers the centres of boxes of its size that overlap it by that much.
    """

    family: ClassVar[str] = "centernet"

    backbone: str = "resnet18"
    up_channels: tuple[int, int, int] = (256, 256, 256)
    skips: bool = False
    head_channels: int = 64
    alpha: float = 2.0
    beta: float = 4.0
    size_weight: float = 0.1
    offset_weight: float = 1.0
    min_overlap: float = 0.7

    @property
    def suppression(self) -> str:
        return "none"


VARIANTS = variants(
    CenterNetConfig,
    {
        "centernet-n": (
            "CenterNet on a narrow trunk: a heat map of centres, no anchors, no NMS",
            {"backbone": "narrow", "up_channels": (128, 64, 48), "skips": True, "head_channels": 48},
        ),
        "centernet": (
            "CenterNet on ResNet-18, the paper's but for its deformable layers",
            {"backbone": "resnet18"},
        ),
    },
)
