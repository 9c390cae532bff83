"""The network: a trunk, BiFPN, and two heads whose convolutions all levels share and whose norms they do not."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.efficientdet.bifpn import BiFpn, Separable, norm
from rtdet.detectors.efficientdet.config import STRIDES, EfficientDetConfig
from rtdet.detectors.family.config import Size
from rtdet.detectors.family.grids import cell_centers, rows_of
from rtdet.detectors.family.network import DetectionNetwork, rescale_layer
from rtdet.detectors.family.trunks import Trunk
from rtdet.detectors.family.truth import Losses, Truth
from rtdet.detectors.retinanet.anchors import decode
from rtdet.detectors.retinanet.loss import anchor_losses

Levels = tuple[Tensor, ...]


class EfficientDet(DetectionNetwork):
    """`forward` gives the class logits (B, A * C, H, W) of each level and the box differences (B, A * 4, H, W),
    for the A anchors of a cell."""

    def __init__(self, config: EfficientDetConfig) -> None:
        super().__init__()
        self.config: EfficientDetConfig = config
        self.backbone = Trunk(config.backbone)
        self.pyramid = BiFpn(self.backbone.channels, config.channels, config.layers)
        anchors = len(config.scales) * len(config.aspects)
        self.classes = Head(config.channels, config.convolutions, anchors * len(config.class_names))
        self.boxes = Head(config.channels, config.convolutions, anchors * 4)
        bias = self.classes.predict.across.bias
        assert bias is not None
        nn.init.constant_(bias, -4.595)  # a probability of 1 %, as in RetinaNet

    def forward(self, images: Tensor) -> tuple[Levels, Levels]:
        """(B, 3, H, W) BGR 0..255, H and W multiples of 128."""
        levels = self.pyramid(self.backbone(images))
        return self.classes(levels), self.boxes(levels)

    def rows(self, outputs: tuple[Levels, Levels]) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (B, P, C), differences (B, P, 4), and anchors (P, 4) cxcywh."""
        classes, boxes = outputs
        logits = torch.cat([rows_of(x, len(self.config.class_names)) for x in classes], 1)
        offsets = torch.cat([rows_of(x, 4) for x in boxes], 1)
        return logits, offsets, anchors_of(classes, self.config)

    def criterion(self, outputs: tuple[Levels, Levels], truths: Sequence[Truth], size: Size) -> Losses:
        """Over the number of anchors that answer for an object; the boxes' loss is a mean over the four numbers."""
        config = self.config
        logits, offsets, anchors = self.rows(outputs)
        sums = anchor_losses(
            logits, offsets, anchors, truths, min_overlap=0.5, max_background=0.5, alpha=config.alpha,
            gamma=config.gamma, smoothness=config.smoothness,
        )  # fmt: skip
        scale = max(1, sums.positives)
        # Huber's loss is the smooth L1 loss times its beta.
        box = config.box_weight * config.smoothness * sums.box / 4
        return Losses({"score": sums.score / scale, "box": box / scale}, sums.positives)

    def decode(self, outputs: tuple[Levels, Levels]) -> tuple[Tensor, Tensor]:
        logits, offsets, anchors = self.rows(outputs)
        return decode(offsets, anchors), logits.sigmoid()

    @property
    def can_be_calibrated(self) -> bool:
        return True

    def rescale_scores(self, scale: float | Tensor, shift: float | Tensor) -> None:
        rescale_layer(self.classes.predict.across, len(self.config.class_names), scale, shift)


class Head(nn.Module):
    """Separable convolutions with a norm and Swish, then one for the outputs."""

    def __init__(self, channels: int, convolutions: int, outputs: int) -> None:
        super().__init__()
        self.looks = nn.ModuleList(Separable(channels, channels) for _ in range(convolutions))
        self.norms = nn.ModuleList(
            nn.ModuleList(norm(channels) for _ in STRIDES) for _ in range(convolutions)
        )
        self.predict = Separable(channels, outputs)
        nn.init.normal_(self.predict.across.weight, std=0.01)
        assert self.predict.across.bias is not None
        nn.init.zeros_(self.predict.across.bias)

    def forward(self, levels: Sequence[Tensor]) -> Levels:
        found = []
        for i, x in enumerate(levels):
            for look, norms in zip(self.looks, self.norms, strict=True):
                assert isinstance(norms, nn.ModuleList)
                x = F.silu(norms[i](look(x)))
            found.append(self.predict(x))
        return tuple(found)


def anchors_of(maps: Sequence[Tensor], config: EfficientDetConfig) -> Tensor:
    """(P, 4) cxcywh in input pixels: map by map, row by row, cell by cell; in a cell scale by scale, aspect by
    aspect."""
    rows = []
    for x, stride in zip(maps, STRIDES, strict=True):
        shapes = [
            (4 * stride * scale * width, 4 * stride * scale * height)
            for scale in config.scales
            for width, height in config.aspects
        ]
        centers = cell_centers(x, stride)[:, None]
        sizes = torch.zeros_like(centers) + centers.new_tensor(shapes)
        rows.append(torch.cat([torch.zeros_like(sizes) + centers, sizes], -1).reshape(-1, 4))
    return torch.cat(rows)
