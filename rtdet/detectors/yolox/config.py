"""The settings of a YOLOX, with the paper's numbers, and the names that can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rtdet.detectors.family.config import FamilyConfig, variants

STRIDES = (8, 16, 32)


@dataclass(frozen=True)
class YoloxConfig(FamilyConfig):
    """backbone: "csp" for the depthwise CSPDarknet and path aggregation of YOLOX-nano, else see family.trunks.
    neck: channels of the pyramid behind other trunks. head: channels of the heads. depthwise: their 3x3 convolutions
    are of each channel alone, with a 1x1 across channels.

    radius: cells up to so many strides from an object's middle may answer for it. candidates: of the best of them,
    the sum of the overlaps says how many do. overlap_cost: the weight of the overlap against the class in an
    assignment's cost. box_weight: of the loss of boxes.
    """

    family: ClassVar[str] = "yolox"

    backbone: str = "csp"
    neck: int = 64
    head: int = 64
    depthwise: bool = True
    radius: float = 2.5
    candidates: int = 10
    overlap_cost: float = 3.0
    box_weight: float = 5.0


VARIANTS = variants(
    YoloxConfig,
    {
        "yolox-n": (
            "YOLOX on a narrow trunk: a decoupled head without anchors, SimOTA",
            {"backbone": "narrow", "depthwise": False, "neck": 64, "head": 64},
        ),
        "yolox-nano": ("YOLOX-nano as published", {}),
    },
)
