"""Pictures that are (nearly) the same: a test on what was trained on measures memory, not sight.

A picture's difference hash (Krawetz 2013, "Kind of like that") says for each cell of a small grey picture
whether it is brighter than its neighbour; here to the right and below, 128 bits. Hashes that differ in few bits
are compared once more, by the correlation of the small pictures themselves: two plain skies have much the same
hash and are not the same picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rtdet.types import BoolArray, FloatArray, Image, IntArray

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
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    # Rather from the small picture than from the large one: the same cells, at once.
    cells = cv2.resize(small, (_CELLS + 1, _CELLS + 1), interpolation=cv2.INTER_AREA).astype(np.int16)
    right, below = np.diff(cells[:-1], axis=1) > 0, np.diff(cells[:, :-1], axis=0) > 0
    return Fingerprint(np.concatenate([right.ravel(), below.ravel()]), np.asarray(small, dtype=np.uint8))


def near_duplicates(
    a: list[Fingerprint],
    b: list[Fingerprint],
    max_bits: int = MAX_BITS,
    min_correlation: float = MIN_CORRELATION,
) -> IntArray:
    """(K, 2) places in `a` and in `b` of pairs that show (nearly) the same.

    All pairs are compared: with bits as +1 and -1 a product of matrices is the number of equal bits less that of
    unequal ones, and 10,000 by 10,000 pictures take about a second.
    """
    if not a or not b:
        return np.zeros((0, 2), dtype=np.int64)
    found = np.concatenate(list(_close(_signs(a), _signs(b), max_bits)))
    one, other = _normal(a), _normal(b)
    # Chunked: many plain pictures make many candidates.
    alike = [
        (one[part[:, 0]] * other[part[:, 1]]).sum(axis=1) >= min_correlation
        for part in np.array_split(found, len(found) // _ROWS + 1)
    ]
    return np.asarray(found[np.concatenate(alike)])


def _signs(prints: list[Fingerprint]) -> npt.NDArray[np.float32]:
    return np.where(np.stack([p.bits for p in prints]), np.float32(1), np.float32(-1))


def _close(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32], max_bits: int) -> Iterator[IntArray]:
    for start in range(0, len(a), _ROWS):
        equal_less_unequal = a[start : start + _ROWS] @ b.T
        rows, columns = np.nonzero(equal_less_unequal >= a.shape[1] - 2 * max_bits)
        yield np.stack([rows + start, columns], axis=1)


def _normal(prints: list[Fingerprint]) -> FloatArray:
    """(N, 1025) rows whose product is the pictures' correlation; plain pictures are like those of their grey."""
    rows = np.stack([p.small.ravel() for p in prints]).astype(np.float64)
    mean = rows.mean(axis=1, keepdims=True)
    plain = rows.std(axis=1, keepdims=True) < _FLAT
    centred = np.where(plain, 0.0, rows - mean)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    # A plain picture has a direction of its own for each of 32 greys.
    grey = (plain & (np.arange(32) == mean // 8)).astype(np.float64)
    return np.concatenate([centred / np.maximum(length, 1e-9), grey], axis=1)
