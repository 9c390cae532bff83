"""The network: a trunk, a way down that joins coarse maps with fine ones, and an output on each of three scales."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.family.config import Size
from rtdet.detectors.family.grids import rows_of
from rtdet.detectors.family.network import DetectionNetwork
from rtdet.detectors.family.trunks import Trunk
from rtdet.detectors.family.truth import MAX_OBJECTS, Losses, Truth, at_most, spared_objects
from rtdet.detectors.yolov3.anchors import assign, boxes_of, places_of
from rtdet.detectors.yolov3.config import STRIDES, YoloV3Config
from rtdet.detectors.yolov3.darknet import Darknet53, conv
from rtdet.detectors.yolov3.loss import box_loss, class_loss, object_loss


class YoloV3(DetectionNetwork):
    """`forward` gives three maps (B, A * (5 + C), H, W) at strides 8, 16 and 32: for each of a cell's A anchors
    t_x, t_y, t_w, t_h, the logit of an object, and those of the classes."""

    loss_names = ("box", "object", "class")

    def __init__(self, config: YoloV3Config) -> None:
        super().__init__()
        self.config: YoloV3Config = config
        self.backbone = Darknet53() if config.backbone == "darknet53" else Trunk(config.backbone)
        self.sets, self.steps, self.outputs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.values = 5 + len(config.class_names)
        count = len(config.anchors) // len(STRIDES)
        joined = 0
        for channels, width in zip(reversed(self.backbone.channels), reversed(config.widths), strict=True):
            if self.sets:
                self.steps.append(conv(joined, width, 1))
                joined = width
            self.sets.append(_conv_set(channels + joined, width, config.pairs))
            last = nn.Conv2d(2 * width, count * self.values, 1)
            start_rare(last, count)
            self.outputs.append(nn.Sequential(conv(width, 2 * width, 3), last))
            joined = width

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) BGR 0..255."""
        found: list[Tensor] = []
        above: Tensor | None = None
        for i, x in enumerate(reversed(self.backbone(images))):
            if above is not None:
                above = F.interpolate(self.steps[i - 1](above), size=x.shape[-2:], mode="nearest")
                x = torch.cat([above, x], 1)
            above = self.sets[i](x)
            found.insert(0, self.outputs[i](above))
        return tuple(found)

    @property
    def leading_outputs(self) -> int:
        return 5

    def criterion(self, outputs: tuple[Tensor, ...], truths: Sequence[Truth], size: Size) -> Losses:
        """Each over the number of objects that are answered for."""
        config = self.config
        truths = [at_most(MAX_OBJECTS, truth) for truth in truths]
        raw = torch.cat([rows_of(x, self.values) for x in outputs], 1)
        places = places_of(outputs, config.anchors)
        found = assign(truths, outputs, config.anchors)
        boxes = boxes_of(raw[..., :4].detach(), places)
        free = spared_objects(places.center, raw[..., 5:].detach(), truths)
        answers = raw[found.picture, found.row]
        scale = max(1, len(found.row))
        things = object_loss(raw[..., 4], boxes, truths, found, free, config.ignore_overlap)
        parts = {
            "box": box_loss(answers[:, :4], places, found, size) / scale,
            "object": things / scale,
            "class": class_loss(answers[:, 5:], found) / scale,
        }
        return Losses(parts, len(found.row))

    def decode(self, outputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        raw = torch.cat([rows_of(x, self.values) for x in outputs], 1)
        scores = raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()
        return boxes_of(raw[..., :4], places_of(outputs, self.config.anchors)), scores


def _conv_set(inputs: int, width: int, pairs: int) -> nn.Sequential:
    """1x1 and 3x3 in turn, from `width` to twice as many channels and back."""
    layers: list[nn.Module] = [conv(inputs, width, 1)]
    for _ in range(pairs):
        layers += [conv(width, 2 * width, 3), conv(2 * width, width, 1)]
    return nn.Sequential(*layers)


def start_rare(last: nn.Conv2d, anchors: int) -> None:
    """Every anchor starts by believing in an object with 1 % (RetinaNet, arXiv 1708.02002): else thousands of them
    would drown the few that have one."""
    assert last.bias is not None
    nn.init.normal_(last.weight, std=0.01)
    nn.init.zeros_(last.bias)
    with torch.no_grad():
        last.bias.view(anchors, -1)[:, 4] = -4.6
