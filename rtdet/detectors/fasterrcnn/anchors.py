"""The anchors of the region proposal network, and what each of them is to say (section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from rtdet.detectors.family.grids import cell_centers, from_center
from rtdet.detectors.family.truth import Truth
from rtdet.detectors.fastrcnn.sampling import choose_at_random, unknown
from rtdet.detectors.ssd.matcher import pairwise_iou


def shapes_of(sizes: Sequence[float], ratios: Sequence[float]) -> list[tuple[float, float]]:
    """Width and height of a place's anchors in input pixels, size by size: of area size^2, ratio is height over
    width."""
    return [(size / ratio**0.5, size * ratio**0.5) for size in sizes for ratio in ratios]


def anchors_of(feature_map: Tensor, stride: int, shapes: Sequence[tuple[float, float]]) -> Tensor:
    """(P, 4) xyxy in input pixels, row by row, cell by cell; those of a cell are neighbours."""
    centers = cell_centers(feature_map, stride).unsqueeze(1)
    return from_center(centers, centers.new_tensor(shapes)).reshape(-1, 4)


def matched(
    anchors: Tensor, boxes: Tensor, overlap: float, background: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Of anchors (P, 4) and objects (G, 4): the object that each overlaps most (P,), whether it is to find it (P,),
    and whether it shows none (P,); of those between, neither is asked.

    To find an object are (i) the anchors that overlap it most, whatever the overlap, and (ii) those that overlap one
    by `overlap`. None is shown where the best overlap is below `background`.
    """
    if not len(boxes):
        nothing = torch.zeros(len(anchors), dtype=torch.long, device=anchors.device)
        return nothing, nothing.bool(), ~nothing.bool()
    table = pairwise_iou(anchors, boxes)
    best, which = table.max(1)
    most = table.amax(0)
    # Ties find it together, as overlaps of anchors that lie alike are equal but for rounding.
    is_best = ((table >= most - 1e-6) & (most > 0)).any(1)
    positive = (best >= overlap) | is_best
    return which, positive, (best < background) & ~positive


class Asked(NamedTuple):
    """The anchors of a picture that the network learns from. positive, negative: rows of anchors, (F,) and (N,).
    wanted (F, 4): the objects' boxes. certainty (F,): of the objects. known: how much a negative counts, the share of
    classes whose objects are all labelled."""

    positive: Tensor
    negative: Tensor
    wanted: Tensor
    certainty: Tensor
    known: float


@torch.no_grad()
def ask(
    anchors: Tensor,
    truth: Truth,
    size: tuple[int, int],
    *,
    overlap: float,
    background: float,
    samples: int,
    foreground: float,
    inside_only: bool,
) -> Asked:
    """`samples` anchors at random, of which at most the share `foreground` is to find an object; where fewer can, the
    others show none. size: width and height of the input."""
    which, positive, negative = matched(anchors, truth.boxes, overlap, background)
    allowed = torch.ones_like(positive)
    if inside_only:
        allowed = ((anchors[:, :2] >= 0) & (anchors[:, 2:] <= anchors.new_tensor(size))).all(1)
    objects = choose_at_random(positive & allowed, round(samples * foreground))
    others = choose_at_random(negative & allowed & ~unknown(anchors, truth), samples - len(objects))
    found = which[objects]
    known = 1 - float(truth.incomplete.float().mean()) if len(truth.incomplete) else 1.0
    return Asked(objects, others, truth.boxes[found], truth.scores[found], known)
