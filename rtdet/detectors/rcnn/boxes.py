"""Boxes as differences from other boxes: the parameterisation that R-CNN introduced (arXiv 1311.2524, appendix C,
equations 1 to 9), which Fast and Faster R-CNN, SSD and RetinaNet kept."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

# A box of a side over 1000/16 times its proposal's is none, and exp could overflow.
_MOST_LOG = math.log(1000 / 16)


def encode(boxes: Tensor, proposals: Tensor, deviations: Sequence[float] = (1.0, 1.0, 1.0, 1.0)) -> Tensor:
    """(..., 4) t_x, t_y, t_w, t_h of boxes seen from proposals, both (..., 4) xyxy: how far the centre is moved, as
    shares of the proposal's sides, and the logarithm by how much the sides are scaled. deviations: each is divided
    by these (Fast R-CNN, section 2.3, wants targets of unit variance)."""
    center, side = _center_and_side(proposals)
    wanted, extent = _center_and_side(boxes)
    moved = (wanted - center) / side
    scaled = (extent / side).log()
    return torch.cat([moved, scaled], -1) / moved.new_tensor(deviations)


def decode(offsets: Tensor, proposals: Tensor, deviations: Sequence[float] = (1.0, 1.0, 1.0, 1.0)) -> Tensor:
    """The inverse of `encode`: (..., 4) xyxy."""
    center, side = _center_and_side(proposals)
    offsets = offsets * offsets.new_tensor(deviations)
    center = center + offsets[..., :2] * side
    half = offsets[..., 2:].clamp(max=_MOST_LOG).exp() * side / 2
    return torch.cat([center - half, center + half], -1)


def clip(boxes: Tensor, size: Tensor) -> Tensor:
    """The part of boxes (..., 4) xyxy that lies in a picture; size: its width and height, (2,)."""
    return torch.minimum(boxes.clamp(min=0), torch.cat([size, size]))


def _center_and_side(boxes: Tensor) -> tuple[Tensor, Tensor]:
    side = (boxes[..., 2:] - boxes[..., :2]).clamp(min=1e-3)
    return (boxes[..., :2] + boxes[..., 2:]) / 2, side
