"""The network: one map, a small network that slides over it, and a second look at its proposals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.family.config import Size
from rtdet.detectors.family.grids import cell_centers, rows_of
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.family.truth import MAX_OBJECTS, Losses, Truth, at_most
from rtdet.detectors.fasterrcnn.anchors import anchors_of, ask, shapes_of
from rtdet.detectors.fasterrcnn.config import FasterRcnnConfig
from rtdet.detectors.fasterrcnn.proposals import propose
from rtdet.detectors.fastrcnn.head import RegionHead, region_detections, region_losses
from rtdet.detectors.fastrcnn.loss import smooth_l1
from rtdet.detectors.fastrcnn.pooling import pool_regions
from rtdet.detectors.fastrcnn.sampling import sample_regions
from rtdet.detectors.fastrcnn.trunk import SharedMap
from rtdet.detectors.rcnn.boxes import encode


class FirstStage(NamedTuple):
    """What all that follows is made of: the shared map (B, channels, H, W), for each of the A anchors of its cells
    the logit of "an object" (B, A, H, W), and how its box differs (B, A * 4, H, W)."""

    shared: Tensor
    objectness: Tensor
    offsets: Tensor


class FasterRcnn(DetectionNetwork):
    """`forward` is the first stage; the second runs on sampled regions in `criterion` and on the best proposals in
    `decode`, for which regions it looks at depends on what the first says."""

    loss_names = ("rpn_score", "rpn_box", "score", "box")

    def __init__(self, config: FasterRcnnConfig) -> None:
        super().__init__()
        self.config: FasterRcnnConfig = config
        self.backbone = SharedMap(config.backbone, config.stride, config.channels)
        channels = self.backbone.channels
        self.shapes = shapes_of(config.sizes, config.ratios)
        self.slide = nn.Conv2d(channels, config.rpn_channels, 3, padding=1)
        self.objectness = nn.Conv2d(config.rpn_channels, len(self.shapes), 1)
        self.offsets = nn.Conv2d(config.rpn_channels, len(self.shapes) * 4, 1)
        for layer in (self.slide, self.objectness, self.offsets):
            nn.init.normal_(layer.weight, std=0.01)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        self.head = RegionHead(
            channels * config.bins**2, config.head_widths, len(config.class_names),
            shared_boxes=config.shared_boxes, dropout=config.dropout,
        )  # fmt: skip

    def forward(self, images: Tensor) -> FirstStage:
        """(B, 3, H, W) BGR 0..255."""
        shared = self.backbone(images)
        x = F.relu(self.slide(shared))
        return FirstStage(shared, self.objectness(x), self.offsets(x))

    def second_stage(self, shared: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and offsets, as RegionHead gives them, of regions (B, N, 4), picture by picture."""
        config = self.config
        pooled = pool_regions(shared, regions, config.bins, self.backbone.stride, align=config.align)
        logits, offsets = self.head(pooled)
        return logits, offsets

    def _first(self, outputs: FirstStage) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """objectness (B, P), offsets (B, P, 4), anchors (P, 4), and the input's width and height (2,)."""
        stride = self.backbone.stride
        objectness = rows_of(outputs.objectness, 1).squeeze(-1)
        anchors = anchors_of(outputs.objectness, stride, self.shapes)
        size = cell_centers(outputs.objectness, stride).amax(0) + stride / 2
        return objectness, rows_of(outputs.offsets, 4), anchors, size

    def criterion(self, outputs: FirstStage, truths: Sequence[Truth], size: Size) -> Losses:
        """The losses of both stages (equations 1 and 2 of the paper, equation 1 of Fast R-CNN), each over the number
        of anchors or regions that were chosen; both box losses then weigh about as much as the scores."""
        config = self.config
        truths = [at_most(MAX_OBJECTS, truth) for truth in truths]
        objectness, offsets, anchors, whole = self._first(FirstStage(*outputs))
        score, box = self._first_losses(objectness, offsets, anchors, truths, size)
        with torch.no_grad():
            proposed, is_real = propose(
                objectness, offsets, anchors, whole,
                candidates=config.candidates, count=config.candidates, overlap=config.thin_out,
            )  # fmt: skip
        wanted: dict[str, Any] = {
            "count": config.region_samples,
            "foreground": config.region_foreground,
            "overlap": config.region_overlap,
            "least_overlap": config.region_background,
        }
        sampled = [sample_regions(proposed[i][is_real[i]], truth, **wanted) for i, truth in enumerate(truths)]
        shared = outputs[0].float()
        said = self.second_stage(shared, torch.stack([regions.boxes for regions in sampled]))
        region_score, region_box, positives = region_losses(*said, sampled, truths)
        parts = {"rpn_score": score, "rpn_box": box, "score": region_score, "box": region_box}
        return Losses(parts, positives)

    def _first_losses(
        self, objectness: Tensor, offsets: Tensor, anchors: Tensor, truths: Sequence[Truth], size: Size
    ) -> tuple[Tensor, Tensor]:
        config = self.config
        score, box, count = objectness.new_zeros(()), objectness.new_zeros(()), 0
        for i, truth in enumerate(truths):
            asked = ask(
                anchors, truth, size, overlap=config.rpn_overlap, background=config.rpn_background,
                samples=config.rpn_samples, foreground=config.rpn_foreground, inside_only=config.inside_only,
            )  # fmt: skip
            found = objectness[i][asked.positive]
            score = score + (F.softplus(-found) * asked.certainty).sum()
            score = score + asked.known * F.softplus(objectness[i][asked.negative]).sum()
            target = encode(asked.wanted, anchors[asked.positive])
            off = smooth_l1(offsets[i][asked.positive], target, config.rpn_smoothness)
            box = box + (off * asked.certainty).sum()
            count += len(asked.positive) + len(asked.negative)
        return score / max(1, count), box / max(1, count)

    def decode(self, outputs: FirstStage) -> tuple[Tensor, Tensor]:
        config = self.config
        objectness, offsets, anchors, size = self._first(FirstStage(*outputs))
        regions, is_real = propose(
            objectness, offsets, anchors, size,
            candidates=config.candidates, count=config.proposals, overlap=config.thin_out,
        )  # fmt: skip
        logits, differences = self.second_stage(outputs[0].float(), regions)
        return region_detections(logits, differences, regions, is_real, size)

    @property
    def leading_outputs(self) -> int:
        """That of background."""
        return 1

    @property
    def scores_compete(self) -> bool:
        return True
