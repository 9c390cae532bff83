"""What a feature map says of a region, as a small map of fixed size: RoI pooling and its successor, RoI align.

`roi_pool` and `roi_align` are written to be read. They give what torchvision's operators give, which compute the same
in C++ and which the networks use: `pool_regions`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision import ops


def roi_pool(feature_map: Tensor, regions: Tensor, bins: int, stride: int) -> Tensor:
    """Fast R-CNN, section 2.1: a region is rounded to whole cells and cut into bins x bins parts; each gives the
    largest value in it.

    feature_map (C, H, W), regions (N, 4) xyxy in input pixels, to (N, C, bins, bins). Parts are as even as whole
    cells allow, so neighbours share a cell where it does not come out even; a part outside the map gives 0.
    """
    height, width = feature_map.shape[1:]
    found = feature_map.new_zeros(len(regions), feature_map.shape[0], bins, bins)
    for i, region in enumerate(regions.tolist()):
        x1, y1, x2, y2 = (math.floor(side / stride + 0.5) for side in region)
        columns = _parts(x1, max(x2 - x1 + 1, 1), bins, width)
        rows = _parts(y1, max(y2 - y1 + 1, 1), bins, height)
        for row, (top, bottom) in enumerate(rows):
            for column, (left, right) in enumerate(columns):
                if top < bottom and left < right:
                    found[i, :, row, column] = feature_map[:, top:bottom, left:right].amax((1, 2))
    return found


def _parts(start: int, length: int, bins: int, most: int) -> list[tuple[int, int]]:
    """First and last-but-one cell of each part, within 0..most."""
    part = length / bins
    ends = [(start + math.floor(i * part), start + math.ceil((i + 1) * part)) for i in range(bins)]
    return [(min(max(low, 0), most), min(max(high, 0), most)) for low, high in ends]


def roi_align(feature_map: Tensor, regions: Tensor, bins: int, stride: int, samples: int = 2) -> Tensor:
    """Mask R-CNN (arXiv 1703.06870), section 3: nothing is rounded. Each of bins x bins parts is the mean of
    samples x samples points spread evenly in it, at which the map is interpolated.

    feature_map (C, H, W), regions (N, 4) xyxy in input pixels, to (N, C, bins, bins).
    """
    height, width = feature_map.shape[1:]
    steps = (torch.arange(bins * samples, device=regions.device) + 0.5) / (bins * samples)
    x = regions[:, 0:1] + steps * (regions[:, 2:3] - regions[:, 0:1])
    y = regions[:, 1:2] + steps * (regions[:, 3:4] - regions[:, 1:2])
    # To the positions of cells, whose centres lie at half a stride, and to -1..1 as grid_sample counts.
    x = (x / stride - 0.5).clamp(0, width - 1) * 2 / max(1, width - 1) - 1
    y = (y / stride - 0.5).clamp(0, height - 1) * 2 / max(1, height - 1) - 1
    count, points = x.shape
    grid = torch.stack(
        [x[:, None].expand(count, points, points), y[:, :, None].expand(count, points, points)], -1
    )
    seen = F.grid_sample(feature_map[None], grid.reshape(1, count * points, points, 2), align_corners=True)
    seen = seen[0].reshape(-1, count, points, points).transpose(0, 1)
    return F.avg_pool2d(seen, samples)


def pool_regions(maps: Tensor, regions: Tensor, bins: int, stride: int, *, align: bool) -> Tensor:
    """maps (B, C, H, W) and regions (B, N, 4), as many for each picture, to (B * N, C, bins, bins), by torchvision's
    operators. align: RoI align instead of RoI pooling."""
    batch, count = regions.shape[0], regions.shape[1]
    picture = torch.arange(batch, device=regions.device, dtype=regions.dtype)[:, None, None]
    rows = torch.cat([picture.expand(batch, count, 1), regions], -1).reshape(-1, 5)
    if align:
        aligned: Tensor = ops.roi_align(maps, rows, bins, 1 / stride, sampling_ratio=2, aligned=True)
        return aligned
    pooled: Tensor = ops.roi_pool(maps, rows, bins, 1 / stride)
    return pooled
