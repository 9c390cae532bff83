"""What every SSD network has in common, whatever its layers."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from rtdet.detectors.ssd.config import SSDConfig


class SSDModule(nn.Module):
    """A network with SSD's contract: `forward` takes (B, 3, H, W) BGR 0..255 and gives offsets (B, P, 4) and
    class logits (B, P, C), rows in the order of `make_priors(config.levels, (W, H))`; C counts background
    where `config.background`. It normalises its input itself."""

    def __init__(self, config: SSDConfig) -> None:
        super().__init__()
        self.config = config

    @torch.no_grad()
    def rescale_scores(self, scale: float, shift: float) -> None:
        """Changes the network so that every class logit becomes scale * logit + shift."""
        for final in self.final_score_layers():
            final.weight.mul_(scale)
            if final.bias is not None:
                final.bias.mul_(scale).add_(shift)

    def final_score_layers(self) -> Iterable[nn.Conv2d]:
        """The convolutions whose outputs are the class logits, level by level."""
        raise NotImplementedError


def rows_of(x: Tensor, values: int) -> Tensor:
    """(B, priors * values, H, W) to (B, H * W * priors, values)."""
    return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, values)


def start_rare(heads: Iterable[nn.Conv2d], share: float = 0.01) -> None:
    """Every prior starts by believing in an object with 1 % (RetinaNet, arXiv 1708.02002)."""
    bias = float(torch.logit(torch.tensor(share)))
    for conv in heads:
        assert conv.bias is not None
        nn.init.normal_(conv.weight, std=0.01)
        nn.init.constant_(conv.bias, bias)
