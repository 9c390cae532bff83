"""The settings of a YOLOv4, with the paper's numbers, and the names that can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rtdet.detectors.family.config import FamilyConfig, variants
from rtdet.detectors.yolov3.config import Anchors

# Of COCO's boxes, for inputs of 512x512.
COCO_ANCHORS = (
    (12.0, 16.0), (19.0, 36.0), (40.0, 28.0),
    (36.0, 75.0), (76.0, 55.0), (72.0, 146.0),
    (142.0, 110.0), (192.0, 243.0), (459.0, 401.0),
)  # fmt: skip


@dataclass(frozen=True)
class YoloV4Config(FamilyConfig):
    """channels: of the stem and of the stages at strides 2, 4, 8, 16, 32; blocks: residual blocks of these stages.
    pairs: how often each part of the neck squeezes and widens. anchors: as in YOLOv3.

    The switches. mish: else leaky ReLU, in the trunk. drop_block: the share of each map that is blotted out in
    training, in squares of `drop_size` cells; 0: none. spp: pyramid pooling. pan: the way up again. ciou: else
    YOLOv3's loss of boxes. label_smoothing: how far the targets of classes are from certain. min_overlap: all anchors
    whose shapes overlap an object's by that much answer for it; 1: the best alone. stretch: how far the sigmoid of a
    centre reaches over its cell, at strides 8, 16, 32; 1: not at all. mosaic: four pictures in one. cosine: the
    learning rate's fall; else in two steps. diou_nms: else plain NMS.

    ignore_overlap: as in YOLOv3. box_weight: of CIoU.
    """

    family: ClassVar[str] = "yolov4"

    channels: tuple[int, int, int, int, int, int] = (32, 64, 128, 256, 512, 1024)
    blocks: tuple[int, int, int, int, int] = (1, 2, 8, 8, 4)
    pairs: int = 2
    anchors: Anchors = COCO_ANCHORS
    mish: bool = True
    drop_block: float = 0.1
    drop_size: int = 7
    spp: bool = True
    pan: bool = True
    ciou: bool = True
    label_smoothing: float = 0.1
    min_overlap: float = 0.213
    stretch: tuple[float, float, float] = (1.2, 1.1, 1.05)
    mosaic: bool = True
    cosine: bool = True
    diou_nms: bool = True
    ignore_overlap: float = 0.7
    box_weight: float = 5.0

    @property
    def suppression(self) -> str:
        return "diou" if self.diou_nms else "nms"


VARIANTS = variants(
    YoloV4Config,
    {
        "yolov4-n": (
            "YOLOv4, narrow: CSP trunk with Mish, SPP, PAN, CIoU, each a switch",
            {"channels": (16, 24, 48, 96, 160, 224), "blocks": (1, 1, 2, 2, 1), "pairs": 1},
        ),
        "yolov4": ("YOLOv4 on CSPDarknet53, as published", {}),
    },
)
