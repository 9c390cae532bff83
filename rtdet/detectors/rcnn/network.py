"""The network: every region of selective search, warped to one size, is judged by itself.

The paper fits linear SVMs on the features of the network when that has learnt, since they say best what is no object;
here its own softmax over the classes and background judges (appendix B: 50.9 instead of 54.2 mAP on VOC 2007), so
that one training does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rtdet.detectors.family.config import Size
from rtdet.detectors.family.grids import size_of
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.family.truth import MAX_OBJECTS, Losses, Truth, at_most
from rtdet.detectors.fastrcnn.head import region_detections
from rtdet.detectors.fastrcnn.sampling import sample_regions
from rtdet.detectors.rcnn.config import RcnnConfig
from rtdet.detectors.rcnn.features import MEAN_COLOR, RegionFeatures
from rtdet.detectors.rcnn.loss import warped_losses
from rtdet.detectors.rcnn.search import search
from rtdet.detectors.rcnn.warping import warp, with_context


class Seen(NamedTuple):
    """The pictures (B, 3, H, W) BGR less their mean colour, and the regions (B, R, 4) of each, of which rows of zeros
    are none."""

    pictures: Tensor
    regions: Tensor


class Rcnn(DetectionNetwork):
    """`forward` only looks for regions. Which of them are judged depends on what for: those sampled in `criterion`,
    all in `decode`."""

    mean: Tensor

    def __init__(self, config: RcnnConfig) -> None:
        super().__init__()
        self.config: RcnnConfig = config
        classes = len(config.class_names)
        self.backbone = RegionFeatures(config.backbone, config.side)
        values = self.backbone.values
        # The box is read off the last map, the class off the connected layers behind it.
        self.box = nn.Linear(values, 4 * (1 if config.shared_boxes else 1 + classes))
        layers: list[nn.Module] = []
        for width in config.head_widths:
            layers += [nn.Dropout(config.dropout), nn.Linear(values, width), nn.ReLU()]
            values = width
        self.connected = nn.Sequential(*layers)
        self.score = nn.Linear(values, 1 + classes)
        for layer, deviation in ((self.score, 0.01), (self.box, 0.001)):
            nn.init.normal_(layer.weight, std=deviation)
            nn.init.zeros_(layer.bias)
        self.register_buffer("mean", torch.tensor(MEAN_COLOR).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor, regions: Tensor | None = None) -> Seen:
        """(B, 3, H, W) BGR 0..255. regions (B, R, 4): None to search for them now."""
        return Seen(images - self.mean, self.search(images) if regions is None else regions)

    def search(self, images: Tensor) -> Tensor:
        """The regions (B, R, 4) of pictures; of none while only costs are counted."""
        return search(images, self.config)

    def judge(self, pictures: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B * N, 1 + C), with background first, and offsets (B * N, 4, 1 + C), a box for each class (or
        (B * N, 4, 1), one for all), of regions (B, N, 4), picture by picture."""
        config = self.config
        around = with_context(regions, config.side, config.context)
        logits, offsets = [], []
        for start in range(0, around.shape[1], config.at_once):
            part = around[:, start : start + config.at_once]
            features = self.backbone(warp(pictures, part, config.side))
            said = self.score(self.connected(features))
            moved = self.box(features if config.joint else features.detach())
            logits.append(said.reshape(pictures.shape[0], -1, said.shape[1]))
            offsets.append(moved.reshape(pictures.shape[0], -1, moved.shape[1]))
        every = torch.cat(offsets, 1).flatten(0, 1)
        return torch.cat(logits, 1).flatten(0, 1), every.reshape(every.shape[0], 4, -1)

    def criterion(self, outputs: Seen, truths: Sequence[Truth], size: Size) -> Losses:
        config = self.config
        truths = [at_most(MAX_OBJECTS, truth) for truth in truths]
        sampled = [
            sample_regions(
                outputs[1][i], truth, count=config.region_samples, foreground=config.region_foreground,
                overlap=config.region_overlap, least_overlap=0.0,
            )
            for i, truth in enumerate(truths)
        ]  # fmt: skip
        boxes = torch.stack([regions.boxes for regions in sampled])
        logits, offsets = self.judge(outputs[0].float(), boxes)
        score, box, positives = warped_losses(logits, offsets, sampled, truths, config.box_overlap)
        return Losses({"score": score, "box": box}, positives)

    def decode(self, outputs: Seen) -> tuple[Tensor, Tensor]:
        pictures, regions = outputs[0].float(), outputs[1].float()
        logits, offsets = self.judge(pictures, regions)
        is_real = (regions[..., 2:] > regions[..., :2]).all(-1)
        return region_detections(logits, offsets, regions, is_real, size_of(pictures))

    @property
    def leading_outputs(self) -> int:
        """That of background."""
        return 1

    @property
    def scores_compete(self) -> bool:
        return True
