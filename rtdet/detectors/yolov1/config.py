"""The settings of a YOLOv1, with the paper's numbers, and the names that can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rtdet.detectors.family.config import FamilyConfig, Size, variants


@dataclass(frozen=True)
class YoloV1Config(FamilyConfig):
    """input_size: the paper's 448x448, which 64 pixels a cell make a grid of 7x7.

    backbone: "darknet" for the paper's 24 convolutions; else see family.trunks, whose map at stride 32 is the grid.
    boxes: that each cell offers, B in the paper. connected: width of the fully connected layer between the map and
    the output, 4096 in the paper, by which each cell sees the whole picture; 0: a 1x1 convolution instead.
    dropout: behind that layer.

    coord_weight, no_object_weight: lambda_coord and lambda_noobj of equation 3.
    """

    family: ClassVar[str] = "yolov1"

    input_size: Size | None = (448, 448)
    backbone: str = "darknet"
    boxes: int = 2
    connected: int = 4096
    dropout: float = 0.5
    coord_weight: float = 5.0
    no_object_weight: float = 0.5


VARIANTS = variants(
    YoloV1Config,
    {
        "yolov1-n": (
            "YOLOv1's grid and loss on a narrow trunk, 352x352",
            {"input_size": (352, 352), "backbone": "narrow", "connected": 0},
        ),
        "yolov1": ("YOLOv1 as published: 24 convolutions, two connected layers", {"input_size": (448, 448)}),
    },
)
