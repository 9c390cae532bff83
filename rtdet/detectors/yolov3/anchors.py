"""Where the anchors are, how their numbers become boxes, and which of them answer for an object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from rtdet.detectors.family.grids import cell_corners, from_center
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.yolov3.config import STRIDES, Anchors


class Places(NamedTuple):
    """Every anchor of every cell, P of them: map by map, row by row, cell by cell. corner (P, 2): column and row of
    its cell. stride (P, 1): of its map. shape (P, 2): width and height in input pixels."""

    corner: Tensor
    stride: Tensor
    shape: Tensor

    @property
    def center(self) -> Tensor:
        """(P, 2): the middle of the cell in input pixels."""
        return (self.corner + 0.5) * self.stride


def places_of(maps: Sequence[Tensor], anchors: Anchors) -> Places:
    """For maps (B, ..., H, W) at STRIDES."""
    count = len(anchors) // len(STRIDES)
    corners, strides, shapes = [], [], []
    for i, (x, stride) in enumerate(zip(maps, STRIDES, strict=True)):
        cells = cell_corners(x)
        corners.append(cells[:, None].expand(-1, count, -1).reshape(-1, 2))
        shape = cells.new_tensor(anchors[i * count : (i + 1) * count])
        # Of the cells' own number, which a traced graph does not know.
        shapes.append((torch.zeros_like(cells)[:, None] + shape).reshape(-1, 2))
        strides.append(torch.full_like(corners[-1][:, :1], stride))
    return Places(torch.cat(corners), torch.cat(strides), torch.cat(shapes))


def boxes_of(raw: Tensor, places: Places, stretch: Tensor | float = 1.0) -> Tensor:
    """raw (B, P, 4), (t_x, t_y, t_w, t_h), to boxes (B, P, 4) xyxy in input pixels: figure 2 of YOLOv3,

        b_x = sigmoid(t_x) + c_x    b_w = p_w exp(t_w)    (likewise y and h)

    stretch: of the sigmoid about its middle, by which a centre can reach the cell's border (YOLOv4, section 3.4).
    """
    share = raw[..., :2].sigmoid() * stretch - (stretch - 1) / 2
    # A box of a thousand times its anchor's side is none, and exp could overflow.
    size = places.shape * raw[..., 2:].clamp(max=6.9).exp()
    return from_center((places.corner + share) * places.stride, size)


class Assignment(NamedTuple):
    """Which anchors answer for which objects, over a batch: of each of its K pairs the picture, the anchor as a
    row of `Places`, and the object's box (4,), label and certainty. An anchor answers for one object."""

    picture: Tensor
    row: Tensor
    boxes: Tensor
    labels: Tensor
    certainty: Tensor


def assign(
    truths: Sequence[Truth], maps: Sequence[Tensor], anchors: Anchors, min_overlap: float | None = None
) -> Assignment:
    """Each object goes to the anchor whose shape overlaps its own most, both laid on the same corner, in the cell of
    the object's centre. min_overlap: also to all others that overlap it by that much (YOLOv4). Where two objects want
    the same anchor, the larger gets it."""
    pictures, rows, objects = [], [], []
    for i, truth in enumerate(truths):
        wanting, wanted = _wishes(truth, maps, anchors, min_overlap)
        taken: dict[int, int] = {}
        for one, place in zip(wanting, wanted, strict=True):
            taken.setdefault(place, one)
        pictures += [i] * len(taken)
        rows += list(taken)
        objects += list(taken.values())
    device = maps[0].device
    picture, row, thing = (
        torch.tensor(part, dtype=torch.long, device=device) for part in (pictures, rows, objects)
    )
    boxes, labels, certainty = (
        torch.cat([getattr(truth, name)[thing[picture == i]] for i, truth in enumerate(truths)])
        for name in ("boxes", "labels", "scores")
    )
    return Assignment(picture, row, boxes, labels, certainty)


def _wishes(
    truth: Truth, maps: Sequence[Tensor], anchors: Anchors, min_overlap: float | None
) -> tuple[list[int], list[int]]:
    """(object, row) of all pairs, the best anchors of all objects first, then by falling overlap."""
    if not len(truth.boxes):
        return [], []
    count = len(anchors) // len(STRIDES)
    shapes = truth.boxes.new_tensor(anchors)
    sizes, centers = truth.boxes[:, 2:] - truth.boxes[:, :2], (truth.boxes[:, :2] + truth.boxes[:, 2:]) / 2
    overlap = shape_overlap(sizes, shapes)
    best = overlap.argmax(1)
    rank = overlap.clone()
    rank[torch.arange(len(best), device=best.device), best] += 1
    least = 1.0 if min_overlap is None else min_overlap
    things, chosen = (rank >= least).nonzero(as_tuple=True)
    level = chosen // count
    extent = torch.tensor([[x.shape[3], x.shape[2]] for x in maps], device=best.device)
    firsts = torch.tensor([0, *_sizes(maps, count)], device=best.device).cumsum(0)
    strides = truth.boxes.new_tensor(STRIDES)[level]
    cell = (centers[things] / strides[:, None]).long()
    cell = torch.minimum(cell, extent[level] - 1).clamp(min=0)
    row = firsts[level] + (cell[:, 1] * extent[level, 0] + cell[:, 0]) * count + chosen % count
    order = rank[things, chosen].argsort(descending=True, stable=True)
    if min_overlap is None:
        order = order.sort().values  # objects come by falling size
    return things[order].tolist(), row[order].tolist()


def _sizes(maps: Sequence[Tensor], count: int) -> list[int]:
    return [x.shape[2] * x.shape[3] * count for x in maps]


def shape_overlap(a: Tensor, b: Tensor) -> Tensor:
    """(N, M) IoU of boxes of sizes (N, 2) and (M, 2) that share a corner."""
    common = torch.minimum(a[:, None], b[None]).prod(-1)
    return common / (a.prod(-1)[:, None] + b.prod(-1)[None] - common).clamp(min=1e-9)
