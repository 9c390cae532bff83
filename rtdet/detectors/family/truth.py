"""What a training tells a network about its pictures, and what the network answers: named losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

# Tables of places times objects must fit into memory, whatever a data set holds.
MAX_OBJECTS = 500


class _TruthFields(NamedTuple):
    boxes: Tensor
    labels: Tensor
    ignored: Tensor
    scores: Tensor
    incomplete: Tensor


class Truth(_TruthFields):
    """What is in one picture: boxes (G, 4) xyxy input pixels, labels (G,) without background, ignored
    regions (I, 4) xyxy in which nothing is rewarded and nothing punished, scores (G,), how sure a teacher was
    (default: all 1), and incomplete (C,) bool, the classes whose objects may be there and unlabelled
    (default: empty, none of them)."""

    __slots__ = ()

    def __new__(
        cls,
        boxes: Tensor,
        labels: Tensor,
        ignored: Tensor,
        scores: Tensor | None = None,
        incomplete: Tensor | None = None,
    ) -> Truth:
        if scores is None:
            scores = boxes.new_ones(len(boxes))
        if incomplete is None:
            incomplete = torch.zeros(0, dtype=torch.bool, device=boxes.device)
        return super().__new__(cls, boxes, labels, ignored, scores, incomplete)


def at_most(count: int, truth: Truth) -> Truth:
    """The `count` largest objects of a picture; the others become ignored regions."""
    if len(truth.boxes) <= count:
        return truth
    order = (truth.boxes[:, 2:] - truth.boxes[:, :2]).prod(1).argsort(descending=True)
    kept, rest = order[:count], order[count:]
    return truth._replace(
        boxes=truth.boxes[kept],
        labels=truth.labels[kept],
        scores=truth.scores[kept],
        ignored=torch.cat([truth.ignored, truth.boxes[rest]]),
    )


def ignored_at(points: Tensor, truths: Sequence[Truth]) -> Tensor:
    """(B, P): does the point (P, 2), x and y in input pixels, lie in an ignored region of its picture?"""
    rows = []
    for truth in truths:
        at = points[:, None]
        rows.append(((at > truth.ignored[:, :2]) & (at < truth.ignored[:, 2:])).all(-1).any(-1))
    return torch.stack(rows)


def incomplete_classes(truths: Sequence[Truth], classes: int, device: torch.device) -> Tensor:
    """(B, C) bool: the classes whose objects may be in a picture unlabelled."""
    none = torch.zeros(classes, dtype=torch.bool, device=device)
    return torch.stack([truth.incomplete if len(truth.incomplete) else none for truth in truths])


def spared(points: Tensor, truths: Sequence[Truth], classes: int) -> Tensor:
    """(B, P, C) bool: which scores at the points (P, 2) must not be punished for being high, as they lie in an
    ignored region or are of a class that may be there unlabelled."""
    incomplete = incomplete_classes(truths, classes, points.device)
    return ignored_at(points, truths)[..., None] | incomplete[:, None]


def spared_objects(points: Tensor, class_scores: Tensor, truths: Sequence[Truth]) -> Tensor:
    """(B, P) bool: where it must not be punished to believe in an object, for networks that say "there is one" apart
    from what it is: in an ignored region, and where the likeliest class, of class_scores (B, P, C), is one that may
    be there unlabelled."""
    ignored = ignored_at(points, truths)
    if not any(len(truth.incomplete) for truth in truths):
        return ignored
    incomplete = incomplete_classes(truths, class_scores.shape[-1], points.device)
    return ignored | incomplete.gather(1, class_scores.argmax(-1))


@dataclass(frozen=True)
class Losses:
    """The parts of a network's loss by name, of which a training minimises the sum. positives: how many places,
    over the whole batch, were made to answer for an object."""

    parts: Mapping[str, Tensor]
    positives: int = 0

    @property
    def total(self) -> Tensor:
        """The sum, differentiable."""
        first, *rest = self.parts.values()
        for part in rest:
            first = first + part
        return first
