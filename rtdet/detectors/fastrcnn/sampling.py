"""Which regions a second stage learns from: 64 of a picture, a quarter of them objects (section 2.3)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rtdet.detectors.family.truth import Truth
from rtdet.detectors.ssd.matcher import pairwise_iou


class Regions(NamedTuple):
    """What a picture's sampled regions are to say, R of them in all, without a gradient.

    boxes (R, 4) xyxy input pixels. labels (R,): 0 is background, class c is c + 1. wanted (R, 4): the object's box
    (of background: the region itself). weight (R,): how much it counts, 0 for a row that only fills up.
    """

    boxes: Tensor
    labels: Tensor
    wanted: Tensor
    weight: Tensor


def choose_at_random(candidates: Tensor, count: int) -> Tensor:
    """At most `count` of the rows that a mask (N,) allows."""
    rows = candidates.nonzero()[:, 0]
    if len(rows) <= count:
        return rows
    return rows[torch.randperm(len(rows), device="cpu")[:count].to(rows.device)]


def unknown(boxes: Tensor, truth: Truth) -> Tensor:
    """(N,): which boxes (N, 4) have their centre in a region of which nothing is known."""
    center = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None]
    inside = (center > truth.ignored[:, :2]) & (center < truth.ignored[:, 2:])
    return inside.all(-1).any(-1)


@torch.no_grad()
def sample_regions(
    proposals: Tensor,
    truth: Truth,
    *,
    count: int,
    foreground: float,
    overlap: float,
    least_overlap: float,
) -> Regions:
    """Of proposals (N, 4) xyxy, to which the objects themselves are added, `count` at random: up to the share
    `foreground` of those that overlap an object by at least `overlap`, and of the others those whose best overlap is
    at least `least_overlap`."""
    boxes = torch.cat([proposals, truth.boxes])
    best = boxes.new_zeros(len(boxes))
    matched = torch.zeros(len(boxes), dtype=torch.long, device=boxes.device)
    if len(truth.boxes):
        best, matched = pairwise_iou(boxes, truth.boxes).max(1)
    is_real = (boxes[:, 2:] > boxes[:, :2]).all(1)
    positive = is_real & (best >= overlap)
    negative = is_real & (best < overlap) & (best >= least_overlap) & ~unknown(boxes, truth)
    objects = choose_at_random(positive, round(count * foreground))
    others = choose_at_random(negative, count - len(objects))
    fill = count - len(objects) - len(others)
    rows = torch.cat([objects, others, objects.new_zeros(fill)])
    labels = torch.zeros(count, dtype=torch.long, device=boxes.device)
    weight = boxes.new_ones(count)
    wanted = boxes[rows].clone()
    found = matched[objects]
    labels[: len(objects)] = truth.labels[found] + 1 if len(found) else labels[:0]
    if len(found):
        wanted[: len(objects)] = truth.boxes[found]
        weight[: len(objects)] = truth.scores[found]
    weight[count - fill :] = 0
    return Regions(boxes[rows], labels, wanted, weight)
