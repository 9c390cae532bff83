"""Pictures as decoders keep them, luma and chroma in planes of their own, made smaller before they are converted."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from rtdet.types import FloatArray, Image


@dataclass(frozen=True, eq=False)
class Planes:
    """luma (H, W); blue and red chroma, as large or half as wide or high; all uint8. matrix (3, 4): blue, green and
    red are matrix @ (luma, blue chroma, red chroma, 1)."""

    luma: Image
    chroma: tuple[Image, Image]
    matrix: FloatArray

    def scaled(self, size: tuple[int, int]) -> Image:
        """(H, W, 3) BGR of `size` (width, height): each plane scaled as cv2.INTER_LINEAR does, and then converted."""
        parts = [
            cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in (self.luma, *self.chroma)
        ]
        bgr: Image = cv2.transform(cv2.merge(parts), self.matrix)
        return bgr
