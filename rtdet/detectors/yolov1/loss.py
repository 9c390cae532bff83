"""The assignment of objects to cells, and equation 3: one sum of squared errors."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rtdet.detectors.family.truth import Truth


class Grid(NamedTuple):
    """What each of a picture's S x S cells offers. xyxy (S * S, B, 4): its boxes in input pixels. center
    (S * S, B, 2): their centres, as shares of the cell. root (S * S, B, 2): the square roots of their width and
    height, as shares of the picture. sure (S * S, B): confidences. classes (S * S, C): class probabilities."""

    xyxy: Tensor
    center: Tensor
    root: Tensor
    sure: Tensor
    classes: Tensor


def answerable(truth: Truth, shape: tuple[int, int], size: tuple[int, int]) -> dict[int, int]:
    """The cells that answer for an object, and for which: the one in which its centre lies. Where several meet, the
    largest: the boxes of a `truth` are in order of falling size. shape: rows and columns of the grid; size: width and
    height that it covers, in input pixels."""
    rows, columns = shape
    centers = (truth.boxes[:, :2] + truth.boxes[:, 2:]) / 2
    x = (centers[:, 0] / size[0] * columns).long().clamp(0, columns - 1)
    y = (centers[:, 1] / size[1] * rows).long().clamp(0, rows - 1)
    answering: dict[int, int] = {}
    for row, cell in enumerate((y * columns + x).tolist()):
        answering.setdefault(cell, row)
    return answering


def responsible(offered: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Of the boxes (K, B, 4) of K cells the one that overlaps its object (K, 4) most, as an index (K,), and its
    IoU (K,). Where none overlaps at all: the one whose corners are nearest."""
    wanted = wanted[:, None]
    shared = (
        torch.minimum(offered[..., 2:], wanted[..., 2:]) - torch.maximum(offered[..., :2], wanted[..., :2])
    ).clamp(min=0)
    common = shared.prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1) for box in (offered, wanted)]
    overlap = common / (areas[0] + areas[1] - common).clamp(min=1e-9)
    nearness = -(offered - wanted).square().sum(-1)
    nearest = torch.where(overlap.amax(1, keepdim=True) > 0, overlap, nearness).argmax(1)
    return nearest, overlap.gather(1, nearest[:, None])[:, 0]


class Errors(NamedTuple):
    """Sums of squared errors of one picture: of the boxes, of confidences where there is an object, where there is
    none, and of class probabilities."""

    box: Tensor
    object: Tensor
    no_object: Tensor
    classes: Tensor


def squared_errors(
    grid: Grid, truth: Truth, spared: Tensor, shape: tuple[int, int], size: tuple[int, int]
) -> tuple[Errors, int]:
    """Equation 3 without its weights, and how many objects were answered for. spared (S * S,): the cells whose
    confidence is not punished."""
    answering = answerable(truth, shape, size)
    device = grid.sure.device
    cells = torch.tensor(list(answering), dtype=torch.long, device=device)
    rows = torch.tensor(list(answering.values()), dtype=torch.long, device=device)
    boxes, certainty = truth.boxes[rows], truth.scores[rows]
    best, overlap = responsible(grid.xyxy[cells].detach(), boxes)
    whole = boxes.new_tensor(size)
    scale = boxes.new_tensor([shape[1], shape[0]])
    center = (boxes[:, :2] + boxes[:, 2:]) / 2 / whole * scale
    center = center - torch.stack([cells % shape[1], cells // shape[1]], 1)
    root = ((boxes[:, 2:] - boxes[:, :2]) / whole).clamp(min=0).sqrt()
    off = (grid.center[cells, best] - center).square() + (grid.root[cells, best] - root).square()
    target = torch.zeros_like(grid.classes[cells])
    target[torch.arange(len(rows), device=device), truth.labels[rows]] = 1
    nothing = (~spared).to(grid.sure.dtype)[:, None].repeat(1, grid.sure.shape[1])
    nothing[cells, best] = 0
    errors = Errors(
        (off.sum(1) * certainty).sum(),
        ((grid.sure[cells, best] - overlap).square() * certainty).sum(),
        (grid.sure.square() * nothing).sum(),
        ((grid.classes[cells] - target).square().sum(1) * certainty).sum(),
    )
    return errors, len(rows)
