"""A part of a picture, shown at a size of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from rtdet.types import FloatArray, Image
from rtdet.video.draw.marks import Mark
from rtdet.video.draw.skeleton import Skeleton
from rtdet.video.draw.style import DrawStyle


@dataclass(frozen=True)
class View:
    """The part of a picture from (left, top) on that is `width` wide, in pixels of the picture and not necessarily
    whole ones; size: (width, height) of what is shown of it, in whole pixels, with the same proportions."""

    left: float
    top: float
    width: float
    size: tuple[int, int]

    @property
    def scale(self) -> float:
        """Pixels shown for each of the picture."""
        return self.size[0] / self.width

    def cut(self, image: Image) -> Image:
        """The part of the (H, W, 3) image; beyond its edge the last row or column goes on."""
        step = 1 / self.scale
        # Centres of pixels are at halves.
        shift = (step - 1) / 2
        back = np.array([[step, 0, self.left + shift], [0, step, self.top + shift]])
        if step > 2:  # a warp takes four pixels for each, and would leave out others
            return self._shrunk(image, step)
        method = cv2.INTER_LINEAR if step >= 1 else cv2.INTER_CUBIC
        part: Image = cv2.warpAffine(
            image, back, self.size, flags=method | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        return part

    def _shrunk(self, image: Image, step: float) -> Image:
        left, top = max(0, round(self.left)), max(0, round(self.top))
        right, bottom = round(self.left + self.width), round(self.top + self.size[1] * step)
        part: Image = cv2.resize(image[top:bottom, left:right], self.size, interpolation=cv2.INTER_AREA)
        return part

    def marks(self, marks: Sequence[Mark]) -> list[Mark]:
        """The marks of the whole picture as they are in this part."""
        return [self._moved(mark) for mark in marks]

    def style(self, style: DrawStyle) -> DrawStyle:
        """The style with its zones as they are in this part."""
        moved = [
            replace(zone, points=self._corners(zone.points), arrow=self._corners(zone.arrow))
            for zone in style.zones
        ]
        return replace(style, zones=tuple(moved)) if moved else style

    def _corners(self, points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        moved = self._points(np.array(points, dtype=np.float64).reshape(-1, 2)).tolist()
        return tuple((float(x), float(y)) for x, y in moved)

    def _moved(self, mark: Mark) -> Mark:
        x1, y1, x2, y2 = self._points(np.array(mark.box).reshape(2, 2)).reshape(-1).tolist()
        bones = mark.skeleton
        if bones is not None:
            bones = Skeleton(self._points(bones.joints), self._points(bones.limbs))
        return replace(mark, box=(x1, y1, x2, y2), trail=self._points(mark.trail), skeleton=bones)

    def _points(self, points: FloatArray) -> FloatArray:
        """Points (..., 2) of the picture, in pixels of the part."""
        return (points - (self.left, self.top)) * self.scale
