"""The losses: SSD's multibox loss with hard negative mining, and a quality-aware one for small networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from rtdet.detectors.family.truth import MAX_OBJECTS, Truth, at_most, ignored_at, incomplete_classes
from rtdet.detectors.ssd.coder import BoxCoder
from rtdet.detectors.ssd.matcher import Assignment, JaccardMatcher, TaskAlignedMatcher


def multibox_loss(
    offsets: Tensor,
    logits: Tensor,
    target_offsets: Tensor,
    target_labels: Tensor,
    *,
    alpha: float = 1.0,
    negatives_per_positive: float = 3.0,
    certainty: Tensor | None = None,
    spared: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """SSD, equations 1 to 3: `L = L_conf + alpha * L_loc`, both over the number of positives.

    offsets, target_offsets (B, P, 4); logits (B, P, C) with background as class 0; target_labels (B, P),
    0 for negatives. Cross entropy over positives and, in each picture, the hardest negatives, three for
    each positive; smooth L1 over positives. Beyond the paper: certainty (B, P) weighs the positives, and
    spared (B, P) negatives are never mined. Returns (L, L_conf, L_loc); without positives all are 0.
    """
    positive = target_labels > 0
    count = positive.sum()
    entropy = F.cross_entropy(logits.flatten(0, 1), target_labels.flatten(), reduction="none")
    entropy = entropy.view_as(target_labels)
    minable = ~positive if spared is None else ~(positive | spared)
    wanted = positive.sum(1, keepdim=True) * negatives_per_positive
    # Rank of each negative by falling loss within its picture.
    order = entropy.detach().masked_fill(~minable, -1).argsort(1, descending=True)
    places = torch.arange(order.shape[1], device=order.device).expand_as(order)
    hard = (torch.empty_like(order).scatter_(1, order, places) < wanted) & minable
    scale = count.clamp(min=1)
    weight = (positive | hard).to(entropy.dtype)
    distance = F.smooth_l1_loss(offsets[positive], target_offsets[positive], reduction="none").sum(1)
    if certainty is not None:
        weight = torch.where(positive, certainty, weight)
        distance = distance * certainty[positive]
    confidence = (entropy * weight).sum() / scale
    location = distance.sum() / scale
    return confidence + alpha * location, confidence, location


def giou(a: Tensor, b: Tensor) -> Tensor:
    """(N,) generalised IoU of paired boxes (N, 4) xyxy, in (-1, 1] (arXiv 1902.09630)."""
    left_top, right_bottom = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    intersection = (right_bottom - left_top).clamp(min=0).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - intersection
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    return intersection / union.clamp(min=1e-9) - (hull - union) / hull.clamp(min=1e-9)


class LossParts(NamedTuple):
    """total is the sum of score and box."""

    total: Tensor
    score: Tensor
    box: Tensor
    positives: int


@dataclass(frozen=True)
class MultiboxLoss:
    """SSD's own training objective: Jaccard matching, the box coder, and `multibox_loss`. For networks whose
    logits have background as class 0."""

    coder: BoxCoder = field(default_factory=BoxCoder)
    matcher: JaccardMatcher = field(default_factory=JaccardMatcher)
    alpha: float = 1.0
    negatives_per_positive: float = 3.0

    def __call__(self, offsets: Tensor, logits: Tensor, priors: Tensor, truths: Sequence[Truth]) -> LossParts:
        """offsets (B, P, 4), logits (B, P, 1 + C), priors (P, 4) cxcywh, one Truth for each picture."""
        offsets, logits = offsets.float(), logits.float()
        truths = [at_most(MAX_OBJECTS, truth) for truth in truths]
        corners = _corners(priors)
        targets = [self._targets(truth, priors, corners) for truth in truths]
        wanted, labels, certainty = (torch.stack(parts) for parts in zip(*targets, strict=True))
        total, confidence, location = multibox_loss(
            offsets,
            logits,
            wanted,
            labels,
            alpha=self.alpha,
            negatives_per_positive=self.negatives_per_positive,
            certainty=certainty,
            spared=ignored_at(priors[:, :2], truths) | _incomplete(logits.detach(), truths),
        )
        count = int((labels > 0).sum())
        return LossParts(total, confidence, self.alpha * location, count)

    @torch.no_grad()
    def _targets(self, truth: Truth, priors: Tensor, corners: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Offsets (P, 4), labels (P,), 0 for background, and certainty (P,) that one picture asks for."""
        matched, positive = self.matcher(corners, truth.boxes)
        wanted, labels = torch.zeros_like(priors), torch.zeros_like(matched)
        certainty = torch.ones_like(priors[:, 0])
        rows = positive.nonzero()[:, 0]
        chosen = matched[rows]
        wanted[rows] = self.coder.encode_tensor(_centered(truth.boxes[chosen]), priors[rows])
        labels[rows] = truth.labels[chosen] + 1
        certainty[rows] = truth.scores[chosen].to(certainty.dtype)
        return wanted, labels, certainty


def _corners(boxes: Tensor) -> Tensor:
    """cxcywh to xyxy."""
    half = boxes[..., 2:] / 2
    return torch.cat([boxes[..., :2] - half, boxes[..., :2] + half], -1)


def _centered(boxes: Tensor) -> Tensor:
    """xyxy to cxcywh; a side of less than a hundredth of a pixel counts as that, for its logarithm's sake."""
    size = boxes[..., 2:] - boxes[..., :2]
    return torch.cat([boxes[..., :2] + size / 2, size.clamp(min=0.01)], -1)


def _incomplete(logits: Tensor, truths: Sequence[Truth]) -> Tensor:
    """(B, P): is the strongest object class one whose objects may be there unlabelled? Such a prior may well
    be right. logits (B, P, 1 + C)."""
    if not any(len(truth.incomplete) for truth in truths):
        return torch.zeros_like(logits[..., 0], dtype=torch.bool)
    strongest = logits[..., 1:].argmax(-1)
    return incomplete_classes(truths, logits.shape[-1] - 1, logits.device).gather(1, strongest)


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
        truths = [at_most(MAX_OBJECTS, truth) for truth in truths]
        boxes = self.coder.decode_tensor(offsets, priors)
        padded, labels, certainty, real = _pad(truths, logits)
        found = self.matcher(logits.sigmoid(), boxes.detach(), priors[:, :2], padded, labels, real)
        # A teacher that was half sure asks for half of the score, and pulls half as hard.
        found = found._replace(quality=found.quality * certainty.gather(1, found.matched))
        target = torch.zeros_like(logits)
        target.scatter_(2, labels.gather(1, found.matched)[..., None], found.quality[..., None])
        weight = self._attention(logits.detach(), target)
        weight = weight * ~self._spared(priors, truths, logits.shape[-1], found.positive)
        scale = found.quality.sum().clamp(min=1)
        entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        score = (entropy * weight).sum() / scale
        box = self._box_loss(boxes, padded, found) / scale * self.box_weight
        return LossParts(score + box, score, box, int(found.positive.sum()))

    @staticmethod
    def _spared(priors: Tensor, truths: Sequence[Truth], classes: int, positive: Tensor) -> Tensor:
        """(B, P, C): the negatives that are not punished, for lying in an ignored region or for a class whose
        objects may be there unlabelled."""
        incomplete = incomplete_classes(truths, classes, priors.device)
        return (ignored_at(priors[:, :2], truths)[..., None] | incomplete[:, None]) & ~positive[..., None]

    @staticmethod
    def _attention(logits: Tensor, target: Tensor) -> Tensor:
        """Varifocal weights (arXiv 2008.13367): positives by their quality, negatives by how wrong they
        are, so that thousands of easy negatives do not drown the rest."""
        easy = 0.75 * logits.sigmoid().square()
        return torch.where(target > 0, target, easy)

    @staticmethod
    def _box_loss(boxes: Tensor, truths: Tensor, found: Assignment) -> Tensor:
        picture, prior = found.positive.nonzero(as_tuple=True)
        wanted = truths[picture, found.matched[picture, prior]]
        return ((1 - giou(boxes[picture, prior], wanted)) * found.quality[picture, prior]).sum()


def _pad(truths: Sequence[Truth], like: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Boxes (B, G, 4), labels, scores and whether they are real (B, G), with G the largest count, at least 1."""
    most = max(1, *(len(truth.boxes) for truth in truths)) if truths else 1
    boxes = like.new_zeros(len(truths), most, 4)
    labels = torch.zeros(len(truths), most, dtype=torch.long, device=like.device)
    scores = like.new_zeros(len(truths), most)
    real = torch.zeros(len(truths), most, dtype=torch.bool, device=like.device)
    for i, truth in enumerate(truths):
        count = len(truth.boxes)
        boxes[i, :count], labels[i, :count], real[i, :count] = truth.boxes, truth.labels, True
        scores[i, :count] = truth.scores
    return boxes, labels, scores, real
