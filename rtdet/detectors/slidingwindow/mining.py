"""Which windows of a picture are learnt from: some that show an object, and of all the others those that the network
is most wrong about (bootstrapping: Sung and Poggio 1998, Rowley, Baluja and Kanade 1998)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rtdet.detectors.family.truth import Truth
from rtdet.detectors.fastrcnn.sampling import choose_at_random, unknown
from rtdet.detectors.ssd.matcher import pairwise_iou

# Hard negatives are drawn among so many times as many: the very hardest are neighbours of each other.
_POOL = 4


class Chosen(NamedTuple):
    """K windows of a picture. rows (K,): which. labels (K,): 0 is background, class c is c + 1. wanted (K, 4): the
    object's box (of background: the window itself). weight (K,): how much each counts, 0 for
    one that only fills up."""

    rows: Tensor
    labels: Tensor
    wanted: Tensor
    weight: Tensor


@torch.no_grad()
def choose(
    windows: Tensor,
    alarm: Tensor | None,
    truth: Truth,
    *,
    count: int,
    foreground: float,
    mined: float,
    overlap: float,
    background: float,
) -> Chosen:
    """Of windows (N, 4) xyxy `count`, of which at most the share `foreground` shows an object: overlaps it by
    `overlap`, or, where no window does, is the one that overlaps it most. alarm (N,): how sure the network is that a
    window shows an object, whichever; None where it was not asked. Of the windows that overlap no object by
    `background`, the share `mined` is of those that it is surest of, and the rest at random."""
    best = windows.new_zeros(len(windows))
    matched = torch.zeros(len(windows), dtype=torch.long, device=windows.device)
    nearest = nobody = matched[:0]
    if len(truth.boxes):
        table = pairwise_iou(windows, truth.boxes)
        best, matched = table.max(1)
        most, nearest = table.max(0)
        nearest = nearest[(most < overlap) & (most > 0)]
    positive = best >= overlap
    positive[nearest] = True
    negative = (best < background) & ~positive & ~unknown(windows, truth)
    objects = choose_at_random(positive, round(count * foreground))
    wanted = count - len(objects)
    hard = nobody if alarm is None else _hardest(alarm, negative, round(wanted * mined))
    negative[hard] = False
    others = torch.cat([hard, choose_at_random(negative, wanted - len(hard))])
    fill = count - len(objects) - len(others)
    rows = torch.cat([objects, others, objects.new_zeros(fill)])
    labels, boxes, weight = torch.zeros_like(rows), windows[rows].clone(), windows.new_ones(len(rows))
    if len(objects):
        found = matched[objects]
        labels[: len(objects)] = truth.labels[found] + 1
        boxes[: len(objects)] = truth.boxes[found]
        weight[: len(objects)] = truth.scores[found]
    weight[count - fill :] = 0
    return Chosen(rows, labels, boxes, weight)


def _hardest(alarm: Tensor, negative: Tensor, count: int) -> Tensor:
    """`count` rows at random of the surest that are negative."""
    pool = min(_POOL * count, int(negative.sum()))
    among = alarm.masked_fill(~negative, -1.0).topk(pool).indices
    return among[torch.randperm(pool, device="cpu")[:count].to(among.device)]
