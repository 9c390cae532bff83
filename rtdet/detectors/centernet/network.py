"""The network: a trunk, a way back up to a quarter of the input's resolution, and three heads."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.centernet.config import STRIDE, CenterNetConfig
from rtdet.detectors.centernet.loss import distance_at, heat_loss
from rtdet.detectors.centernet.targets import paint
from rtdet.detectors.family.config import Size
from rtdet.detectors.family.grids import cell_corners, from_center, rows_of
from rtdet.detectors.family.network import DetectionNetwork, rescale_layer
from rtdet.detectors.family.trunks import Trunk
from rtdet.detectors.family.truth import MAX_OBJECTS, Losses, Truth, at_most, spared

Maps = tuple[Tensor, Tensor, Tensor]


class CenterNet(DetectionNetwork):
    """`forward` gives the logits of the heat map (B, C, H/4, W/4), and the sizes and offsets (B, 2, H/4, W/4), both
    in cells of four pixels."""

    loss_names = ("heat", "size", "offset")

    def __init__(self, config: CenterNetConfig) -> None:
        super().__init__()
        self.config: CenterNetConfig = config
        self.backbone = Trunk(config.backbone)
        *lateral, deepest = self.backbone.channels
        self.rises, self.laterals = nn.ModuleList(), nn.ModuleList()
        before = deepest
        for i, channels in enumerate(config.up_channels):
            self.rises.append(_rise(before, channels))
            if config.skips and i < len(lateral):
                self.laterals.append(nn.Conv2d(lateral[-1 - i], channels, 1))
            before = channels
        self.heat = _head(before, config.head_channels, len(config.class_names))
        self.size = _head(before, config.head_channels, 2)
        self.offset = _head(before, config.head_channels, 2)
        # Every cell starts by believing in a centre with 10 %, as in CornerNet: log(.1 / .9) is -2.19.
        nn.init.constant_(_last(self.heat).bias, -2.19)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Maps:
        """(B, 3, H, W) BGR 0..255, H and W multiples of 32."""
        *lateral, x = self.backbone(images)
        for i, rise in enumerate(self.rises):
            x = rise(x)
            if i < len(self.laterals):
                x = x + self.laterals[i](lateral[-1 - i])
        return self.heat(x), self.size(x), self.offset(x)

    def criterion(self, outputs: Maps, truths: Sequence[Truth], size: Size) -> Losses:
        config, classes = self.config, len(self.config.class_names)
        heats, sizes, offsets = (part.float() for part in outputs)
        truths = [at_most(MAX_OBJECTS, truth) for truth in truths]
        shape = (heats.shape[2], heats.shape[3])
        targets = [paint(truth, classes, shape, STRIDE, config.min_overlap) for truth in truths]
        wanted = torch.stack([target.heat for target in targets])
        free = spared((cell_corners(heats) + 0.5) * STRIDE, truths, classes)
        weight = 1 - free.transpose(1, 2).reshape(wanted.shape).float()
        for i, (target, truth) in enumerate(zip(targets, truths, strict=True)):
            weight[i].flatten(1)[truth.labels, target.cells] = target.certainty
        count = sum(len(target.cells) for target in targets)
        scale = max(1, count)
        size_loss = sum(distance_at(sizes[i], t.cells, t.sizes, t.certainty) for i, t in enumerate(targets))
        offset_loss = sum(
            distance_at(offsets[i], t.cells, t.offsets, t.certainty) for i, t in enumerate(targets)
        )
        heat = heat_loss(heats, wanted, weight, alpha=config.alpha, beta=config.beta)
        return Losses(
            {
                "heat": heat / scale,
                "size": config.size_weight * torch.as_tensor(size_loss) / scale,
                "offset": config.offset_weight * torch.as_tensor(offset_loss) / scale,
            },
            count,
        )

    def decode(self, outputs: Maps) -> tuple[Tensor, Tensor]:
        """A cell's scores are its heat where it is the peak of its 3x3 neighbourhood, else 0."""
        logits, sizes, offsets = (part.float() for part in outputs)
        heat = logits.sigmoid()
        peaks = heat * (F.max_pool2d(heat, 3, 1, 1) == heat)
        centers = cell_corners(heat) + rows_of(offsets, 2)
        boxes = from_center(centers, rows_of(sizes, 2).clamp(min=0)) * STRIDE
        return boxes, rows_of(peaks, heat.shape[1])

    @property
    def can_be_calibrated(self) -> bool:
        return True

    def rescale_scores(self, scale: float | Tensor, shift: float | Tensor) -> None:
        rescale_layer(_last(self.heat), len(self.config.class_names), scale, shift)


def _rise(inputs: int, outputs: int) -> nn.Module:
    """Twice the resolution, by a transposed convolution that starts as bilinear interpolation."""
    up = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False)
    slope = 1 - (torch.arange(4) - 1.5).abs() / 2
    kernel = slope[:, None] * slope[None, :]
    with torch.no_grad():
        nn.init.kaiming_normal_(up.weight, mode="fan_out")
        up.weight.mul_(kernel / kernel.square().mean().sqrt())
    return nn.Sequential(up, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _head(inputs: int, channels: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, channels, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(channels, outputs, 1)
    )


def _last(head: nn.Sequential) -> nn.Conv2d:
    last = head[-1]
    assert isinstance(last, nn.Conv2d)
    return last
