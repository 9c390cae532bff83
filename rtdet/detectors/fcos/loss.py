"""The loss of the four sides. That of the scores is RetinaNet's."""

from __future__ import annotations

import torch
from torch import Tensor

from rtdet.detectors.ssd.loss import giou


def side_loss(found: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
    """The sum of 1 - GIoU (arXiv 1902.09630, as in the authors' later code) of boxes around the same points, each by
    its weight (K,). found, wanted (K, 4): distances of the sides, in any unit."""
    return ((1 - giou(_around(found), _around(wanted))) * weight).sum()


def _around(distance: Tensor) -> Tensor:
    """(K, 4) distances of the sides as boxes xyxy around the origin."""
    return torch.cat([-distance[:, :2], distance[:, 2:]], 1)
