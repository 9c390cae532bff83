"""The settings of a Fast R-CNN, with the paper's numbers, and the names that can be trained. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rtdet.detectors.family.config import variants
from rtdet.detectors.rcnn.searched_config import SearchedConfig

NO_ROI_POOLING = "RoI pooling; use --backend torch, or train it with RoI align (--set align=true)"


@dataclass(frozen=True)
class FastRcnnConfig(SearchedConfig):
    """How regions are found: see SearchedConfig.

    backbone, stride, channels: see trunk.SharedMap. align: RoI align instead of RoI pooling, which OpenVINO cannot
    convert. bins: of a pooled region's side. head_widths: of the connected layers. shared_boxes: one box for all
    classes of a region.

    region_samples, region_foreground, region_overlap, region_background: regions of a picture that it learns from,
    the most that show an object, as a share, the least overlap with it, and the least overlap of the others: 64 of
    each picture, a quarter of them objects, the others from .1 to .5 (section 2.3).
    """

    family: ClassVar[str] = "fastrcnn"

    backbone: str = "vgg16"
    stride: int = 16
    channels: int = 512
    align: bool = False
    bins: int = 7
    head_widths: tuple[int, ...] = (4096, 4096)
    dropout: float = 0.5
    shared_boxes: bool = False
    region_samples: int = 64
    region_foreground: float = 0.25
    region_overlap: float = 0.5
    region_background: float = 0.1

    @property
    def openvino_lacks(self) -> str:
        return "" if self.align else NO_ROI_POOLING


VARIANTS = variants(
    FastRcnnConfig,
    {
        "fastrcnn-n": (
            "Fast R-CNN on a narrow trunk: a look at each region of selective search",
            {
                "backbone": "narrow",
                "stride": 8,
                "channels": 96,
                "align": True,
                "head_widths": (192,),
                "dropout": 0.0,
                "shared_boxes": True,
                "proposals": 750,
                "search_side": 256,
                "search_spaces": ("hsv", "lab"),
                "search_scales": (100.0,),
                "search_smoothing": 0.5,
                "search_least_pixels": 10,
                "search_least_side": 4.0,
                "region_background": 0.0,
            },
        ),
        "fastrcnn": ("Fast R-CNN on VGG-16 with RoI pooling, as published", {"backbone": "vgg16"}),
    },
)
