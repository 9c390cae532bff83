"""The layers that trunk and neck are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, *, mish: bool = False) -> nn.Sequential:
    """A convolution, a norm, and Mish (arXiv 1908.08681), x tanh(log(1 + e^x)), or a leaky ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs, momentum=0.03),
        nn.Mish(inplace=True) if mish else nn.LeakyReLU(0.1, inplace=True),
    )


class DropBlock(nn.Module):
    """Blots out squares of a map in training (Ghiasi et al. 2018, arXiv 1810.12890), so that no object is known
    by one part alone. Single cells dropped would tell nothing: their neighbours say the same."""

    def __init__(self, share: float, size: int) -> None:
        """share: of the cells that are blotted out, about. size: cells a side of a square."""
        super().__init__()
        self.share, self.size = share, size

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.share:
            return x
        height, width = x.shape[-2:]
        size = min(self.size, height, width)
        size -= 1 - size % 2  # odd, so that it has a middle
        # Equation 1: how often a square begins, so that about `share` of the cells are covered.
        seeds = self.share / size**2 * (height * width) / ((height - size + 1) * (width - size + 1))
        middle = torch.rand(x.shape, device=x.device) < seeds
        margin = size // 2
        inner = torch.zeros_like(middle)
        inner[..., margin : height - margin, margin : width - margin] = True
        blots = F.max_pool2d((middle & inner).to(x.dtype), size, 1, margin)
        kept = 1 - blots
        # The rest speaks up, so that the map's mean stays what it is without.
        return x * kept * (kept.numel() / kept.sum().clamp(min=1))
