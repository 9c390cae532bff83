"""What a RetinaFace's weights leave open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from rtdet.detectors.family.config import FamilyConfig

STRIDES = (8, 16, 32)
PUBLISHED_SIDES = (16, 32, 64, 128, 256, 512)
# A later training's, for smaller faces.
SMALLER_SIDES = (10, 20, 32, 64, 128, 256)
CAFFE_MEANS = (104.0, 117.0, 123.0)
# Slope left of zero of what bends: two published trainings differ.
SLOPES = (0.1, 0.0)


@dataclass(frozen=True)
class RetinaFaceConfig(FamilyConfig):
    """sides: of the square anchors in input pixels, two for each of the strides 8, 16, 32. means: what is taken off
    the pixels, blue first. slope: of the leaky ReLUs left of zero. width: of the trunk's first layer. channels: of
    the pyramid."""

    family: ClassVar[str] = "retinaface"

    class_names: tuple[str, ...] = ("face",)
    sides: tuple[int, ...] = PUBLISHED_SIDES
    means: tuple[float, float, float] = CAFFE_MEANS
    slope: float = SLOPES[0]
    width: int = 8
    channels: int = 64
    # Small faces are many.
    usual_side: int | None = field(default=640, kw_only=True, compare=False)
