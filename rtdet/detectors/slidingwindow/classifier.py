"""What a window shows: a small network for pictures of SIDE x SIDE pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Classifier(nn.Module):
    """(B, 3, 16, 16) BGR around 0 to (B, outputs, 1, 1): logits with background first, and behind them, with
    `refine`, how the object's box differs from the window.

    No layer has a border, and all are convolutions, so that of a larger picture (B, 3, H, W) it gives at once what it
    would give of each of its windows, 4 pixels apart: the fully connected layer of the last map is a convolution as
    large as that map.
    """

    def __init__(self, widths: Sequence[int], classes: int, *, refine: bool) -> None:
        super().__init__()
        first, second, third, last = widths
        self.body = nn.Sequential(
            *_layer(3, first, 4, 2),
            *_layer(first, second, 3, 1),
            *_layer(second, third, 3, 2),
            *_layer(third, last, 2, 1),
        )
        self.score = nn.Conv2d(last, 1 + classes, 1)
        self.box = nn.Conv2d(last, 4, 1) if refine else None
        nn.init.normal_(self.score.weight, std=0.01)
        assert self.score.bias is not None
        nn.init.zeros_(self.score.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.body(pictures)
        logits: Tensor = self.score(x)
        return logits if self.box is None else torch.cat([logits, self.box(x)], 1)


def _layer(before: int, width: int, kernel: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(before, width, kernel, stride, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    ]
