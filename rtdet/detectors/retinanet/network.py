"""The network: a trunk, a feature pyramid, and two heads that all levels share (figure 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rtdet.detectors.family.config import Size
from rtdet.detectors.family.grids import rows_of
from rtdet.detectors.family.network import DetectionNetwork, rescale_layer
from rtdet.detectors.family.trunks import Trunk
from rtdet.detectors.family.truth import Losses, Truth
from rtdet.detectors.retinanet.anchors import anchors_of, decode
from rtdet.detectors.retinanet.config import STRIDES, RetinaNetConfig
from rtdet.detectors.retinanet.loss import anchor_losses
from rtdet.detectors.retinanet.pyramid import FeaturePyramid

Maps = tuple[tuple[Tensor, ...], tuple[Tensor, ...]]


class RetinaNet(DetectionNetwork):
    """`forward` gives the class logits (B, A * C, H, W) of each level and the box differences (B, A * 4, H, W),
    for the A anchors of a cell."""

    def __init__(self, config: RetinaNetConfig) -> None:
        super().__init__()
        self.config: RetinaNetConfig = config
        self.backbone = Trunk(config.backbone)
        self.pyramid = FeaturePyramid(self.backbone.channels, config.channels)
        anchors = len(config.scales) * len(config.ratios)
        self.classes = head(config.channels, config.convolutions, anchors * len(config.class_names))
        self.boxes = head(config.channels, config.convolutions, anchors * 4)
        start_with(self.classes, 0.01)

    def forward(self, images: Tensor) -> Maps:
        """(B, 3, H, W) BGR 0..255."""
        levels = self.pyramid(self.backbone(images))
        return tuple(self.classes(x) for x in levels), tuple(self.boxes(x) for x in levels)

    def _rows(self, outputs: Maps) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (B, P, C), differences (B, P, 4), and anchors (P, 4) cxcywh."""
        classes, boxes = outputs
        logits = torch.cat([rows_of(x, len(self.config.class_names)) for x in classes], 1)
        offsets = torch.cat([rows_of(x, 4) for x in boxes], 1)
        return logits, offsets, anchors_of(classes, STRIDES, self.config.scales, self.config.ratios)

    def criterion(self, outputs: Maps, truths: Sequence[Truth], size: Size) -> Losses:
        """Both over the number of anchors that answer for an object (section 4.1)."""
        config = self.config
        logits, offsets, anchors = self._rows(outputs)
        sums = anchor_losses(
            logits, offsets, anchors, truths, min_overlap=config.min_overlap, alpha=config.alpha,
            max_background=config.max_background, gamma=config.gamma, smoothness=config.smoothness,
        )  # fmt: skip
        scale = max(1, sums.positives)
        return Losses({"score": sums.score / scale, "box": sums.box / scale}, sums.positives)

    def decode(self, outputs: Maps) -> tuple[Tensor, Tensor]:
        logits, offsets, anchors = self._rows(outputs)
        return decode(offsets, anchors), logits.sigmoid()

    @property
    def can_be_calibrated(self) -> bool:
        return True

    def rescale_scores(self, scale: float | Tensor, shift: float | Tensor) -> None:
        rescale_layer(last_of(self.classes), len(self.config.class_names), scale, shift)


def head(channels: int, convolutions: int, outputs: int) -> nn.Sequential:
    """3x3 convolutions with ReLU, and one for the outputs."""
    layers: list[nn.Module] = []
    for _ in range(convolutions):
        layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True)]
    layers.append(nn.Conv2d(channels, outputs, 3, padding=1))
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.01)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def start_with(head: nn.Sequential, share: float) -> None:
    """Every anchor starts by believing in each class with that probability: else the first steps would be spent on
    tens of thousands of wrong beliefs (section 3.3)."""
    bias = last_of(head).bias
    assert bias is not None
    nn.init.constant_(bias, float(torch.logit(torch.tensor(share, device="cpu"))))


def last_of(head: nn.Sequential) -> nn.Conv2d:
    last = head[-1]
    assert isinstance(last, nn.Conv2d)
    return last
