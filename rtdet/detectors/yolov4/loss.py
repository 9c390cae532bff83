"""CIoU: how well two boxes fit, as a loss that also pulls boxes that do not touch."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def ciou(a: Tensor, b: Tensor) -> Tensor:
    """(K,) complete IoU of paired boxes (K, 4) xyxy (Zheng et al. 2020, arXiv 1911.08287, equations 10 to 12):

        IoU - d^2 / c^2 - alpha v

    d is the distance of the centres, c the diagonal of the smallest box around both, v how far the aspects differ,
    (2 / pi (atan w/h - atan w'/h'))^2, and alpha, v / (1 - IoU + v), makes v count once the boxes overlap.
    """
    size_a, size_b = (a[:, 2:] - a[:, :2]).clamp(min=1e-6), (b[:, 2:] - b[:, :2]).clamp(min=1e-6)
    common = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(1)
    iou = common / (size_a.prod(1) + size_b.prod(1) - common).clamp(min=1e-9)
    around = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    apart = (a[:, :2] + a[:, 2:] - b[:, :2] - b[:, 2:]) / 2
    distance = apart.square().sum(1) / around.square().sum(1).clamp(min=1e-9)
    angle = torch.atan(size_a[:, 0] / size_a[:, 1]) - torch.atan(size_b[:, 0] / size_b[:, 1])
    v = (4 / math.pi**2) * angle.square()
    with torch.no_grad():
        alpha = v / (1 - iou + v).clamp(min=1e-9)
    return iou - distance - alpha * v
