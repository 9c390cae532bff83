"""The multi-task loss of regions (section 2.3, equations 1 to 3)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def smooth_l1(found: Tensor, wanted: Tensor, beta: float = 1.0) -> Tensor:
    """(K,) sums over the four differences (K, 4): x^2 / 2 / beta where |x| < beta, |x| - beta / 2 elsewhere. With
    beta 1 equation 3."""
    off = (found - wanted).abs()
    return torch.where(off < beta, off.square() / (2 * beta), off - beta / 2).sum(-1)


def class_losses(logits: Tensor, labels: Tensor, incomplete: Tensor) -> Tensor:
    """(R,) -log p of the true class, of logits (R, 1 + C) with background first. incomplete (R, C): the classes whose
    objects may be in the region's picture unlabelled: where background is meant, they are right as well."""
    allowed = F.one_hot(labels, logits.shape[1]).bool()
    allowed[:, 1:] |= (labels == 0)[:, None] & incomplete
    true = logits.masked_fill(~allowed, -torch.inf).logsumexp(1)
    return logits.logsumexp(1) - true


def of_class(offsets: Tensor, labels: Tensor) -> Tensor:
    """(R, 4): of offsets (R, 4, 1 + C), which are those of each class, the label's; of (R, 4, 1) the only ones."""
    if offsets.shape[2] == 1:
        return offsets[..., 0]
    rows = labels[:, None, None].expand(-1, 4, 1)
    return offsets.gather(2, rows)[..., 0]
