"""The network: the map of the whole picture, and a look at each of the regions that selective search found in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from rtdet.detectors.family.config import Size
from rtdet.detectors.family.grids import cell_centers
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.family.truth import MAX_OBJECTS, Losses, Truth, at_most
from rtdet.detectors.fastrcnn.config import FastRcnnConfig
from rtdet.detectors.fastrcnn.head import RegionHead, region_detections, region_losses
from rtdet.detectors.fastrcnn.pooling import pool_regions
from rtdet.detectors.fastrcnn.sampling import sample_regions
from rtdet.detectors.fastrcnn.trunk import SharedMap
from rtdet.detectors.rcnn.search import search


class Seen(NamedTuple):
    """The shared map (B, channels, H, W), and the regions (B, R, 4) of each picture, of which rows of zeros are
    none."""

    shared: Tensor
    regions: Tensor


class FastRcnn(DetectionNetwork):
    """`forward` computes the map. Which regions are looked at depends on what for: those sampled in `criterion`, all
    in `decode`."""

    def __init__(self, config: FastRcnnConfig) -> None:
        super().__init__()
        self.config: FastRcnnConfig = config
        self.backbone = SharedMap(config.backbone, config.stride, config.channels)
        self.head = RegionHead(
            self.backbone.channels * config.bins**2, config.head_widths, len(config.class_names),
            shared_boxes=config.shared_boxes, dropout=config.dropout,
        )  # fmt: skip

    def forward(self, images: Tensor, regions: Tensor | None = None) -> Seen:
        """(B, 3, H, W) BGR 0..255. regions (B, R, 4): None to search for them now."""
        return Seen(self.backbone(images), self.search(images) if regions is None else regions)

    def search(self, images: Tensor) -> Tensor:
        """The regions (B, R, 4) of pictures; of none while only costs are counted."""
        return search(images, self.config)

    def look(self, shared: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and offsets, as RegionHead gives them, of regions (B, N, 4), picture by picture."""
        config = self.config
        pooled = pool_regions(shared, regions, config.bins, self.backbone.stride, align=config.align)
        logits, offsets = self.head(pooled)
        return logits, offsets

    def criterion(self, outputs: Seen, truths: Sequence[Truth], size: Size) -> Losses:
        """The multi-task loss (equation 1), over the number of regions that were chosen."""
        config = self.config
        truths = [at_most(MAX_OBJECTS, truth) for truth in truths]
        sampled = [
            sample_regions(
                outputs[1][i], truth, count=config.region_samples, foreground=config.region_foreground,
                overlap=config.region_overlap, least_overlap=config.region_background,
            )
            for i, truth in enumerate(truths)
        ]  # fmt: skip
        boxes = torch.stack([regions.boxes for regions in sampled])
        logits, offsets = self.look(outputs[0].float(), boxes)
        score, box, positives = region_losses(logits, offsets, sampled, truths)
        return Losses({"score": score, "box": box}, positives)

    def decode(self, outputs: Seen) -> tuple[Tensor, Tensor]:
        shared, regions = outputs[0].float(), outputs[1].float()
        logits, offsets = self.look(shared, regions)
        stride = self.backbone.stride
        size = cell_centers(shared, stride).amax(0) + stride / 2
        is_real = (regions[..., 2:] > regions[..., :2]).all(-1)
        return region_detections(logits, offsets, regions, is_real, size)

    @property
    def leading_outputs(self) -> int:
        """That of background."""
        return 1

    @property
    def scores_compete(self) -> bool:
        return True
