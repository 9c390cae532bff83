"""The losses: SSD's multibox loss with hard negative mining, and a quality-aware one for small networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.detectors.ssd.matcher import Assignment, TaskAlignedMatcher


def multibox_loss(
    offsets: Tensor,
    logits: Tensor,
    target_offsets: Tensor,
    target_labels: Tensor,
    *,
    alpha: float = 1.0,
    negatives_per_positive: float = 3.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """SSD, equations 1 to 3: `L = L_conf + alpha * L_loc`, both over the number of positives.

    offsets, target_offsets (B, P, 4); logits (B, P, C) with background as class 0; target_labels (B, P),
    0 for negatives. Cross entropy over positives and, in each picture, the hardest negatives, three for
    each positive; smooth L1 over positives. Returns (L, L_conf, L_loc); without positives all are 0.
    """
    positive = target_labels > 0
    count = positive.sum()
    entropy = F.cross_entropy(logits.flatten(0, 1), target_labels.flatten(), reduction="none")
    entropy = entropy.view_as(target_labels)
    wanted = positive.sum(1, keepdim=True) * negatives_per_positive
    # Rank of each negative by falling loss within its picture: argsort of argsort.
    hardness = entropy.detach().masked_fill(positive, -1)
    rank = hardness.argsort(1, descending=True).argsort(1)
    hard = (rank < wanted) & ~positive
    scale = count.clamp(min=1)
    confidence = (entropy * (positive | hard)).sum() / scale
    location = F.smooth_l1_loss(offsets[positive], target_offsets[positive], reduction="sum") / scale
    return confidence + alpha * location, confidence, location


def giou(a: Tensor, b: Tensor) -> Tensor:
    """(N,) generalised IoU of paired boxes (N, 4) xyxy, in (-1, 1] (arXiv 1902.09630)."""
    left_top, right_bottom = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    intersection = (right_bottom - left_top).clamp(min=0).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - intersection
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    return intersection / union.clamp(min=1e-9) - (hull - union) / hull.clamp(min=1e-9)


class Truth(NamedTuple):
    """What is in one picture: boxes (G, 4) xyxy input pixels, labels (G,), ignored regions (I, 4) xyxy in
    which nothing is rewarded and nothing punished."""

    boxes: Tensor
    labels: Tensor
    ignored: Tensor


class LossParts(NamedTuple):
    total: Tensor
    score: Tensor
    box: Tensor
    positives: int


@dataclass(frozen=True)
class QualityLoss:
    """Scores learn how well their box fits (binary cross entropy towards the matcher's quality), boxes
    learn GIoU weighted by that quality: the training objective of TOOD on SSD's priors and coder."""

    coder: BoxCoder = field(default_factory=BoxCoder)
    matcher: TaskAlignedMatcher = field(default_factory=TaskAlignedMatcher)
    box_weight: float = 2.5

    def __call__(self, offsets: Tensor, logits: Tensor, priors: Tensor, truths: Sequence[Truth]) -> LossParts:
        """offsets (B, P, 4), logits (B, P, C), priors (P, 4) cxcywh, one Truth for each picture."""
        offsets, logits = offsets.float(), logits.float()
        boxes = self.coder.decode_tensor(offsets, priors)
        padded, labels, real = _pad(truths, logits)
        found = self.matcher(logits.sigmoid(), boxes.detach(), priors[:, :2], padded, labels, real)
        target = torch.zeros_like(logits)
        target.scatter_(2, labels.gather(1, found.matched)[..., None], found.quality[..., None])
        weight = self._attention(logits.detach(), target)
        weight = weight * ~(self._ignored(priors, truths) & ~found.positive)[..., None]
        scale = found.quality.sum().clamp(min=1)
        entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        score = (entropy * weight).sum() / scale
        box = self._box_loss(boxes, padded, found) / scale * self.box_weight
        return LossParts(score + box, score.detach(), box.detach(), int(found.positive.sum()))

    @staticmethod
    def _attention(logits: Tensor, target: Tensor) -> Tensor:
        """Varifocal weights (arXiv 2008.13367): positives by their quality, negatives by how wrong they
        are, so that thousands of easy negatives do not drown the rest."""
        easy = 0.75 * logits.sigmoid().square()
        return torch.where(target > 0, target, easy)

    @staticmethod
    def _ignored(priors: Tensor, truths: Sequence[Truth]) -> Tensor:
        """(B, P): does the prior's centre lie in an ignored region of its picture?"""
        centres = priors[:, None, :2]
        rows = []
        for truth in truths:
            within = (centres > truth.ignored[:, :2]) & (centres < truth.ignored[:, 2:])
            rows.append(within.all(-1).any(-1))
        return torch.stack(rows)

    @staticmethod
    def _box_loss(boxes: Tensor, truths: Tensor, found: Assignment) -> Tensor:
        picture, prior = found.positive.nonzero(as_tuple=True)
        wanted = truths[picture, found.matched[picture, prior]]
        return ((1 - giou(boxes[picture, prior], wanted)) * found.quality[picture, prior]).sum()


def _pad(truths: Sequence[Truth], like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Truths as (B, G, 4), (B, G), (B, G) with G the largest count, at least 1."""
    most = max(1, *(len(truth.boxes) for truth in truths)) if truths else 1
    boxes = like.new_zeros(len(truths), most, 4)
    labels = torch.zeros(len(truths), most, dtype=torch.long, device=like.device)
    real = torch.zeros(len(truths), most, dtype=torch.bool, device=like.device)
    for i, truth in enumerate(truths):
        count = len(truth.boxes)
        boxes[i, :count], labels[i, :count], real[i, :count] = truth.boxes, truth.labels, True
    return boxes, labels, real
