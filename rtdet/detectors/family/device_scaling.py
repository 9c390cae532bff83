"""Fitting pictures into a network's input on the device, as cv2.INTER_LINEAR does it: bilinear between the centres of
pixels, without smoothing first. Of a large picture only the rows go there that have a say in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rtdet.detectors.family.config import Size
from rtdet.geometry.letterbox import Letterbox
from rtdet.types import FloatArray, Image, IntArray

_FILL = 114.0  # as `geometry.letterbox` fills
_ONE = 2048  # a share of one, in cv2's whole numbers


@dataclass(frozen=True)
class Fit:
    """How a picture of `image` (width, height) lies in a network's input of `size`: letterboxed at the top left, or
    stretched."""

    image: Size
    size: Size
    is_stretched: bool

    @property
    def inner(self) -> Size:
        """(width, height) of the picture in the input."""
        if self.is_stretched:
            return self.size
        (width, height), (wide, high) = self.image, self.size
        ratio = min(wide / width, high / height)
        return max(1, round(width * ratio)), max(1, round(height * ratio))

    @property
    def back(self) -> Letterbox:
        """The map from the picture to the input."""
        (width, height), (wide, high) = self.image, self.inner
        return Letterbox((wide / width, high / height), (0, 0), self.image)

    @property
    def rows(self) -> IntArray:
        """The rows of the picture that are looked at, in their order."""
        first, second, _ = _between(self.image[1], self.inner[1])
        return np.unique(np.concatenate([first, second]))


def _between(source: int, target: int) -> tuple[IntArray, IntArray, FloatArray]:
    """For each of `target` pixels the two of `source` between whose centres its own lies, and the share of the
    second."""
    place = ((np.arange(target) + 0.5) * (source / target) - 0.5).astype(np.float32)
    place = np.clip(place, 0, source - 1)
    first = np.floor(place).astype(np.int64)
    second = np.minimum(first + 1, source - 1)
    return first, second, np.asarray(place - first, dtype=np.float64)


class Scaling(nn.Module):
    """uint8 (B, R, W, 3) BGR, the rows of pictures that `fit` looks at, to the float32 (B, 3, H, W) that they are in
    the network's input: letterboxed in whole numbers, stretched unrounded, as on the host."""

    left: Tensor
    right: Tensor
    across: Tensor
    upper: Tensor
    lower: Tensor
    down: Tensor

    def __init__(self, fit: Fit) -> None:
        super().__init__()
        self._fit = fit
        (wide, high), (width, height) = fit.inner, fit.image
        left, right, across = _between(width, wide)
        upper, lower, down = _between(height, high)
        for name, columns in (("left", left), ("right", right)):
            self.register_buffer(name, torch.from_numpy(columns))
        for name, lines in (("upper", upper), ("lower", lower)):
            self.register_buffer(name, torch.from_numpy(np.searchsorted(fit.rows, lines)))
        self.register_buffer("across", torch.from_numpy(across).float().view(1, 1, wide, 1))
        self.register_buffer("down", torch.from_numpy(down).float().view(1, high, 1, 1))

    def forward(self, rows: Tensor) -> Tensor:
        scaled = self._unrounded(rows) if self._fit.is_stretched else self._scaled(rows)
        picture = scaled.permute(0, 3, 1, 2)
        (wide, high), (width, height) = self._fit.size, self._fit.inner
        if (wide, high) != (width, height):
            picture = F.pad(picture, (0, wide - width, 0, high - height), value=_FILL)
        return picture

    def _unrounded(self, rows: Tensor) -> Tensor:
        first, second = (rows.index_select(2, columns).float() for columns in (self.left, self.right))
        lines = first + (second - first) * self.across
        upper, lower = lines.index_select(1, self.upper), lines.index_select(1, self.lower)
        return upper + (lower - upper) * self.down

    def _scaled(self, rows: Tensor) -> Tensor:
        """In whole numbers, with shares of 11 bits and sums of 16, as cv2 calculates: a picture that was rounded
        otherwise would move the edges of large boxes by more than half a pixel."""
        across, down = ((share * _ONE).round().int() for share in (self.across, self.down))
        first, second = (rows.index_select(2, columns).int() for columns in (self.left, self.right))
        lines = (first * (_ONE - across) + second * across) >> 4
        upper = lines.index_select(1, self.upper) * (_ONE - down) >> 16
        lower = lines.index_select(1, self.lower) * down >> 16
        return ((upper + lower + 2) >> 2).float()


@dataclass(frozen=True)
class RowsOf:
    """Rows of a picture (H, W, 3), as an input of a network: (1, R, W, 3), copied once, to where it shall be."""

    picture: Image
    rows: IntArray

    @property
    def shape(self) -> tuple[int, ...]:
        return 1, len(self.rows), *self.picture.shape[1:]

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        return self.picture.dtype

    def write_to(self, out: Image) -> None:
        """Fills `out`, of the same shape."""
        if len(self.rows) == len(self.picture):
            np.copyto(out[0], self.picture)
        else:  # numpy: with the other modes `out` would be filled by way of another array
            np.take(self.picture, self.rows, axis=0, out=out[0], mode="clip")
