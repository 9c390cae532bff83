"""The settings of a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rtdet.detectors.family.config import FamilyConfig


@dataclass(frozen=True)
class ClassifierConfig(FamilyConfig):
    """input_size: of the pictures that it is trained on and measured with. backbone: see trunks.trunk_kind.
    label_smoothing: how far the targets are from certain (Szegedy et al. 2016, arXiv 1512.00567, section 7). dropout:
    in front of the last layer."""

    family: ClassVar[str] = "classifier"

    backbone: str = "narrow"
    label_smoothing: float = 0.1
    dropout: float = 0.0

    @property
    def architecture(self) -> str:
        return f"a classifier on {self.backbone}"
