"""SimOTA: which cells answer for which objects, by cost (section 2.1, "SimOTA")."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rtdet.detectors.ssd.matcher import pairwise_iou

# A cell that is not both inside of an object and near its middle answers for it only if there is no other.
_OUTSIDE = 1e5


class Cells(NamedTuple):
    """Every cell of every map, P of them: corner (P, 2), column and row, and stride (P, 1)."""

    corner: Tensor
    stride: Tensor

    @property
    def center(self) -> Tensor:
        """(P, 2) in input pixels."""
        return (self.corner + 0.5) * self.stride


class Assigned(NamedTuple):
    """Of each of the K cells that answer: its row, its object, and the overlap of its box with that."""

    row: Tensor
    object: Tensor
    overlap: Tensor


@torch.no_grad()
def assign(
    cells: Cells,
    boxes: Tensor,
    scores: Tensor,
    wanted: Tensor,
    labels: Tensor,
    *,
    radius: float = 2.5,
    candidates: int = 10,
    overlap_cost: float = 3.0,
) -> Assigned:
    """boxes (P, 4) and scores (P, C) as predicted now, the objects' boxes wanted (G, 4) and labels (G,), to the cells
    that answer.

    1. Only cells inside of an object, or within `radius` strides of its middle, come into question.
    2. A pair costs the cross entropy of its scores plus `overlap_cost` times -log IoU.
    3. An object gets as many cells as the `candidates` best overlaps add up to, at least one: the cheapest.
    4. A cell that several objects want goes to the one for which it costs least.
    """
    nothing = torch.zeros(0, dtype=torch.long, device=boxes.device)
    if not len(wanted):
        return Assigned(nothing, nothing, boxes.new_zeros(0))
    inside, near = _inside(cells.center, wanted), _near(cells, wanted, radius)
    rows = (inside | near).any(1).nonzero()[:, 0]
    if not len(rows):
        return Assigned(nothing, nothing, boxes.new_zeros(0))
    overlap = pairwise_iou(wanted, boxes[rows])
    cost = _class_cost(scores[rows], labels) - overlap_cost * (overlap + 1e-8).log()
    cost = cost + _OUTSIDE * ~(inside & near)[rows].T
    chosen = _cheapest(cost, _how_many(overlap, candidates))
    contested = chosen.sum(0) > 1
    best = cost.argmin(0)
    chosen[:, contested] = False
    chosen[best[contested], contested] = True
    taken = chosen.any(0).nonzero()[:, 0]
    owner = chosen[:, taken].float().argmax(0)
    return Assigned(rows[taken], owner, overlap[owner, taken])


def _inside(centers: Tensor, boxes: Tensor) -> Tensor:
    """(P, G)."""
    at = centers[:, None]
    return ((at > boxes[:, :2]) & (at < boxes[:, 2:])).all(-1)


def _near(cells: Cells, boxes: Tensor, radius: float) -> Tensor:
    """(P, G): is the cell's centre within a square of `radius` strides about the object's middle?"""
    off = (cells.center[:, None] - (boxes[:, :2] + boxes[:, 2:]) / 2).abs()
    return (off < radius * cells.stride[:, None]).all(-1)


def _class_cost(scores: Tensor, labels: Tensor) -> Tensor:
    """(G, K): the cross entropy over all classes of the scores' square roots. scores (K, C) are the product of two
    probabilities, whose geometric mean is that root."""
    chance = scores.sqrt().clamp(1e-6, 1 - 1e-6)
    # Of all classes as if none were there, and for the object's own the difference.
    absent = -(1 - chance).log()
    own = chance.T[labels]
    return absent.sum(1)[None] + (1 - own).log() - own.log()


def _how_many(overlap: Tensor, candidates: int) -> Tensor:
    """(G,): dynamic k."""
    best = overlap.topk(min(candidates, overlap.shape[1]), dim=1).values
    return best.sum(1).int().clamp(min=1)


def _cheapest(cost: Tensor, counts: Tensor) -> Tensor:
    """(G, K) bool: the `counts` cheapest of each row."""
    rank = cost.argsort(1).argsort(1)
    return rank < counts[:, None]
