"""The settings of a YOLOv3, with the paper's numbers, and the names that can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rtdet.detectors.family.config import FamilyConfig, variants

STRIDES = (8, 16, 32)
# Section 2.3: of COCO's boxes, for inputs of 416x416; width and height in pixels.
COCO_ANCHORS = (
    (10.0, 13.0), (16.0, 30.0), (33.0, 23.0),
    (30.0, 61.0), (62.0, 45.0), (59.0, 119.0),
    (116.0, 90.0), (156.0, 198.0), (373.0, 326.0),
)  # fmt: skip
Anchors = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class YoloV3Config(FamilyConfig):
    """backbone: "darknet53", or see family.trunks. anchors: width and height in input pixels, by rising size, a third
    of them on each of the maps at strides 8, 16 and 32. widths: channels of the layers between those maps and the
    outputs; pairs: how often these layers squeeze and widen.

    ignore_overlap: an anchor without an object is not punished for believing in one where its box overlaps an object
    by more than that.
    """

    family: ClassVar[str] = "yolov3"

    backbone: str = "darknet53"
    anchors: Anchors = COCO_ANCHORS
    widths: tuple[int, int, int] = (128, 256, 512)
    pairs: int = 2
    ignore_overlap: float = 0.5


VARIANTS = variants(
    YoloV3Config,
    {
        "yolov3-n": (
            "YOLOv3 on a narrow trunk: anchors on three scales",
            {"backbone": "narrow", "widths": (32, 64, 96), "pairs": 1},
        ),
        "yolov3": ("YOLOv3 on Darknet-53, as published", {"backbone": "darknet53"}),
    },
)
