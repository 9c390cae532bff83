"""The network: CSPDarknet, the neck, and YOLOv3's outputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rtdet.detectors.family.config import Size
from rtdet.detectors.family.grids import rows_of
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.family.truth import MAX_OBJECTS, Losses, Truth, at_most, spared_objects
from rtdet.detectors.yolov3.anchors import Places, assign, boxes_of, places_of
from rtdet.detectors.yolov3.config import STRIDES
from rtdet.detectors.yolov3.loss import box_loss, class_loss, object_loss
from rtdet.detectors.yolov3.network import start_rare
from rtdet.detectors.yolov4.config import YoloV4Config
from rtdet.detectors.yolov4.cspdarknet import CspDarknet
from rtdet.detectors.yolov4.layers import conv
from rtdet.detectors.yolov4.loss import ciou
from rtdet.detectors.yolov4.neck import Neck


class YoloV4(DetectionNetwork):
    """`forward` gives three maps (B, A * (5 + C), H, W) at strides 8, 16 and 32, as YOLOv3 does."""

    loss_names = ("box", "object", "class")

    def __init__(self, config: YoloV4Config) -> None:
        super().__init__()
        self.config: YoloV4Config = config
        self.backbone = CspDarknet(config.channels, config.blocks, mish=config.mish)
        channels = config.channels[3:]
        self.neck = Neck(
            channels,
            config.pairs,
            spp=config.spp,
            pan=config.pan,
            drop=config.drop_block,
            drop_size=config.drop_size,
        )
        self.values = 5 + len(config.class_names)
        count = len(config.anchors) // len(STRIDES)
        self.outputs = nn.ModuleList()
        for width in channels:
            last = nn.Conv2d(width, count * self.values, 1)
            start_rare(last, count)
            self.outputs.append(nn.Sequential(conv(width // 2, width, 3), last))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) BGR 0..255."""
        maps = self.neck(self.backbone(images.flip(1) / 255))
        return tuple(output(x) for output, x in zip(self.outputs, maps, strict=True))

    @property
    def leading_outputs(self) -> int:
        return 5

    @property
    def mosaic(self) -> bool:
        return self.config.mosaic

    @property
    def cosine(self) -> bool:
        return self.config.cosine

    def _boxes(self, raw: Tensor, places: Places) -> Tensor:
        stretch = torch.zeros_like(places.stride)
        for stride, factor in zip(STRIDES, self.config.stretch, strict=True):
            stretch = stretch + factor * (places.stride == stride)
        return boxes_of(raw[..., :4], places, stretch)

    def criterion(self, outputs: tuple[Tensor, ...], truths: Sequence[Truth], size: Size) -> Losses:
        """Each over the number of anchors that answer for an object."""
        config = self.config
        truths = [at_most(MAX_OBJECTS, truth) for truth in truths]
        raw = torch.cat([rows_of(x, self.values) for x in outputs], 1)
        places = places_of(outputs, config.anchors)
        found = assign(
            truths, outputs, config.anchors, config.min_overlap if config.min_overlap < 1 else None
        )
        boxes = self._boxes(raw, places)
        free = spared_objects(places.center, raw[..., 5:].detach(), truths)
        answers = raw[found.picture, found.row]
        if config.ciou:
            misfit = (1 - ciou(boxes[found.picture, found.row], found.boxes)) * found.certainty
            box = config.box_weight * misfit.sum()
        else:
            box = box_loss(answers[:, :4], places, found, size)
        things = object_loss(raw[..., 4], boxes.detach(), truths, found, free, config.ignore_overlap)
        scale = max(1, len(found.row))
        parts = {
            "box": box / scale,
            "object": things / scale,
            "class": class_loss(answers[:, 5:], found, config.label_smoothing / 2) / scale,
        }
        return Losses(parts, len(found.row))

    def decode(self, outputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        raw = torch.cat([rows_of(x, self.values) for x in outputs], 1)
        scores = raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()
        return self._boxes(raw, places_of(outputs, self.config.anchors)), scores
