"""Anchors of the YOLOs, in pixels of an input, and how offsets from them become boxes.

Numbers are those of the published configurations: YOLOv2 (Redmon and Farhadi 2016, arXiv:1612.08242), YOLOv3 (2018,
arXiv:1804.02767), YOLOv4 (Bochkovskiy et al. 2020, arXiv:2004.10934), v5's and v7's (Wang et al. 2022,
arXiv:2207.02696) as their exports print them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rtdet.types import FloatArray

Values = npt.NDArray[np.float32]
Pairs = tuple[tuple[float, float], ...]


def _pairs(*numbers: float, scale: float = 1.0) -> Pairs:
    return tuple((a * scale, b * scale) for a, b in zip(numbers[::2], numbers[1::2], strict=True))


_V3 = _pairs(10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326)
_V4 = _pairs(12, 16, 19, 36, 40, 28, 36, 75, 76, 55, 72, 146, 142, 110, 192, 243, 459, 401)
_V5_P6 = _pairs(
    19,
    27,
    44,
    40,
    38,
    94,
    96,
    68,
    86,
    152,
    180,
    137,
    140,
    301,
    303,
    264,
    238,
    542,
    436,
    615,
    739,
    380,
    925,
    792,
)
_V3_TINY = _pairs(10, 14, 23, 27, 37, 58, 81, 82, 135, 169, 344, 319)


@dataclass(frozen=True)
class AnchorSet:
    """The anchors of each level, finest first, with its stride, and how offsets are turned into boxes.

    squared: size = (2 sigma(t))^2 anchor, centre = 2 sigma(t) - 1/2 + cell (v5, v7); else size = e^t anchor and
    centre = scale_xy sigma(t) - (scale_xy - 1) / 2 + cell (v2, v3: 1; v4: a little more, by level).
    softmax: classes exclude one another (v2).
    """

    name: str
    strides: tuple[int, ...]
    levels: tuple[Pairs, ...]
    squared: bool = False
    scale_xy: tuple[float, ...] = ()
    softmax: bool = False


def _three(name: str, pairs: Pairs, **more: object) -> AnchorSet:
    levels = tuple(pairs[i : i + 3] for i in range(0, len(pairs), 3))
    strides = tuple(8 * 2**i for i in range(len(levels)))
    return AnchorSet(name, strides, levels, **more)  # type: ignore[arg-type]


V5 = _three("v5", _V3, squared=True)
V5_P6 = _three("v5 P6", _V5_P6, squared=True)
V7 = _three("v7", _V4, squared=True)
V3 = _three("v3", _V3)
V4 = _three("v4", _V4, scale_xy=(1.2, 1.1, 1.05))
V3_TINY = AnchorSet("v3-tiny", (16, 32), (_V3_TINY[:3], _V3_TINY[3:]))
V4_TINY = AnchorSet("v4-tiny", (16, 32), (_V3_TINY[1:4], _V3_TINY[3:]), scale_xy=(1.05, 1.05))
V2_COCO = AnchorSet(
    "v2 COCO", (32,), (_pairs(
        0.57273, 0.677385, 1.87446, 2.06253, 3.33843, 5.47434, 7.88282, 3.52778, 9.77052, 9.16828, scale=32,
    ),), softmax=True,
)  # fmt: skip
V2_VOC = AnchorSet(
    "v2 VOC", (32,), (_pairs(
        1.3221, 1.73145, 3.19275, 4.00944, 5.05587, 8.09892, 9.47112, 4.84053, 11.2364, 10.0071, scale=32,
    ),), softmax=True,
)  # fmt: skip
V2_TINY_VOC = AnchorSet(
    "v2-tiny VOC", (32,), (_pairs(1.08, 1.19, 3.42, 4.41, 6.63, 11.38, 9.42, 5.11, 16.62, 10.52, scale=32),),
    softmax=True,
)  # fmt: skip


def decode_level(
    rows: Values, anchors: AnchorSet, level: int, cells: FloatArray, which: npt.NDArray[np.intp]
) -> FloatArray:
    """(N, 4) centre and size in pixels. rows (N, 4): x and y through the sigmoid already; w and h too for a `squared`
    set, raw for the others. cells (N, 2): of the rows. which (N,): their anchors, counted within the level."""
    stride = anchors.strides[level]
    sizes = np.array(anchors.levels[level])[which]
    offsets = rows.astype(np.float64)
    if anchors.squared:
        center = (offsets[:, :2] * 2 - 0.5 + cells) * stride
        return np.concatenate([center, (offsets[:, 2:] * 2) ** 2 * sizes], axis=1)
    scale = anchors.scale_xy[level] if anchors.scale_xy else 1.0
    center = (offsets[:, :2] * scale - (scale - 1) / 2 + cells) * stride
    return np.concatenate([center, np.exp(np.minimum(offsets[:, 2:], 20.0)) * sizes], axis=1)


@lru_cache(maxsize=16)
def anchor_rows(size: tuple[int, int], strides: tuple[int, ...], count: int) -> npt.NDArray[np.int64]:
    """(A, 4) level, anchor, x, y of each row where rows go level by level, then anchor by anchor, then row by row."""
    rows = []
    for level, stride in enumerate(strides):
        shape = (count, size[1] // stride, size[0] // stride)
        which, y, x = np.indices(shape).reshape(3, -1)
        rows.append(np.stack([np.full_like(x, level), which, x, y], axis=1))
    return np.concatenate(rows).astype(np.int64)
