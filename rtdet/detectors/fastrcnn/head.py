"""The second stage: what is in a region, and where exactly (section 2.1, figure 1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rtdet.detectors.family.truth import Truth, incomplete_classes
from rtdet.detectors.fastrcnn.loss import class_losses, of_class, smooth_l1
from rtdet.detectors.fastrcnn.sampling import Regions
from rtdet.detectors.rcnn.boxes import clip, decode, encode

# Section 2.3: box targets are divided by these, which brings them to unit variance.
DEVIATIONS = (0.1, 0.1, 0.2, 0.2)


class RegionHead(nn.Module):
    """(R, values) of pooled regions to logits (R, 1 + C), with background first, and offsets (R, 4, 1 + C): a box of
    its own for each class, of which background's is never used. With `shared_boxes` (R, 4, 1): one for all classes.

    widths: of the connected layers in front of the outputs.
    """

    def __init__(
        self, values: int, widths: Sequence[int], classes: int, *, shared_boxes: bool, dropout: float
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in widths:
            layers += [nn.Linear(values, width), nn.ReLU(inplace=True), nn.Dropout(dropout)]
            values = width
        self.body = nn.Sequential(*layers)
        self.score = nn.Linear(values, 1 + classes)
        # Coordinate by coordinate, so that the classes are neighbours, as in the layer of the scores.
        self.box = nn.Linear(values, 4 * (1 if shared_boxes else 1 + classes))
        for layer, deviation in ((self.score, 0.01), (self.box, 0.001)):
            nn.init.normal_(layer.weight, std=deviation)
            nn.init.zeros_(layer.bias)

    def forward(self, regions: Tensor) -> tuple[Tensor, Tensor]:
        x = self.body(regions.flatten(1))
        logits, offsets = self.score(x), self.box(x)
        return logits, offsets.reshape(offsets.shape[0], 4, -1)


def region_losses(
    logits: Tensor,
    offsets: Tensor,
    sampled: Sequence[Regions],
    truths: Sequence[Truth],
    smoothness: float = 1.0,
) -> tuple[Tensor, Tensor, int]:
    """The sums of the class and the box losses over the regions of a batch, each over the number of regions, and how
    many of these show an object. logits and offsets: of all regions, picture by picture."""
    boxes, labels, wanted, weight = (torch.cat(parts) for parts in zip(*sampled, strict=True))
    incomplete = incomplete_classes(truths, logits.shape[1] - 1, logits.device)
    counts = torch.tensor([len(one.boxes) for one in sampled], device=logits.device)
    score = class_losses(logits, labels, incomplete.repeat_interleave(counts, 0)) * weight
    target = encode(wanted, boxes, DEVIATIONS)
    box = smooth_l1(of_class(offsets, labels), target, smoothness) * weight * (labels > 0)
    scale = max(1, int((weight > 0).sum()))
    return score.sum() / scale, box.sum() / scale, int((labels > 0).sum())


def region_detections(
    logits: Tensor, offsets: Tensor, regions: Tensor, is_real: Tensor, size: Tensor
) -> tuple[Tensor, Tensor]:
    """Boxes (B, N, 4) and scores (B, N, C) of N regions (B, N, 4) of each picture: the box is that of the region's
    likeliest class. is_real (B, N): the others only fill up and score nothing. size (2,): width and height of the
    input, by which boxes are cut."""
    batch, count = regions.shape[0], regions.shape[1]
    chances = logits.softmax(-1)
    offsets = of_class(offsets, chances[:, 1:].argmax(1) + 1).reshape(batch, count, 4)
    boxes = clip(decode(offsets, regions, DEVIATIONS), size)
    scores = chances[:, 1:].reshape(batch, count, -1) * is_real.to(chances.dtype).unsqueeze(-1)
    return boxes, scores
