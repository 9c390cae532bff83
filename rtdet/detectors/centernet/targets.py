"""What the heat maps should look like."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rtdet.detectors.family.truth import Truth


class Targets(NamedTuple):
    """Of one picture: heat (C, H, W) in 0..1; of each of its G objects the cell of its centre, as an index (G,) into
    H * W, its size (G, 2) and where in the cell its centre is (G, 2), both in cells, and its certainty (G,)."""

    heat: Tensor
    cells: Tensor
    sizes: Tensor
    offsets: Tensor
    certainty: Tensor


def paint(truth: Truth, classes: int, shape: tuple[int, int], stride: int, min_overlap: float) -> Targets:
    """The targets of one picture for maps of `shape` (H, W). Where the heats of two objects of a class meet, the
    higher one holds (section 3)."""
    height, width = shape
    boxes = truth.boxes / stride
    centers, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    cells = centers.floor()
    # A centre on the right or lower border belongs to the last cell.
    cells = torch.minimum(cells, cells.new_tensor([width - 1, height - 1])).clamp(min=0)
    radius = heat_radius(sizes, min_overlap).floor()
    deviation = (2 * radius + 1) / 6
    across, down = (torch.arange(n, device=boxes.device, dtype=boxes.dtype) for n in (width, height))
    x, y = across - cells[:, :1], down - cells[:, 1:]
    within = (x.abs() <= radius[:, None])[:, None, :] & (y.abs() <= radius[:, None])[:, :, None]
    fall = (2 * deviation.square())[:, None]
    spots = torch.exp(-y.square() / fall)[:, :, None] * torch.exp(-x.square() / fall)[:, None, :] * within
    heat = boxes.new_zeros(classes, height, width)
    for label in sorted(set(truth.labels.tolist())):
        heat[label] = spots[truth.labels == label].amax(0)
    index = (cells[:, 1] * width + cells[:, 0]).long()
    return Targets(heat, index, sizes, centers - cells, truth.scores)


def heat_radius(sizes: Tensor, min_overlap: float) -> Tensor:
    """(G,): how far both corners of a box of `sizes` (G, 2) may be moved with an IoU of at least `min_overlap` left
    (CornerNet, arXiv 1808.01244, section 3.2). The smallest root of three cases: both corners move the same way, both
    move outwards, both move inwards."""
    w, h = sizes.unbind(-1)
    total, area = w + h, w * h
    # (w - r)(h - r) = m (2 w h - (w - r)(h - r))
    shifted = _smaller_root(1.0, total, area * (1 - min_overlap) / (1 + min_overlap))
    # (w - 2r)(h - 2r) = m w h
    inside = _smaller_root(4.0, 2 * total, (1 - min_overlap) * area)
    # w h = m (w + 2r)(h + 2r), whose other root is negative
    a, b, c = 4 * min_overlap, 2 * min_overlap * total, (min_overlap - 1) * area
    outside = (-b + (b * b - 4 * a * c).sqrt()) / (2 * a)
    return torch.minimum(torch.minimum(shifted, inside), outside)


def _smaller_root(a: float, b: Tensor, c: Tensor) -> Tensor:
    """The smaller solution of a r^2 - b r + c = 0."""
    return (b - (b * b - 4 * a * c).clamp(min=0).sqrt()) / (2 * a)
