"""The losses: a focal loss of the heat map, L1 of sizes and offsets at the centres."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def heat_loss(logits: Tensor, heat: Tensor, weight: Tensor, *, alpha: float, beta: float) -> Tensor:
    """The sum of the focal loss of equation 1, which is to be divided by the number of objects.

    logits, heat (B, C, H, W). Where the heat is 1, -(1 - p)^alpha log p; elsewhere
    -(1 - heat)^beta p^alpha log(1 - p), so that a cell beside the centre is punished less for being high.
    weight (B, C, H, W): 0 where nothing is punished, and how certain an object is at its centre.
    """
    chance = logits.sigmoid()
    center = heat == 1
    hit = (1 - chance).pow(alpha) * F.softplus(-logits)
    miss = (1 - heat).pow(beta) * chance.pow(alpha) * F.softplus(logits)
    return (torch.where(center, hit, miss) * weight).sum()


def distance_at(values: Tensor, cells: Tensor, wanted: Tensor, certainty: Tensor) -> Tensor:
    """The sum of |value - wanted| at the cells (G,) of a picture's objects; values (2, H, W), wanted (G, 2)."""
    found = values.flatten(1)[:, cells].T
    return ((found - wanted).abs().sum(1) * certainty).sum()
