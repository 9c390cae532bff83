"""Which prior answers for which object.

JaccardMatcher is SSD's own rule; TaskAlignedMatcher lets the network's own boxes and scores decide
(TOOD, Feng et al. 2021, arXiv 2108.07755), which trains small networks better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """(..., N, 4) and (..., M, 4) xyxy to (..., N, M) Jaccard indices."""
    left_top = torch.maximum(a[..., :, None, :2], b[..., None, :, :2])
    right_bottom = torch.minimum(a[..., :, None, 2:], b[..., None, :, 2:])
    intersection = (right_bottom - left_top).clamp(min=0).prod(-1)
    area_a = (a[..., 2:] - a[..., :2]).clamp(min=0).prod(-1)
    area_b = (b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1)
    return intersection / (area_a[..., :, None] + area_b[..., None, :] - intersection).clamp(min=1e-9)


@dataclass(frozen=True)
class JaccardMatcher:
    """SSD, section 2.2: every prior goes to the truth of best overlap, and is positive above `threshold`;
    every truth also gets its best prior, whatever the overlap."""

    threshold: float = 0.5

    def __call__(self, priors: Tensor, truths: Tensor) -> tuple[Tensor, Tensor]:
        """priors (P, 4) and truths (G, 4), both xyxy, to matched (P,) indices of truths (0 where there are
        none) and positive (P,) bool."""
        if len(truths) == 0:
            nothing = torch.zeros(len(priors), dtype=torch.long, device=priors.device)
            return nothing, nothing.bool()
        return self.from_overlaps(pairwise_iou(priors, truths))

    def from_overlaps(self, overlaps: Tensor) -> tuple[Tensor, Tensor]:
        """The same rule on a (P, G) table of Jaccard indices, G > 0."""
        best, matched = overlaps.max(1)
        positive = best > self.threshold
        priors, truths = _best_pairs(overlaps)
        matched[priors], positive[priors] = truths, True
        return matched, positive


def _best_pairs(overlaps: Tensor) -> tuple[Tensor, Tensor]:
    """SSD's bipartite step on a (P, G) table: pairs of prior and truth by falling overlap, each prior and each
    truth at most once; a truth that overlaps no prior gets none."""
    strength, first = overlaps.max(0)
    truths = (strength > 0).nonzero()[:, 0]
    priors = first[truths]
    if len(torch.unique(priors)) == len(priors):
        return priors, truths
    # Some truths want the same prior. None of the G can be driven further than to its G-th choice.
    strength, rows = overlaps.topk(min(overlaps.shape), dim=0)
    order = strength.flatten().argsort(descending=True, stable=True)
    order = order[strength.flatten()[order] > 0]
    taken: dict[int, int] = {}
    served: set[int] = set()
    columns = order % overlaps.shape[1]
    for prior, truth in zip(rows.flatten()[order].tolist(), columns.tolist(), strict=True):
        if prior not in taken and truth not in served:
            taken[prior] = truth
            served.add(truth)
    pairs = torch.tensor(list(taken.items()), device=overlaps.device)
    return pairs[:, 0], pairs[:, 1]


class Assignment(NamedTuple):
    """matched (B, P) truth index, positive (B, P) bool, quality (B, P) soft score target in [0, 1]."""

    matched: Tensor
    positive: Tensor
    quality: Tensor


@dataclass(frozen=True)
class TaskAlignedMatcher:
    """The `top` priors of each truth by `score^alpha * iou^beta`, among those whose centre lies within it."""

    top: int = 10
    alpha: float = 1.0
    beta: float = 6.0

    @torch.no_grad()
    def __call__(
        self, scores: Tensor, boxes: Tensor, centers: Tensor, truths: Tensor, labels: Tensor, real: Tensor
    ) -> Assignment:
        """scores (B, P, C) in [0, 1], boxes (B, P, 4) xyxy as predicted, prior centres (P, 2), truths
        (B, G, 4) xyxy padded to equal G, labels (B, G), real (B, G) bool: False for padding."""
        overlap = pairwise_iou(truths, boxes)  # (B, G, P)
        score = scores.transpose(1, 2).gather(1, labels[..., None].expand(-1, -1, scores.shape[1]))
        alignment = score.pow(self.alpha) * overlap.pow(self.beta)
        alignment = alignment * (self._inside(centers, truths) & real[..., None])
        top = alignment.topk(min(self.top, alignment.shape[-1]), dim=-1)
        chosen = torch.zeros_like(alignment, dtype=torch.bool).scatter_(-1, top.indices, top.values > 1e-9)
        # A prior that several truths want goes to the one it overlaps best.
        matched = overlap.masked_fill(~chosen, -1).argmax(1)  # (B, P)
        positive = chosen.any(1)
        chosen &= torch.zeros_like(chosen).scatter_(1, matched[:, None], positive[:, None])
        # Normalised so that each truth's best prior aims at the truth's best overlap (TOOD, section 3.3).
        best_alignment = (alignment * chosen).amax(-1, keepdim=True).clamp(min=1e-9)
        best_overlap = (overlap * chosen).amax(-1, keepdim=True)
        quality = (alignment * chosen / best_alignment * best_overlap).amax(1)
        return Assignment(matched, positive, quality)

    @staticmethod
    def _inside(centers: Tensor, truths: Tensor) -> Tensor:
        """(B, G, P): is the centre in the truth, or for tiny ones within half the finest stride of it?"""
        margin = (6 - (truths[..., 2:] - truths[..., :2]) / 2).clamp(min=0)
        low = (truths[..., :2] - margin)[:, :, None]
        high = (truths[..., 2:] + margin)[:, :, None]
        return ((centers > low) & (centers < high)).all(-1)
