"""What pictures of tracks are drawn on: twice as large as they become, so that every line is smooth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from rtdet.types import FloatArray, Image
from rtdet.video.draw.colors import Color
from rtdet.video.draw.lettering import label_mask

# How much larger than the result everything is drawn.
FINENESS = 2
DARK: Color = (24, 27, 32)
WHITE: Color = (255, 255, 255)
# OpenCV draws in sixteenths of a pixel.
_SHIFT = 4
_FARTHEST = 2.0**20


class Paper:
    """A picture (height, width) that is drawn on in its own pixels, fractions of them too. Colours are (r, g, b)."""

    def __init__(self, ground: Image) -> None:
        """`ground` (H, W, 3) BGR is what is under all."""
        self.height, self.width = ground.shape[:2]
        size = (self.width * FINENESS, self.height * FINENESS)
        self._fine: Image = np.asarray(cv2.resize(ground, size, interpolation=cv2.INTER_CUBIC))

    @classmethod
    def plain(cls, width: int, height: int, color: Color = DARK) -> Paper:
        return cls(np.full((height, width, 3), color[::-1], dtype=np.uint8))

    def finished(self) -> Image:
        """(H, W, 3) BGR."""
        return np.asarray(cv2.resize(self._fine, (self.width, self.height), interpolation=cv2.INTER_AREA))

    def line(self, points: FloatArray, color: Color, width: float = 1.0, opacity: float = 1.0) -> None:
        """A line through the points (N, 2)."""
        self._mix([_fixed(points)], color, opacity, round(width * FINENESS), is_closed=False)

    def area(self, corners: FloatArray, color: Color, opacity: float = 1.0) -> None:
        """A filled polygon of corners (N, 2)."""
        self._mix([_fixed(corners)], color, opacity, cv2.FILLED, is_closed=True)

    def dot(self, center: Sequence[float], radius: float, color: Color, opacity: float = 1.0) -> None:
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        ring = np.column_stack([np.cos(angles), np.sin(angles)]) * radius + np.asarray(center)
        self.area(ring, color, opacity)

    def arrow_head(
        self, tip: FloatArray, way: FloatArray, size: float, color: Color, opacity: float = 1.0
    ) -> None:
        """A triangle with its tip there that points the way (2,)."""
        length = math.hypot(*way)
        if not length > 0:
            self.dot(tip.tolist(), size / 2, color, opacity)
            return
        along = way / length
        across = np.array([-along[1], along[0]])
        back = tip - along * size
        self.area(np.array([tip, back + across * size * 0.55, back - across * size * 0.55]), color, opacity)

    def text(
        self, words: str, at: tuple[float, float], capital: float, color: Color = WHITE, *,
        align: float = 0.0, opacity: float = 1.0,
    ) -> None:  # fmt: skip
        """Words whose middle line is at `at`; align 0: they begin there, 0.5: they are centred, 1: they end there.
        `capital` is the height of a capital letter."""
        mask = label_mask((words,), max(7, round(capital * FINENESS)))
        margin = max(2, round(capital * FINENESS) // 2)
        mask = mask[:, margin : mask.shape[1] - margin]
        height, width = mask.shape
        left = round(at[0] * FINENESS - align * width)
        self._stamp(mask, left, round(at[1] * FINENESS - height / 2), color, opacity)

    def picture(self, image: Image, opacity: FloatArray) -> None:
        """Mixes in a picture (H, W, 3) BGR of the paper's size, each pixel by its opacity (H, W)."""
        size = (self._fine.shape[1], self._fine.shape[0])
        large = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
        share = cv2.resize(opacity.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)[..., None]
        self._fine[:] = np.round(self._fine * (1 - share) + large * share).astype(np.uint8)

    def _mix(
        self, shapes: list[FloatArray], color: Color, opacity: float, width: int, *, is_closed: bool
    ) -> None:
        fixed = [shape.astype(np.int32) for shape in shapes]
        left, top = np.concatenate(fixed).min(axis=0) / 2**_SHIFT - max(width, 1) - 2
        right, bottom = np.concatenate(fixed).max(axis=0) / 2**_SHIFT + max(width, 1) + 3
        rows = slice(max(0, int(top)), max(0, int(bottom)))
        columns = slice(max(0, int(left)), max(0, int(right)))
        area = self._fine[rows, columns]
        if not area.size:
            return
        mask = np.zeros(area.shape[:2], dtype=np.uint8)
        moved = [one - (np.array([columns.start, rows.start], dtype=np.int32) << _SHIFT) for one in fixed]
        if is_closed:
            cv2.fillPoly(mask, moved, 255, cv2.LINE_AA, _SHIFT)
        else:
            cv2.polylines(mask, moved, False, 255, max(1, width), cv2.LINE_AA, _SHIFT)
        _blend(area, mask, color, opacity)

    def _stamp(self, mask: Image, left: int, top: int, color: Color, opacity: float) -> None:
        rows, columns = slice(max(0, top), top + mask.shape[0]), slice(max(0, left), left + mask.shape[1])
        area = self._fine[rows, columns]
        if area.size:
            part = mask[rows.start - top :, columns.start - left :][: area.shape[0], : area.shape[1]]
            _blend(area, part, color, opacity)


def _blend(area: Image, mask: Image, color: Color, opacity: float) -> None:
    share = mask[..., None].astype(np.float32) * (opacity / 255)
    area[:] = np.round(area * (1 - share) + np.array(color[::-1], dtype=np.float32) * share).astype(np.uint8)


def _fixed(points: FloatArray) -> FloatArray:
    """The points in sixteenths of the fine picture's pixels."""
    fine = np.asarray(points, dtype=np.float64) * FINENESS * 2**_SHIFT
    return np.asarray(np.round(np.clip(fine, -_FARTHEST, _FARTHEST)))


def nice_step(span: float, most: int) -> float:
    """1, 2 or 5 times a power of ten, so that at most so many steps go into the span."""
    least = span / max(most, 1)
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def number(value: float) -> str:
    """The number without needless zeros."""
    return f"{value + 0.0:.6g}"
