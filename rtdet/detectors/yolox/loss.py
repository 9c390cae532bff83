"""The loss of boxes (section 2.1)."""

from __future__ import annotations

import torch
from torch import Tensor


def box_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """(K,): 1 - IoU^2 of paired boxes (K, 4) xyxy, as in the authors' code."""
    corner, end = torch.maximum(found[:, :2], wanted[:, :2]), torch.minimum(found[:, 2:], wanted[:, 2:])
    common = (end - corner).clamp(min=0).prod(1)
    areas = [(box[:, 2:] - box[:, :2]).prod(1) for box in (found, wanted)]
    overlap = common / (areas[0] + areas[1] - common).clamp(min=1e-9)
    return 1 - overlap.square()
