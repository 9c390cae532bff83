"""Pictures that are (nearly) the same: a test on what was trained on measures memory, not sight.

A picture's difference hash (Krawetz 2013, "Kind of like that") says for each cell of a small grey picture
whether it is brighter than its neighbour; here to the right and below, 128 bits. Hashes that differ in few bits
are compared once more, by the correlation of the small pictures themselves: two plain skies have much the same
hash and are not the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rtdet.types import BoolArray, Image, IntArray

MAX_BITS = 20
MIN_CORRELATION = 0.95
_CELLS, _SIDE, _ROWS = 8, 32, 1024
# Grey levels by which a picture must vary for its pattern to mean anything.
_FLAT = 2.0


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """bits (128,) bool, the difference hash; small (32, 32) uint8, the grey picture."""

    bits: BoolArray
    small: npt.NDArray[np.uint8]


def fingerprint(image: Image) -> Fingerprint:
    """Of an (H, W, 3) BGR picture, or an (H, W) grey one."""
    gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(gray, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    # Rather from the small picture than from the large one: the same cells, at once.
    cells = cv2.resize(small, (_CELLS + 1, _CELLS + 1), interpolation=cv2.INTER_AREA).astype(np.int16)
    right, below = np.diff(cells[:-1], axis=1) > 0, np.diff(cells[:, :-1], axis=0) > 0
    return Fingerprint(np.concatenate([right.ravel(), below.ravel()]), np.asarray(small, dtype=np.uint8))


def near_duplicates(
    a: Sequence[Fingerprint],
    b: Sequence[Fingerprint],
    max_bits: int = MAX_BITS,
    min_correlation: float = MIN_CORRELATION,
) -> IntArray:
    """(K, 2) for each picture of `a` that is (nearly) one of `b`: its place, and that of the likest in `b`.

    All pairs are compared: with bits as +1 and -1 a product of matrices is the number of equal bits less that of
    unequal ones, and 10,000 by 10,000 pictures take a second; if all are alike, half a minute.
    """
    found: list[tuple[int, int]] = []
    if not a or not b:
        return np.zeros((0, 2), dtype=np.int64)
    signs, patterns = _signs(b), _patterns(b)
    for start in range(0, len(a), _ROWS):
        part = a[start : start + _ROWS]
        is_close = _signs(part) @ signs.T >= signs.shape[1] - 2 * max_bits
        rows, columns = np.flatnonzero(is_close.any(axis=1)), np.flatnonzero(is_close.any(axis=0))
        if not len(rows):
            continue
        alike = _patterns([part[i] for i in rows.tolist()]) @ patterns[columns].T
        alike[~is_close[np.ix_(rows, columns)]] = -1
        best = alike.argmax(axis=1)
        is_like = alike[np.arange(len(rows)), best] >= min_correlation
        found += zip((rows[is_like] + start).tolist(), columns[best[is_like]].tolist(), strict=True)
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def duplicate_groups(
    prints: Sequence[Fingerprint], max_bits: int = MAX_BITS, min_correlation: float = MIN_CORRELATION
) -> list[list[int]]:
    """Places of pictures that are (nearly) the same, or linked by others that are, as frames of one scene; each place
    is in one group. In the order of the groups' first pictures."""
    group = np.arange(len(prints))
    if not prints:
        return []
    signs, patterns = _signs(prints), _patterns(prints)
    for start in range(0, len(prints), _ROWS):
        part = slice(start, start + _ROWS)
        is_close = signs[part] @ signs.T >= signs.shape[1] - 2 * max_bits
        rows = np.flatnonzero(is_close.sum(axis=1) > 1)  # each is close to itself
        columns = np.flatnonzero(is_close[rows].any(axis=0))
        is_like = patterns[rows + start] @ patterns[columns].T >= min_correlation
        is_like &= is_close[np.ix_(rows, columns)]
        for row in is_like:
            linked = np.unique(group[columns[row]])
            if len(linked) > 1:
                group[np.isin(group, linked)] = linked[0]
    places: dict[int, list[int]] = {}
    for place, first in enumerate(group.tolist()):
        places.setdefault(first, []).append(place)
    return list(places.values())


def _signs(prints: Sequence[Fingerprint]) -> npt.NDArray[np.float32]:
    """(N, 128), +1 for a bit that is set and -1 for one that is not."""
    return np.where(np.stack([p.bits for p in prints]), np.float32(1), np.float32(-1))


def _patterns(prints: Sequence[Fingerprint]) -> npt.NDArray[np.float32]:
    """(N, 1056) rows whose products are the pictures' correlations. A plain picture has no pattern: its row
    stands for its grey, one of 32."""
    rows = np.stack([p.small.ravel() for p in prints]).astype(np.float32)
    mean = rows.mean(axis=1, keepdims=True)
    is_plain = rows.std(axis=1, keepdims=True) < _FLAT
    centered = np.where(is_plain, 0, rows - mean)
    length = np.linalg.norm(centered, axis=1, keepdims=True)
    gray = is_plain & (np.arange(32) == mean // 8)
    return np.concatenate([centered / np.maximum(length, 1e-9), gray], axis=1).astype(np.float32)
