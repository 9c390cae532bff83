"""From what the first stage says to the regions that the second looks at. Tensor operations of fixed sizes only, so
that they are part of an exported graph."""

from __future__ import annotations

import torch
from torch import Tensor

from rtdet.detectors.rcnn.boxes import clip, decode
from rtdet.detectors.ssd.matcher import pairwise_iou

# In chains of boxes that would suppress each other, as many links are followed: far more than occur.
_ROUNDS = 16
_NOTHING = -1e9


def survivors(boxes: Tensor, overlap: float) -> Tensor:
    """(B, K) bool: which boxes (B, K, 4), by falling score, greedy NMS keeps.

    A box is kept if no kept one before it overlaps it by more than `overlap`. That is an equation for the mask, and
    putting a mask in gives a better one: after n rounds, the boxes at the end of a chain of n are right. So NMS is a
    few products of a matrix and a vector, without a loop over boxes.
    """
    count = boxes.shape[1]
    place = torch.arange(count, device=boxes.device)
    before = place.unsqueeze(0) < place.unsqueeze(1)
    suppresses = ((pairwise_iou(boxes, boxes) > overlap) & before).to(boxes.dtype)
    kept = torch.ones_like(boxes[..., :1])
    for _ in range(_ROUNDS):
        kept = (torch.matmul(suppresses, kept) < 0.5).to(boxes.dtype)
    return kept.squeeze(-1) > 0.5


def propose(
    objectness: Tensor,
    offsets: Tensor,
    anchors: Tensor,
    size: Tensor,
    *,
    candidates: int,
    count: int,
    overlap: float,
) -> tuple[Tensor, Tensor]:
    """The `count` best regions (B, count, 4) of each picture, and whether each is one (B, count) or only fills up.

    objectness (B, P) logits, offsets (B, P, 4), anchors (P, 4), size (2,): width and height of the input. The
    `candidates` best anchors are moved, cut at the picture's edges and thinned out.
    """
    # Filled up, for a small picture may have fewer anchors than that.
    filling = torch.zeros_like(objectness[:, :1]).repeat(1, candidates)
    strength, rows = torch.cat([objectness, filling + _NOTHING], 1).topk(candidates, dim=1)
    index = rows.unsqueeze(-1).expand(-1, -1, 4)
    nowhere = torch.zeros_like(offsets[:, :1]).repeat(1, candidates, 1)
    moved = torch.cat([offsets, nowhere], 1).gather(1, index)
    placed = torch.cat([anchors + nowhere[:, :1], nowhere], 1).gather(1, index)
    boxes = clip(decode(moved, placed), size)
    has_area = ((boxes[..., 2:] - boxes[..., :2]) >= 1).all(-1)
    is_one = survivors(boxes, overlap) & has_area & (strength > _NOTHING / 2)
    ranked, best = torch.where(is_one, strength, torch.full_like(strength, _NOTHING)).topk(count, dim=1)
    chosen = ranked > _NOTHING / 2
    regions = boxes.gather(1, best.unsqueeze(-1).expand(-1, -1, 4))
    # What fills up is nowhere: which of the rest it is would depend on how a machine sorts what is equal.
    return regions * chosen.unsqueeze(-1).to(regions.dtype), chosen
