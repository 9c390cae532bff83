"""The anchors, which of them answer for which object, and boxes as differences from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from rtdet.detectors.family.grids import cell_centers, from_center
from rtdet.detectors.ssd.matcher import pairwise_iou

# A box of a side over 1000/16 times its anchor's is none, and exp could overflow.
_MOST_LOG = 4.135


def shapes_of(stride: int, scales: Sequence[float], ratios: Sequence[float]) -> list[tuple[float, float]]:
    """Width and height of the anchors of a cell in input pixels: ratio by ratio, scale by scale."""
    return [
        (4 * stride * scale / ratio**0.5, 4 * stride * scale * ratio**0.5)
        for ratio in ratios
        for scale in scales
    ]


def anchors_of(
    maps: Sequence[Tensor], strides: Sequence[int], scales: Sequence[float], ratios: Sequence[float]
) -> Tensor:
    """(P, 4) cxcywh in input pixels: map by map, row by row, cell by cell; those of a cell are neighbours."""
    rows = []
    for x, stride in zip(maps, strides, strict=True):
        centers = cell_centers(x, stride)[:, None]
        sizes = torch.zeros_like(centers) + centers.new_tensor(shapes_of(stride, scales, ratios))
        rows.append(torch.cat([torch.zeros_like(sizes) + centers, sizes], -1).reshape(-1, 4))
    return torch.cat(rows)


class Match(NamedTuple):
    """Of each anchor the object that it answers for (P,), whether it answers for one (P,), and whether it is left out
    (P,), for it overlaps one by half only."""

    matched: Tensor
    positive: Tensor
    between: Tensor


def match(anchors: Tensor, boxes: Tensor, min_overlap: float, max_background: float) -> Match:
    """anchors (P, 4) and boxes (G, 4), both xyxy. Section 4: by overlap; an object that no anchor overlaps by
    `min_overlap` gets those that overlap it most."""
    if not len(boxes):
        nothing = torch.zeros(len(anchors), dtype=torch.long, device=anchors.device)
        return Match(nothing, nothing.bool(), nothing.bool())
    overlap = pairwise_iou(anchors, boxes)
    strength, matched = overlap.max(1)
    most = overlap.amax(0)
    best = ((overlap == most) & (most > 0)).any(1)
    positive = (strength >= min_overlap) | best
    return Match(matched, positive, ~positive & (strength >= max_background))


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """(K, 4) boxes xyxy as differences from anchors (K, 4) cxcywh: of the centres in sides of the anchor, and the
    logarithms of the ratios of the sides (R-CNN, arXiv 1311.2524, appendix C)."""
    center, size = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).clamp(min=0.01)
    return torch.cat([(center - anchors[:, :2]) / anchors[:, 2:], (size / anchors[:, 2:]).log()], 1)


def decode(offsets: Tensor, anchors: Tensor) -> Tensor:
    """(..., P, 4) differences from anchors (P, 4) cxcywh as boxes xyxy: the inverse of `encode`."""
    center = offsets[..., :2] * anchors[:, 2:] + anchors[:, :2]
    return from_center(center, offsets[..., 2:].clamp(max=_MOST_LOG).exp() * anchors[:, 2:])
