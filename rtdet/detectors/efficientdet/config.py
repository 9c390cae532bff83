"""The settings of an EfficientDet, with the paper's numbers, and the names that can be trained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from rtdet.detectors.family.config import FamilyConfig, Size, Trainable

STRIDES = (8, 16, 32, 64, 128)
# Table 1. The paper's formula, 64 * 1.35^phi, gives about these widths; the authors rounded them to what is quick.
_WIDTHS = (64, 88, 112)


@dataclass(frozen=True)
class EfficientDetConfig(FamilyConfig):
    """backbone: of timm, see family.trunks. channels: of the pyramid and the heads; layers: of the pyramid;
    convolutions: of each head in front of its output.

    scales, aspects: of the anchors, whose sides are (4 * stride * scale) times each of an aspect's two numbers.
    alpha, gamma: of the focal loss. smoothness: beta of the boxes' smooth L1 loss, and box_weight its weight.
    """

    family: ClassVar[str] = "efficientdet"

    backbone: str = "tf_efficientnet_b0"
    channels: int = 64
    layers: int = 3
    convolutions: int = 3
    scales: tuple[float, ...] = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
    aspects: tuple[tuple[float, float], ...] = ((1.0, 1.0), (1.4, 0.7), (0.7, 1.4))
    alpha: float = 0.25
    gamma: float = 1.5
    smoothness: float = 0.1
    box_weight: float = 50.0

    @property
    def multiple(self) -> int:
        return STRIDES[-1]


def compound(phi: int, **settings: Any) -> EfficientDetConfig:
    """D-phi, for phi of 0 to 2: everything that grows, by one number (section 4.2 and table 1).

    The input of D-phi is 512 + 128 * phi pixels a side, `input_of`. Raises ValueError for another phi.
    """
    if not 0 <= phi < len(_WIDTHS):
        raise ValueError(f"EfficientDet-D{phi} is not among D0 to D{len(_WIDTHS) - 1}")
    return EfficientDetConfig(
        backbone=f"tf_efficientnet_b{phi}", channels=_WIDTHS[phi], layers=3 + phi, convolutions=3 + phi // 3,
        name=f"efficientdet-d{phi}", **settings,
    )  # fmt: skip


def input_of(phi: int) -> int:
    """Pixels a side of the published D-phi's input."""
    return 512 + 128 * phi


def _scaled(phi: int) -> Trainable:
    def make(class_names: tuple[str, ...], backbone: str | None, _size: Size | None) -> EfficientDetConfig:
        config = compound(phi, class_names=class_names)
        return config if backbone is None else replace(config, backbone=backbone)

    return Trainable(f"EfficientDet-D{phi} as published", make, has_backbones=True)


def _narrow(class_names: tuple[str, ...], backbone: str | None, _size: Size | None) -> EfficientDetConfig:
    return EfficientDetConfig(
        class_names,
        name="efficientdet-n",
        backbone=backbone or "narrow",
        channels=64,
        layers=2,
        convolutions=2,
    )


VARIANTS = {
    "efficientdet-n": Trainable(
        "EfficientDet on a narrow trunk: BiFPN, separable heads", _narrow, has_backbones=True
    ),
    **{f"efficientdet-d{phi}": _scaled(phi) for phi in range(len(_WIDTHS))},
}
