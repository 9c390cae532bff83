"""What R-CNN learns by: which class a region shows, and the object's box as seen from it (appendix C)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rtdet.detectors.family.truth import Truth, incomplete_classes
from rtdet.detectors.fastrcnn.head import DEVIATIONS
from rtdet.detectors.fastrcnn.loss import class_losses, of_class
from rtdet.detectors.fastrcnn.sampling import Regions
from rtdet.detectors.rcnn.boxes import encode
from rtdet.detectors.ssd.matcher import pairwise_iou


def warped_losses(
    logits: Tensor, offsets: Tensor, sampled: Sequence[Regions], truths: Sequence[Truth], box_overlap: float
) -> tuple[Tensor, Tensor, int]:
    """The sums of the class and the box losses over the regions of a batch, each over the number of regions, and how
    many of these show an object. logits (R, 1 + C) with background first and offsets (R, 4, 1 + C) of all regions,
    picture by picture.

    The box learns by the square of what is missing (equation 5), where the region overlaps its object by at least
    `box_overlap`: from farther off it could only guess. The targets are scaled as in Fast R-CNN, which needs no
    solver of its own.
    """
    boxes, labels, wanted, weight = (torch.cat(parts) for parts in zip(*sampled, strict=True))
    incomplete = incomplete_classes(truths, logits.shape[1] - 1, logits.device)
    counts = torch.tensor([len(one.boxes) for one in sampled], device=logits.device)
    score = class_losses(logits, labels, incomplete.repeat_interleave(counts, 0)) * weight
    overlap = pairwise_iou(boxes.unsqueeze(1), wanted.unsqueeze(1)).flatten()
    is_near = (labels > 0) & (overlap >= box_overlap)
    missing = of_class(offsets, labels) - encode(wanted, boxes, DEVIATIONS)
    box = missing.square().sum(-1) / 2 * weight * is_near
    scale = max(1, int((weight > 0).sum()))
    return score.sum() / scale, box.sum() / scale, int((labels > 0).sum())
