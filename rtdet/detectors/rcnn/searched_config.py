"""What networks that look at the regions of selective search have in common: how these are found. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rtdet.detectors.family.config import FamilyConfig
from rtdet.detectors.rcnn.selective_search import searched
from rtdet.types import Image


@dataclass(frozen=True)
class SearchedConfig(FamilyConfig):
    """proposals: regions of a picture, 2000 in both papers. search_side, search_spaces, search_scales,
    search_least_side, search_smoothing, search_least_pixels: see selective_search."""

    proposals: int = 2000
    search_side: int = 500
    search_spaces: tuple[str, ...] = ("hsv", "lab")
    search_scales: tuple[float, ...] = (50.0, 100.0)
    search_least_side: float = 20.0
    search_smoothing: float = 0.8
    search_least_pixels: int = 20

    @property
    def region_count(self) -> int:
        return self.proposals

    def find_regions(self, picture: Image) -> NDArray[np.float32]:
        return searched(
            np.ascontiguousarray(picture).tobytes(), picture.shape[0], picture.shape[1], self.search_side,
            self.search_spaces, self.search_scales, self.proposals, self.search_least_side,
            self.search_smoothing, self.search_least_pixels,
        ).copy()  # fmt: skip
