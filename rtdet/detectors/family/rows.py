"""A network with its selection inside: threshold, NMS and the strongest, as rows that need nothing after them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.ops import nms

from rtdet.detectors.family.config import NetworkConfig, Size
from rtdet.detectors.selection import MAX_CANDIDATES
from rtdet.errors import UsageError


@dataclass(frozen=True)
class Selection:
    """What of a network's boxes is kept: those of at least `confidence`, of two of a class that overlap by more than
    `iou` the stronger, and of these the `most` strongest."""

    confidence: float = 0.05
    iou: float = 0.5
    most: int = 300


class Rows(nn.Module):
    """Gives (1, most, 6): x1, y1, x2, y2 in pixels of the input, score, class, by falling score; rows of zeros where
    there are fewer. decoder: gives boxes (1, N, 4) and scores (1, N, C), for one size of the input."""

    def __init__(self, decoder: nn.Module, config: NetworkConfig, size: Size, selection: Selection) -> None:
        super().__init__()
        self.decoder, self.selection = decoder, selection
        kind = getattr(config, "suppression", "nms")  # an SSD's is NMS
        if kind not in ("nms", "none"):
            raise UsageError(
                f"{config.architecture} is thinned out by {kind}, which a file cannot hold; omit --nms"
            )
        self.is_thinned = kind == "nms"
        self.iou = min(selection.iou, getattr(config, "most_overlap", 1.0))
        self.far = 4.0 * max(size)  # between the boxes of two classes, which then do not overlap

    def forward(self, pictures: Tensor) -> Tensor:
        boxes, scores = (part[0] for part in self.decoder(pictures))
        best, labels = scores.max(1)
        best, rows = best.topk(min(MAX_CANDIDATES, best.shape[0]))
        boxes, classes = boxes[rows], labels[rows].to(boxes.dtype)[:, None]
        found = torch.cat([boxes, best[:, None], classes], 1)
        if self.is_thinned:
            found = found[nms(boxes + self.far * classes, best, self.iou)]
        found = found * (found[:, 4:5] >= self.selection.confidence).to(found.dtype)
        most = self.selection.most
        return torch.cat([found, torch.zeros(most, 6)])[:most][None]
