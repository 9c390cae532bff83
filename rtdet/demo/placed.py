"""Sprites at their places: their boxes, their pixels and their shadows in one frame."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import cv2
import numpy as np

from rtdet.demo.canvas import Sprite
from rtdet.types import Image

Window = tuple[int, int, int, int]
"""left, top, right, bottom in whole pixels."""

_SHADOW_STEP = 3
_SHADOW_PAD = 4


@dataclass(frozen=True)
class Sun:
    """Light from behind us. A cast shadow is the silhouette laid down: a point `h` above the foot falls
    `h * along` to the side and `h * rise` up the picture. `strength` 0 to 1 is the darkness."""

    along: float
    rise: float
    strength: float


@dataclass(frozen=True, eq=False)
class Lit:
    """A sprite as it is lit in this scene, with its blurred, smaller silhouette for the shadow."""

    sprite: Sprite
    shadow: Image

    @property
    def size(self) -> int:
        return self.sprite.bgra.nbytes + self.shadow.nbytes


def light(sprite: Sprite, tint: tuple[float, float, float], sun: Sun) -> Lit:
    """Brighter where it faces the sun and above, in the scene's tint; `tint` is blue, green, red up to 1."""
    alpha = cv2.extractChannel(sprite.bgra, 3)
    height, width = alpha.shape
    reach = max(1, round(0.05 * sprite.ppm))
    soft = cv2.blur(alpha, (2 * reach + 1, 2 * reach + 1)).astype(np.float32) / 255
    towards = reach if sun.along > 0 else -reach
    # Inside, where the silhouette thins out on the sun's side, the surface turns to the sun.
    relief = np.roll(soft, -towards, axis=1) - np.roll(soft, towards, axis=1)
    ramp = np.linspace(1.07, 0.83, height, dtype=np.float32)[:, None]
    factor = (ramp + 0.2 * relief)[..., None] * np.array(tint, dtype=np.float32)
    small = cv2.resize(
        alpha, (-(-width // _SHADOW_STEP), -(-height // _SHADOW_STEP)), interpolation=cv2.INTER_AREA
    )
    pad = _SHADOW_PAD
    padded = cv2.copyMakeBorder(small, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    shadow = cv2.multiply(cv2.GaussianBlur(padded, (5, 5), 0), np.ones_like(padded), scale=sun.strength)
    return Lit(sprite.lit(factor), shadow)


@dataclass(frozen=True, eq=False)
class Placed:
    """An object in one frame: drawn at `scale` with its foot at (x, y) in pixels.

    `label` -1 is a part of the street. `order` grows towards us.
    """

    actor_id: int
    label: int
    lit: Lit
    scale: float
    x: float
    y: float
    order: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The bounds of all that is drawn, not cut at the picture's borders."""
        left, top, right, bottom = self.lit.sprite.extent
        (ox, oy), s = self.lit.sprite.origin, self.scale
        return (
            self.x + s * (left - ox),
            self.y + s * (top - oy),
            self.x + s * (right - ox),
            self.y + s * (bottom - oy),
        )

    def box_within(self, width: int, height: int) -> tuple[float, float, float, float] | None:
        """The bounds of what is drawn within the picture; None when that is less than a pixel each way.

        Of an object that is cut, only what is inside counts: the nose of a car is lower than its roof.
        """
        left, top, right, bottom = self.box
        if left < 0 or top < 0 or right > width or bottom > height:
            s, (ox, oy) = self.scale, self.lit.sprite.origin
            x0, x1 = ((edge - self.x) / s + ox for edge in (max(left, 0.0), min(right, width)))
            y0, y1 = ((edge - self.y) / s + oy for edge in (max(top, 0.0), min(bottom, height)))
            column, row = max(0, floor(x0)), max(0, floor(y0))
            part = self.lit.sprite.bgra[row : max(row, ceil(y1)), column : max(column, ceil(x1)), 3]
            if part.size == 0:
                return None
            x, y, w, h = cv2.boundingRect((part >= 128).astype(np.uint8))
            left, right = (self.x + s * (column + edge - ox) for edge in (x, x + w))
            top, bottom = (self.y + s * (row + edge - oy) for edge in (y, y + h))
        left, top, right, bottom = max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)
        return (left, top, right, bottom) if right - left >= 1 and bottom - top >= 1 else None

    def window(self, width: int, height: int) -> Window | None:
        """The pixels of the picture that the object may touch."""
        left, top, right, bottom = self.box
        return _cut(left - 1, top - 1, right + 1, bottom + 1, width, height)

    def warp(self, window: Window) -> Image:
        """The object's premultiplied pixels (h, w, 4) within that window."""
        left, top, right, bottom = window
        s, (ox, oy) = self.scale, self.lit.sprite.origin
        # Pixel centres lie at .5, cv2 counts from them.
        matrix = np.array([
            [s, 0.0, s * (0.5 - ox) + self.x - left - 0.5],
            [0.0, s, s * (0.5 - oy) + self.y - top - 0.5],
        ])  # fmt: skip
        size = (right - left, bottom - top)
        return np.asarray(cv2.warpAffine(self.lit.sprite.bgra, matrix, size, flags=cv2.INTER_LINEAR))

    def blend(self, image: Image) -> None:
        """Draws the object on the picture."""
        window = self.window(image.shape[1], image.shape[0])
        if window is None:
            return
        left, top, right, bottom = window
        patch = self.warp(window)
        area = image[top:bottom, left:right]
        inverse = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(patch, 3)), cv2.COLOR_GRAY2BGR)
        area[:] = cv2.add(cv2.multiply(area, inverse, scale=1 / 255), cv2.cvtColor(patch, cv2.COLOR_BGRA2BGR))

    def cast(self, darkness: Image, sun: Sun) -> None:
        """Adds the shadow on the ground and the darkness under the object to `darkness` (H, W) uint8."""
        self._cast_contact(darkness)
        if sun.strength <= 0:
            return
        s, (ox, oy) = self.scale, self.lit.sprite.origin
        step, pad = s * _SHADOW_STEP, _SHADOW_PAD
        # From shadow pixels to the picture; heights above the foot go aside and a little up.
        a, b = step, -sun.along * step
        d = sun.rise * step
        e = self.x - s * ox + sun.along * s * oy - a * (pad - 0.5) - b * (pad - 0.5)
        f = self.y - sun.rise * s * oy - d * (pad - 0.5)
        height, width = self.lit.shadow.shape
        xs = [e, e + a * width, e + b * height, e + a * width + b * height]
        window = _cut(min(xs), f, max(xs), f + d * height, darkness.shape[1], darkness.shape[0])
        if window is not None:
            _darken(darkness, self.lit.shadow, np.array([[a, b, e], [0.0, d, f]]), window)

    def _cast_contact(self, darkness: Image) -> None:
        left, _, right, _ = self.box
        ppm = self.lit.sprite.ppm * self.scale
        long = right - left > 2.4 * ppm
        half = 0.53 * (right - left) if long else 0.32 * ppm + 0.15 * (right - left)
        tall = (0.3 if long else 0.15) * ppm
        if self.label == -1:
            half, tall = 0.3 * ppm, 0.12 * ppm
        center, y = ((left + right) / 2 if long else self.x), self.y - 0.25 * tall
        window = _cut(center - half, y - tall, center + half, y + tall, darkness.shape[1], darkness.shape[0])
        if window is not None:
            matrix = np.array([[half / 32, 0.0, center - half], [0.0, tall / 32, y - tall]])
            _darken(darkness, _CONTACT, matrix, window)


def _cut(left: float, top: float, right: float, bottom: float, width: int, height: int) -> Window | None:
    x0, y0, x1, y1 = (
        max(0, floor(left)),
        max(0, floor(top)),
        min(width, ceil(right)),
        min(height, ceil(bottom)),
    )
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _darken(darkness: Image, patch: Image, matrix: np.ndarray, window: Window) -> None:
    left, top, right, bottom = window
    moved = matrix - np.array([[0, 0, left], [0, 0, top]])
    drawn = cv2.warpAffine(patch, moved, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    area = darkness[top:bottom, left:right]
    cv2.max(area, drawn, dst=area)


def _soft_ellipse() -> Image:
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    dark = np.clip(1.25 * (1 - np.hypot(x, y)), 0, 1) ** 1.2
    return np.asarray(np.rint(255 * 0.5 * dark).astype(np.uint8))


_CONTACT = _soft_ellipse()
