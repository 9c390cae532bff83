"""Thresholds and NMS on the device, as `selection.select` does both in NumPy: tensor operations of fixed sizes,
without a look by the host, so that they are part of what is recorded. Only the rows that matter come back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from rtdet.backends.network import Tensor as Array
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import BoolArray, Thresholds

# Rounds of NMS: the chains of boxes that would suppress each other are far shorter.
_ROUNDS = 16

# Of a row of `Selection`: nothing, suppressed by a better one, kept.
NOTHING, SUPPRESSED, KEPT = 0.0, 1.0, 2.0

# The numbers of `asked` before those of the classes.
_NUMBERS = 8


def asked(thresholds: Thresholds, iou: float, back: Letterbox, wanted: BoolArray) -> Array:
    """(1, 8 + C) what `Selection` is asked for: the least score, the most overlap, the map to the picture, its size,
    and which classes are wanted."""
    numbers = (thresholds.least_score, iou, *back.scale, *back.offset, *back.image_size)
    return np.concatenate([numbers, wanted])[None].astype(np.float32)


class Candidates(NamedTuple):
    """The best of what each picture shows, by falling score. boxes (B, K, 4) in pixels of the input; scores and
    labels (B, K); found (B,): how many there would have been."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor
    found: Tensor


def best_rows(boxes: Tensor, scores: Tensor, least: Tensor, wanted: Tensor, count: int) -> Candidates:
    """Of rows that speak for their best wanted class each. boxes (B, N, 4), scores (B, N, C), least (B, 1), wanted
    (B, C)."""
    strength, labels = torch.where(wanted[:, None], scores, -1.0).max(-1)
    strength, rows, found = _best(strength, least, count)
    return Candidates(_rows_at(boxes, rows), strength, labels.gather(1, rows), found)


def best_pairs(boxes: Tensor, scores: Tensor, least: Tensor, wanted: Tensor, count: int) -> Candidates:
    """Of rows that speak for each wanted class."""
    classes = scores.shape[-1]
    strength, places, found = _best(torch.where(wanted[:, None], scores, -1.0).flatten(1), least, count)
    rows = torch.div(places, classes, rounding_mode="floor")
    return Candidates(_rows_at(boxes, rows), strength, places - rows * classes, found)


def _best(strength: Tensor, least: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The `count` highest of (B, N) and where they are, and how many reach `least`; the others are -1. Equal ones are
    in the order in which they are: topk promises none."""
    reached = strength >= least
    strength = torch.where(reached, strength, -1.0)
    count = min(count, strength.shape[1])
    places = strength.topk(count, dim=1).indices.sort(dim=1).values
    ranked, order = strength.gather(1, places).sort(dim=1, descending=True, stable=True)
    return ranked, places.gather(1, order), reached.sum(1)


def _rows_at(values: Tensor, rows: Tensor) -> Tensor:
    return values.gather(1, rows[..., None].expand(-1, -1, values.shape[-1]))


class Selection(nn.Module):
    """From candidates to rows (B, K, 7): box xyxy in pixels of the picture, score, label, and NOTHING, SUPPRESSED or
    KEPT; and (B, 2): how many candidates there were, and whether NMS is finished (else it is up to the host)."""

    def __init__(self, suppression: str = "nms") -> None:
        """suppression: "nms", "diou" or "none", see `FamilyConfig`."""
        super().__init__()
        self._suppression = suppression

    def forward(self, candidates: Candidates, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """numbers: the first eight of `asked` (B, 8)."""
        iou, scale, offset, size = numbers[:, None, 1:2], numbers[:, 2:4], numbers[:, 4:6], numbers[:, 6:8]
        boxes = (candidates.boxes - offset.repeat(1, 2)[:, None]) / scale.repeat(1, 2)[:, None]
        boxes = boxes.clamp(min=0).minimum(size.repeat(1, 2)[:, None])
        is_sound = boxes.isfinite().all(-1) & (boxes[..., 2:] > boxes[..., :2]).all(-1)
        is_sound &= candidates.scores >= 0
        is_settled = torch.ones_like(candidates.found, dtype=torch.bool)
        kept = is_sound
        if self._suppression != "none":
            is_same = candidates.labels[:, :, None] == candidates.labels[:, None]
            over = (overlaps(boxes, self._suppression == "diou") > iou) & is_same
            kept, is_settled = survivors(over, is_sound)
        state = is_sound.float() + kept.float()
        rows = [boxes, candidates.scores[..., None], candidates.labels[..., None].float(), state[..., None]]
        return torch.cat(rows, -1), torch.stack([candidates.found.float(), is_settled.float()], -1)


def survivors(over: Tensor, is_sound: Tensor) -> tuple[Tensor, Tensor]:
    """(B, K): which rows, by falling score, greedy NMS keeps of those that are sound, and (B,): whether that is the
    end of it. over (B, K, K): which overlap too much.

    A row is kept if no kept one before it overlaps it. That is an equation for the mask, and putting a mask in gives
    a better one: after n rounds all chains of n links are right, and a mask that does not change any more is NMS's
    (Cluster-NMS, arXiv 2005.03572).
    """
    suppresses = over.triu(1).to(torch.float32).transpose(1, 2)
    sound = is_sound.to(torch.float32)
    kept = sound
    before = kept
    for _ in range(_ROUNDS):
        before = kept
        kept = sound * (torch.bmm(suppresses, kept[..., None])[..., 0] < 0.5)
    return kept > 0.5, (kept == before).all(1)


def overlaps(boxes: Tensor, by_distance: bool) -> Tensor:
    """(B, K, K) intersection over union of boxes (B, K, 4) xyxy, as `geometry.boxes.iou`; by_distance: `diou`."""
    x1, y1, x2, y2 = boxes.unbind(-1)
    shared = _shared(x1, x2) * _shared(y1, y2)
    area = (x2 - x1).clamp(min=0) * (y2 - y1).clamp(min=0)
    union = area[:, :, None] + area[:, None] - shared
    overlap = torch.where(union > 0, shared / union.clamp(min=1e-12), 0.0)
    if not by_distance:
        return overlap
    diagonal = _around(x1, x2) ** 2 + _around(y1, y2) ** 2
    apart = _apart(x1 + x2) ** 2 + _apart(y1 + y2) ** 2
    return overlap - torch.where(diagonal > 0, apart / diagonal.clamp(min=1e-12), 0.0)


def _shared(start: Tensor, end: Tensor) -> Tensor:
    return (
        torch.minimum(end[:, :, None], end[:, None]) - torch.maximum(start[:, :, None], start[:, None])
    ).clamp(min=0)


def _around(start: Tensor, end: Tensor) -> Tensor:
    return torch.maximum(end[:, :, None], end[:, None]) - torch.minimum(start[:, :, None], start[:, None])


def _apart(twice_center: Tensor) -> Tensor:
    return (twice_center[:, :, None] - twice_center[:, None]) / 2
