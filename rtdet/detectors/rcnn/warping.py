"""From a region of any size and shape to a picture of the one size that a classifier takes (appendix A, figure 7)."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision import ops


def with_context(regions: Tensor, side: int, context: int) -> Tensor:
    """Regions (..., 4) xyxy, made larger so that of the `side` pixels to which each will be warped, `context` at
    either end show what is around it."""
    center = (regions[..., :2] + regions[..., 2:]) / 2
    half = (regions[..., 2:] - regions[..., :2]) / 2 * (side / (side - 2 * context))
    return torch.cat([center - half, center + half], -1)


def warp(images: Tensor, regions: Tensor, side: int) -> Tensor:
    """images (B, 3, H, W) and regions (B, N, 4), which may leave their picture, to (B * N, 3, side, side), whatever
    their shape. A pixel is the mean of 2x2 points of the picture, at which it is interpolated; outside of it they
    are 0, so that a picture less its mean colour goes on with that colour.

    By torchvision's RoI align, which is this and is known to all back ends; to a picture's own pixels it was applied
    only after R-CNN.
    """
    batch, count = regions.shape[0], regions.shape[1]
    picture = torch.arange(batch, device=regions.device, dtype=regions.dtype)[:, None, None]
    rows = torch.cat([picture.expand(batch, count, 1), regions], -1).reshape(-1, 5)
    warped: Tensor = ops.roi_align(images, rows, side, 1.0, sampling_ratio=2, aligned=True)
    return warped
