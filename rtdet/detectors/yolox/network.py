"""The network: a trunk and a pyramid, and a decoupled head on each of three maps (figure 2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.family.config import Size
from rtdet.detectors.family.grids import cell_corners, from_center, rows_of
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.family.trunks import Trunk
from rtdet.detectors.family.truth import MAX_OBJECTS, Losses, Truth, at_most, spared_objects
from rtdet.detectors.ssd import csp
from rtdet.detectors.ssd.module import start_rare
from rtdet.detectors.ssd.network import Pyramid
from rtdet.detectors.yolox.config import STRIDES, YoloxConfig
from rtdet.detectors.yolox.loss import box_loss
from rtdet.detectors.yolox.simota import Cells, assign

Levels = tuple[Tensor, ...]
_NANO_WIDTHS, _NANO_DEPTHS = (16, 32, 64, 128, 256), (1, 3, 3, 1)


class Yolox(DetectionNetwork):
    """`forward` gives a map (B, 5 + C, H, W) at each of STRIDES: x and y of the centre from the cell's corner and the
    logarithms of width and height, all in cells; the logit of an object, and those of the classes."""

    loss_names = ("box", "object", "class")

    def __init__(self, config: YoloxConfig) -> None:
        super().__init__()
        self.config: YoloxConfig = config
        if config.backbone == "csp":
            self.backbone: nn.Module = csp.Trunk(_NANO_WIDTHS, _NANO_DEPTHS)
            self.pyramid: nn.Module = csp.PathAggregation(_NANO_WIDTHS[2:])
            channels = list(_NANO_WIDTHS[2:])
        else:
            trunk = Trunk(config.backbone)
            self.backbone, self.pyramid = trunk, Pyramid(trunk.channels, config.neck)
            channels = [config.neck] * len(STRIDES)
        classes = len(config.class_names)
        self.heads = nn.ModuleList(
            DecoupledHead(inputs, config.head, classes, depthwise=config.depthwise) for inputs in channels
        )

    def forward(self, images: Tensor) -> Levels:
        """(B, 3, H, W) BGR 0..255, which the authors' networks take as it is."""
        maps = self.pyramid(self.backbone(images))
        return tuple(head(x) for head, x in zip(self.heads, maps, strict=True))

    def _rows(self, outputs: Levels) -> tuple[Tensor, Cells, Tensor]:
        """What the cells say (B, P, 5 + C), where they are, and their boxes (B, P, 4) xyxy in input pixels."""
        raw = torch.cat([rows_of(x, 5 + len(self.config.class_names)) for x in outputs], 1)
        corners = [cell_corners(x) for x in outputs]
        strides = [torch.full_like(c[:, :1], s) for c, s in zip(corners, STRIDES, strict=True)]
        cells = Cells(torch.cat(corners), torch.cat(strides))
        center = (cells.corner + raw[..., :2]) * cells.stride
        # A side of 400 cells is none, and exp could overflow.
        size = raw[..., 2:4].clamp(max=6.0).exp() * cells.stride
        return raw, cells, from_center(center, size)

    def criterion(self, outputs: Levels, truths: Sequence[Truth], size: Size) -> Losses:
        """Each over the number of cells that answer for an object. A class's target is how well the cell's box fits,
        so that scores say that too."""
        config = self.config
        raw, cells, boxes = self._rows(outputs)
        truths = [at_most(MAX_OBJECTS, truth) for truth in truths]
        things, kinds = raw[..., 4], raw[..., 5:]
        scores = (things[..., None].sigmoid() * kinds.sigmoid()).detach()
        target = torch.zeros_like(things)
        weight = 1 - spared_objects(cells.center, kinds.detach(), truths).float()
        box, kind, count = things.new_zeros(()), things.new_zeros(()), 0
        for i, truth in enumerate(truths):
            found = assign(
                cells, boxes[i].detach(), scores[i], truth.boxes, truth.labels, radius=config.radius,
                candidates=config.candidates, overlap_cost=config.overlap_cost,
            )  # fmt: skip
            sure = truth.scores[found.object]
            target[i, found.row], weight[i, found.row] = 1, sure
            box = box + (box_loss(boxes[i, found.row], truth.boxes[found.object]) * sure).sum()
            wanted = torch.zeros_like(kinds[i, found.row])
            wanted[torch.arange(len(wanted), device=wanted.device), truth.labels[found.object]] = (
                found.overlap
            )
            entropy = F.binary_cross_entropy_with_logits(kinds[i, found.row], wanted, reduction="none")
            kind = kind + (entropy.sum(1) * sure).sum()
            count += len(found.row)
        scale = max(1, count)
        entropy = F.binary_cross_entropy_with_logits(things, target, reduction="none")
        parts = {
            "box": config.box_weight * box / scale,
            "object": (entropy * weight).sum() / scale,
            "class": kind / scale,
        }
        return Losses(parts, count)

    def decode(self, outputs: Levels) -> tuple[Tensor, Tensor]:
        raw, _, boxes = self._rows(outputs)
        return boxes, raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()


class DecoupledHead(nn.Module):
    """A branch for the classes, and one for the box and whether there is an object: (B, inputs, H, W) to
    (B, 5 + classes, H, W)."""

    def __init__(self, inputs: int, width: int, classes: int, *, depthwise: bool) -> None:
        super().__init__()
        self.stem = csp.ConvNormSiLU(inputs, width)
        self.class_branch = nn.Sequential(_conv(width, depthwise), _conv(width, depthwise))
        self.box_branch = nn.Sequential(_conv(width, depthwise), _conv(width, depthwise))
        self.boxes, self.objects = nn.Conv2d(width, 4, 1), nn.Conv2d(width, 1, 1)
        self.classes = nn.Conv2d(width, classes, 1)
        start_rare([self.objects, self.classes])

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        box = self.box_branch(x)
        return torch.cat([self.boxes(box), self.objects(box), self.classes(self.class_branch(x))], 1)


def _conv(width: int, depthwise: bool) -> nn.Module:
    return csp.Separable(width, width) if depthwise else csp.ConvNormSiLU(width, width, 3)
