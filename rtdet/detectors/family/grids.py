"""The cells of a feature map as places of the picture. Made of the map's own shape, so that a traced graph makes them
anew for an input of another size."""

from __future__ import annotations

import torch
from torch import Tensor


def cell_centers(feature_map: Tensor, stride: int) -> Tensor:
    """(H * W, 2): x and y of each cell's centre in input pixels, row by row."""
    return cell_corners(feature_map) * stride + stride / 2


def cell_corners(feature_map: Tensor) -> Tensor:
    """(H * W, 2): column and row of each cell, row by row."""
    height, width = feature_map.shape[-2], feature_map.shape[-1]
    across = torch.arange(width, device=feature_map.device, dtype=torch.float32)
    down = torch.arange(height, device=feature_map.device, dtype=torch.float32)
    y, x = torch.meshgrid(down, across, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


def size_of(images: Tensor) -> Tensor:
    """(2,): width and height of pictures (B, C, H, W)."""
    across = torch.arange(images.shape[-1], device=images.device, dtype=torch.float32)
    down = torch.arange(images.shape[-2], device=images.device, dtype=torch.float32)
    return torch.stack([across.amax(), down.amax()]) + 1


def rows_of(feature_map: Tensor, values: int) -> Tensor:
    """(B, groups * values, H, W) to (B, H * W * groups, values), float32."""
    return feature_map.permute(0, 2, 3, 1).reshape(feature_map.shape[0], -1, values).float()


def from_center(centers: Tensor, sizes: Tensor) -> Tensor:
    """(..., 2) centres and (..., 2) sizes to (..., 4) xyxy."""
    return torch.cat([centers - sizes / 2, centers + sizes / 2], -1)
