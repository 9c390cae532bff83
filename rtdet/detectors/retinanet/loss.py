"""The focal loss (section 3), and the losses of all anchors of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from rtdet.detectors.family.grids import from_center
from rtdet.detectors.family.truth import MAX_OBJECTS, Truth, at_most, spared
from rtdet.detectors.retinanet.anchors import encode, match


def focal_loss(logits: Tensor, target: Tensor, alpha: float, gamma: float) -> Tensor:
    """For each logit -alpha_t (1 - p_t)^gamma log p_t (equations 4 and 5), of the logits' shape.

    p_t is the probability given to what is true: p where the target is 1, 1 - p where it is 0; alpha_t likewise alpha
    or 1 - alpha. With gamma 2, what is classified with p_t = .9 counts a hundredth of what it does in a cross
    entropy.
    """
    chance = logits.sigmoid()
    of_truth = chance * target + (1 - chance) * (1 - target)
    weight = alpha * target + (1 - alpha) * (1 - target)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return weight * (1 - of_truth).pow(gamma) * entropy


class Sums(NamedTuple):
    """Over a batch: the focal losses, the boxes' losses, and how many anchors answer for an object."""

    score: Tensor
    box: Tensor
    positives: int


def anchor_losses(
    logits: Tensor,
    offsets: Tensor,
    anchors: Tensor,
    truths: Sequence[Truth],
    *,
    min_overlap: float,
    max_background: float,
    alpha: float,
    gamma: float,
    smoothness: float,
) -> Sums:
    """logits (B, P, C), offsets (B, P, 4), anchors (P, 4) cxcywh, one Truth for each picture; the settings are
    those of RetinaNetConfig."""
    classes = logits.shape[-1]
    truths = [at_most(MAX_OBJECTS, truth) for truth in truths]
    corners = from_center(anchors[:, :2], anchors[:, 2:])
    weight = 1 - spared(anchors[:, :2], truths, classes).float()
    target = torch.zeros_like(logits)
    count, box = 0, offsets.new_zeros(())
    for i, truth in enumerate(truths):
        found = match(corners, truth.boxes, min_overlap, max_background)
        rows = found.positive.nonzero()[:, 0]
        chosen = found.matched[rows]
        target[i, rows] = one_hot(truth.labels[chosen], classes)
        weight[i, found.between] = 0
        weight[i, rows] = truth.scores[chosen][:, None]
        wanted = encode(truth.boxes[chosen], anchors[rows])
        box = box + (smooth_l1(offsets[i, rows], wanted, smoothness) * truth.scores[chosen]).sum()
        count += len(rows)
    return Sums((focal_loss(logits, target, alpha, gamma) * weight).sum(), box, count)


def smooth_l1(found: Tensor, wanted: Tensor, beta: float) -> Tensor:
    """(K,) sums over the four differences, each squared below `beta` and linear above."""
    if beta == 0:
        return (found - wanted).abs().sum(1)
    return F.smooth_l1_loss(found, wanted, beta=beta, reduction="none").sum(1)


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """(K,) to (K, C) float."""
    return F.one_hot(labels, classes).to(torch.float32)
