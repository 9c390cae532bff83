"""The focal loss (section 3)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def focal_loss(logits: Tensor, target: Tensor, alpha: float, gamma: float) -> Tensor:
    """For each logit -alpha_t (1 - p_t)^gamma log p_t (equations 4 and 5), of the logits' shape.

    p_t is the probability given to what is true: p where the target is 1, 1 - p where it is 0; alpha_t likewise alpha
    or 1 - alpha. With gamma 2, what is classified with p_t = .9 counts a hundredth of what it does in a cross
    entropy.
    """
    chance = logits.sigmoid()
    of_truth = chance * target + (1 - chance) * (1 - target)
    weight = alpha * target + (1 - alpha) * (1 - target)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return weight * (1 - of_truth).pow(gamma) * entropy


def smooth_l1(found: Tensor, wanted: Tensor, beta: float) -> Tensor:
    """(K,) sums over the four differences, each squared below `beta` and linear above."""
    if beta == 0:
        return (found - wanted).abs().sum(1)
    return F.smooth_l1_loss(found, wanted, beta=beta, reduction="none").sum(1)


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """(K,) to (K, C) float."""
    return F.one_hot(labels, classes).to(torch.float32)
