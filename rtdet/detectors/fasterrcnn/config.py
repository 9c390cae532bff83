"""The settings of a Faster R-CNN, with the paper's numbers, and the names that can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rtdet.detectors.family.config import FamilyConfig, variants
from rtdet.detectors.fastrcnn.config import NO_ROI_POOLING


@dataclass(frozen=True)
class FasterRcnnConfig(FamilyConfig):
    """backbone, stride, channels: see fastrcnn.trunk.SharedMap. rpn_channels: of the layer that slides over the map.

    The first stage. sizes, ratios: of the anchors; the square root of their area in input pixels, and height over
    width. rpn_overlap, rpn_background: an anchor that overlaps an object by the first shows one, one that overlaps
    none by the second shows none. rpn_samples, rpn_foreground: anchors of a picture that it learns from, and the
    most that show an object, as a share. inside_only: it does not learn from anchors that leave the picture.
    rpn_smoothness: where its smooth L1 turns from squared to linear.

    Between them. candidates: best anchors that are thinned out where they overlap by more than `thin_out` (the paper
    thins out 6000; those beyond the first 1000 hardly ever become one of the best 300). proposals: as many go on,
    300 in the paper; a training chooses among all that are left.

    The second stage. align: RoI align instead of the paper's RoI pooling, which no exported graph knows. bins: of a
    pooled region's side. head_widths: of its connected layers. shared_boxes: one box for all classes of a region.
    region_samples, region_foreground, region_overlap, region_background: regions of a picture that it learns from,
    the most that show an object, as a share, the least overlap with it, and the least overlap of the others.
    """

    family: ClassVar[str] = "fasterrcnn"

    backbone: str = "vgg16"
    stride: int = 16
    channels: int = 512
    rpn_channels: int = 512
    sizes: tuple[float, ...] = (128.0, 256.0, 512.0)
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    rpn_overlap: float = 0.7
    rpn_background: float = 0.3
    rpn_samples: int = 256
    rpn_foreground: float = 0.5
    inside_only: bool = True
    rpn_smoothness: float = 1.0
    candidates: int = 1000
    proposals: int = 300
    thin_out: float = 0.7
    align: bool = True
    bins: int = 7
    head_widths: tuple[int, ...] = (4096, 4096)
    dropout: float = 0.5
    shared_boxes: bool = False
    region_samples: int = 64
    region_foreground: float = 0.25
    region_overlap: float = 0.5
    region_background: float = 0.0

    @property
    def openvino_lacks(self) -> str:
        return "" if self.align else NO_ROI_POOLING


VARIANTS = variants(
    FasterRcnnConfig,
    {
        "fasterrcnn-n": (
            "Faster R-CNN on a narrow trunk: proposals by a network, then a look at each",
            {
                "backbone": "narrow",
                "stride": 8,
                "channels": 96,
                "rpn_channels": 96,
                "sizes": (16.0, 40.0, 100.0),
                "inside_only": False,
                "rpn_smoothness": 1 / 9,
                "candidates": 400,
                "proposals": 100,
                "head_widths": (192,),
                "dropout": 0.0,
                "shared_boxes": True,
            },
        ),
        "fasterrcnn": (
            "Faster R-CNN on VGG-16, as published but for RoI align",
            {"backbone": "vgg16"},
        ),
    },
)
