"""The losses of boxes, objectness and classes (section 2.1 and 2.2, as in Darknet)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from rtdet.detectors.family.truth import Truth
from rtdet.detectors.ssd.matcher import pairwise_iou
from rtdet.detectors.yolov3.anchors import Assignment, Places


def box_loss(raw: Tensor, places: Places, found: Assignment, size: tuple[int, int]) -> Tensor:
    """The sum over all pairs of the cross entropy of the centre's place in its cell and half the squared error of the
    size's logarithm; small objects count up to twice as much. raw (K, 4): what the pairs' anchors say. size:
    width and height of the input."""
    corner, stride, shape = (part[found.row] for part in places)
    center = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    extent = (found.boxes[:, 2:] - found.boxes[:, :2]).clamp(min=0.01)
    place = (center / stride - corner).clamp(0, 1)
    where = F.binary_cross_entropy_with_logits(raw[:, :2], place, reduction="none").sum(1)
    how_large = (raw[:, 2:] - (extent / shape).log()).square().sum(1) / 2
    weight = (2 - extent.prod(1) / (size[0] * size[1])) * found.certainty
    return ((where + how_large) * weight).sum()


def object_loss(
    logits: Tensor,
    boxes: Tensor,
    truths: Sequence[Truth],
    found: Assignment,
    spared: Tensor,
    ignore_overlap: float,
) -> Tensor:
    """The sum of the cross entropy of "there is an object" (B, P): over the anchors that answer for one, and over
    those whose boxes (B, P, 4) overlap none by more than `ignore_overlap`, but for the spared (B, P)."""
    target, weight = torch.zeros_like(logits), 1 - spared.float()
    for i, truth in enumerate(truths):
        if len(truth.boxes):
            weight[i] *= pairwise_iou(boxes[i], truth.boxes).amax(1) <= ignore_overlap
    target[found.picture, found.row] = 1
    weight[found.picture, found.row] = found.certainty
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (entropy * weight).sum()


def class_loss(logits: Tensor, found: Assignment, smoothing: float = 0.0) -> Tensor:
    """The sum over all pairs of the cross entropy of each class by itself; logits (K, C). smoothing: the targets are
    so far from 0 and 1 (label smoothing, used by YOLOv4)."""
    target = torch.full_like(logits, smoothing)
    target[torch.arange(len(target), device=target.device), found.labels] = 1 - smoothing
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(1)
    return (entropy * found.certainty).sum()
