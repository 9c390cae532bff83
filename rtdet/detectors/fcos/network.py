"""The network: a trunk, RetinaNet's feature pyramid, and heads that all levels share (figure 2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.family.config import Size
from rtdet.detectors.family.grids import rows_of
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.family.trunks import Trunk
from rtdet.detectors.family.truth import MAX_OBJECTS, Losses, Truth, at_most, spared
from rtdet.detectors.fcos.config import STRIDES, FcosConfig
from rtdet.detectors.fcos.loss import side_loss
from rtdet.detectors.fcos.targets import assign, cells_of, centerness, distances
from rtdet.detectors.retinanet.loss import focal_loss, one_hot
from rtdet.detectors.retinanet.pyramid import FeaturePyramid

Levels = tuple[Tensor, ...]
# A side further than 400 strides away is none, and exp could overflow.
_MOST_LOG = 6.0


class Fcos(DetectionNetwork):
    """`forward` gives for each level the class logits (B, C, H, W), the logarithms of the four sides' distances in
    strides (B, 4, H, W), and the logit of the centerness (B, 1, H, W)."""

    loss_names = ("score", "box", "center")

    def __init__(self, config: FcosConfig) -> None:
        super().__init__()
        self.config: FcosConfig = config
        self.backbone = Trunk(config.backbone)
        self.pyramid = FeaturePyramid(self.backbone.channels, config.channels, of_top=True)
        self.class_branch = _branch(config.channels, config.convolutions)
        self.box_branch = _branch(config.channels, config.convolutions)
        self.classes = _output(config.channels, len(config.class_names))
        self.sides = _output(config.channels, 4)
        # Beside the box branch, as in the authors' later code: it knows where the box is.
        self.center = _output(config.channels, 1)
        # Levels see objects of other sizes and share the heads: each has a number of its own to stretch them.
        self.stretches = nn.Parameter(torch.ones(len(STRIDES)))
        nn.init.constant_(self.classes.bias, -4.595)  # type: ignore[arg-type]  # a probability of 1 %

    def forward(self, images: Tensor) -> tuple[Levels, Levels, Levels]:
        """(B, 3, H, W) BGR 0..255."""
        classes, sides, centers = [], [], []
        for i, x in enumerate(self.pyramid(self.backbone(images))):
            box = self.box_branch(x)
            classes.append(self.classes(self.class_branch(x)))
            sides.append(self.sides(box) * self.stretches[i])
            centers.append(self.center(box))
        return tuple(classes), tuple(sides), tuple(centers)

    def _rows(self, outputs: tuple[Levels, Levels, Levels]) -> tuple[Tensor, Tensor, Tensor]:
        """Class logits (B, P, C), distances in strides (B, P, 4), centerness logits (B, P)."""
        classes, sides, centers = outputs
        logits = torch.cat([rows_of(x, len(self.config.class_names)) for x in classes], 1)
        distance = torch.cat([rows_of(x, 4) for x in sides], 1).clamp(max=_MOST_LOG).exp()
        return logits, distance, torch.cat([rows_of(x, 1) for x in centers], 1)[..., 0]

    def criterion(
        self, outputs: tuple[Levels, Levels, Levels], truths: Sequence[Truth], size: Size
    ) -> Losses:
        """Scores and centerness over the number of cells that answer for an object; boxes weighed by how central
        their cell is."""
        config, classes = self.config, len(self.config.class_names)
        logits, sides, centers = self._rows(outputs)
        cells = cells_of(outputs[0], STRIDES, config.bounds)
        truths = [at_most(MAX_OBJECTS, truth) for truth in truths]
        weight = 1 - spared(cells.point, truths, classes).float()
        target = torch.zeros_like(logits)
        pictures, rows, boxes, certainty = [], [], [], []
        for i, truth in enumerate(truths):
            found = assign(cells, truth.boxes, config.radius)
            row = found.positive.nonzero()[:, 0]
            chosen = found.matched[row]
            target[i, row] = one_hot(truth.labels[chosen], classes)
            weight[i, row] = truth.scores[chosen][:, None]
            pictures.append(torch.full_like(row, i))
            rows.append(row)
            boxes.append(truth.boxes[chosen])
            certainty.append(truth.scores[chosen])
        picture, row, sure = torch.cat(pictures), torch.cat(rows), torch.cat(certainty)
        stride = cells.stride[row, None]
        wanted = distances(cells.point[row], torch.cat(boxes)) / stride
        central = centerness(wanted)
        box = side_loss(sides[picture, row], wanted, central * sure)
        scale = max(1, len(row))
        score = (focal_loss(logits, target, config.alpha, config.gamma) * weight).sum()
        entropy = F.binary_cross_entropy_with_logits(centers[picture, row], central, reduction="none")
        parts = {
            "score": score / scale,
            "box": box / central.sum().clamp(min=1),
            "center": (entropy * sure).sum() / scale,
        }
        return Losses(parts, len(row))

    def decode(self, outputs: tuple[Levels, Levels, Levels]) -> tuple[Tensor, Tensor]:
        """A score is the geometric mean of the class's probability and the centerness."""
        logits, sides, centers = self._rows(outputs)
        cells = cells_of(outputs[0], STRIDES, self.config.bounds)
        reach = sides * cells.stride[:, None]
        boxes = torch.cat([cells.point - reach[..., :2], cells.point + reach[..., 2:]], -1)
        return boxes, (logits.sigmoid() * centers.sigmoid()[..., None]).sqrt()


def _branch(channels: int, convolutions: int) -> nn.Sequential:
    """3x3 convolutions, each with a norm over groups of channels, which does not mind that levels differ."""
    layers: list[nn.Module] = []
    for _ in range(convolutions):
        conv = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.normal_(conv.weight, std=0.01)
        layers += [conv, nn.GroupNorm(min(32, channels // 8), channels), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _output(channels: int, outputs: int) -> nn.Conv2d:
    conv = nn.Conv2d(channels, outputs, 3, padding=1)
    nn.init.normal_(conv.weight, std=0.01)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv
