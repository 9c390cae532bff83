"""Which cell answers for which object, and what it should say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from rtdet.detectors.family.grids import cell_centers


class Cells(NamedTuple):
    """Every cell of every level, P of them. point (P, 2): its centre in input pixels. stride (P,). low, high
    (P,): the distances in pixels for which its level answers."""

    point: Tensor
    stride: Tensor
    low: Tensor
    high: Tensor


def cells_of(maps: Sequence[Tensor], strides: Sequence[int], bounds: Sequence[float]) -> Cells:
    """For maps (B, ..., H, W) at `strides`."""
    edges = [0.0, *bounds, float("inf")]
    rows = []
    for i, (x, stride) in enumerate(zip(maps, strides, strict=True)):
        points = cell_centers(x, stride)
        one = torch.ones_like(points[:, 0])
        rows.append((points, one * stride, one * edges[i], one * edges[i + 1]))
    return Cells(*(torch.cat(parts) for parts in zip(*rows, strict=True)))


class Targets(NamedTuple):
    """matched (P,): the object that a cell answers for. positive (P,): whether it answers for one."""

    matched: Tensor
    positive: Tensor


def assign(cells: Cells, boxes: Tensor, radius: float) -> Targets:
    """Section 3.1 and 3.2, and centre sampling: a cell answers for an object, of boxes (G, 4), if it lies inside
    of it, not further than `radius` strides from its middle along x and y, and the farthest side of it is as far
    away as its level is for. Of several objects, for the one of the smallest area."""
    count = len(cells.point)
    if not len(boxes):
        nothing = torch.zeros(count, dtype=torch.long, device=cells.point.device)
        return Targets(nothing, nothing.bool())
    distance = distances(cells.point[:, None], boxes[None])
    nearest, farthest = distance.amin(-1), distance.amax(-1)
    fits = (nearest > 0) & (farthest > cells.low[:, None]) & (farthest <= cells.high[:, None])
    if radius:
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        off = (cells.point[:, None] - middle).abs().amax(-1)
        fits &= off < radius * cells.stride[:, None]
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    smallest, matched = torch.where(fits, area, float("inf")).min(1)
    return Targets(matched, smallest.isfinite())


def distances(points: Tensor, boxes: Tensor) -> Tensor:
    """(..., 4): how far the left, top, right and lower side of boxes (..., 4) are from points (..., 2)."""
    return torch.cat([points - boxes[..., :2], boxes[..., 2:] - points], -1)


def centerness(distance: Tensor) -> Tensor:
    """(K,): 1 in the middle of a box, 0 on its border (equation 3), from distances (K, 4)."""
    left, top, right, bottom = distance.unbind(-1)
    across = torch.minimum(left, right) / torch.maximum(left, right)
    down = torch.minimum(top, bottom) / torch.maximum(top, bottom)
    return (across * down).clamp(min=0).sqrt()
