"""The settings of an R-CNN, with the paper's numbers, and the names that can be trained. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rtdet.detectors.family.config import variants
from rtdet.detectors.rcnn.searched_config import SearchedConfig


@dataclass(frozen=True)
class RcnnConfig(SearchedConfig):
    """How regions are found: see SearchedConfig.

    backbone: see features.RegionFeatures; "alexnet" is the paper's. side: of a warped region, of whose pixels
    `context` on each side show what is around it (appendix A). head_widths, dropout: of the connected layers in front
    of the classes. shared_boxes: one box for all classes of a region. at_once: as many regions go through the network
    together, so that it fits into memory.

    region_samples, region_foreground, region_overlap: regions of a picture that it learns from, the most that show an
    object, as a share, and the least overlap with it; the others show none (section 2.3: 32 and 96 of two pictures or
    so). box_overlap: regions that overlap an object by that learn its box as well (appendix C). joint: the boxes
    train the convolutions too, as in Fast R-CNN; in the paper they are fitted when these are done. thin_out:
    detections of a class that overlap by more are one (the paper learns it for each class; .3 is its authors' value).
    """

    family: ClassVar[str] = "rcnn"

    backbone: str = "alexnet"
    side: int = 227
    context: int = 16
    head_widths: tuple[int, ...] = (4096, 4096)
    dropout: float = 0.5
    shared_boxes: bool = False
    at_once: int = 100
    region_samples: int = 64
    region_foreground: float = 0.25
    region_overlap: float = 0.5
    box_overlap: float = 0.6
    joint: bool = False
    thin_out: float = 0.3

    @property
    def most_overlap(self) -> float:
        return self.thin_out


VARIANTS = variants(
    RcnnConfig,
    {
        "rcnn-n": (
            "R-CNN with a small network: each region of selective search is warped and judged by itself",
            {
                "backbone": "narrow",
                "side": 32,
                "context": 4,
                "head_widths": (256,),
                "dropout": 0.2,
                "shared_boxes": True,
                "at_once": 250,
                "proposals": 750,
                "search_side": 256,
                "search_spaces": ("hsv", "lab"),
                "search_scales": (100.0,),
                "search_smoothing": 0.5,
                "search_least_pixels": 10,
                "search_least_side": 4.0,
                "joint": True,
            },
        ),
        "rcnn": ("R-CNN on AlexNet, with a softmax for the SVMs", {"backbone": "alexnet"}),
    },
)
