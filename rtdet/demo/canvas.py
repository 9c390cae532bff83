"""Drawing of one object in metres, supersampled, into a patch that can be laid over a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rtdet.types import FloatArray, Image, IntArray

Color = tuple[float, float, float]
Point = tuple[float, float]

WHITE: Color = (245, 245, 245)
_SHIFT = 4
_CIRCLE = np.exp(1j * np.linspace(0, 2 * np.pi, 24, endpoint=False))
_ARC = np.exp(1j * np.linspace(-np.pi / 2, np.pi / 2, 8))
_PAD = 2


@dataclass(frozen=True, eq=False)
class Sprite:
    """A drawn object. `bgra` (h, w, 4) is premultiplied; `origin` is the object's foot point and `extent`
    the bounds (left, top, right, bottom) of all that was drawn, both in patch pixels; `ppm` pixels per metre.
    """

    bgra: Image
    origin: Point
    extent: tuple[float, float, float, float]
    ppm: float

    def mirrored(self) -> Sprite:
        width = self.bgra.shape[1]
        left, top, right, bottom = self.extent
        flipped = np.ascontiguousarray(self.bgra[:, ::-1])
        extent = (width - right, top, width - left, bottom)
        return Sprite(flipped, (width - self.origin[0], self.origin[1]), extent, self.ppm)

    def lit(self, factor: FloatArray) -> Sprite:
        """The colours times `factor`, which broadcasts to (h, w, 3); never brighter than opaque white."""
        bgra = self.bgra.copy()
        bgra[..., :3] = np.minimum(self.bgra[..., :3] * factor.astype(np.float32), self.bgra[..., 3:])
        return Sprite(bgra, self.origin, self.extent, self.ppm)

    def overlaid(self, patch: Sprite, at: tuple[int, int]) -> Sprite:
        """With `patch` laid over it, its upper left pixel on pixel `at` (x, y)."""
        x, y = at
        height, width = patch.bgra.shape[:2]
        bgra = self.bgra.copy()
        area = bgra[y : y + height, x : x + width]
        inverse = cv2.merge([cv2.bitwise_not(patch.bgra[..., 3])] * 4)
        area[:] = cv2.add(cv2.multiply(area, inverse, scale=1 / 255), patch.bgra)
        a, b = self.extent, patch.extent
        extent = (min(a[0], b[0] + x), min(a[1], b[1] + y), max(a[2], b[2] + x), max(a[3], b[3] + y))
        return Sprite(bgra, self.origin, extent, self.ppm)


def shade(color: Color, factor: float) -> Color:
    """The colour made darker (factor < 1) or lighter."""
    b, g, r = (min(255.0, max(0.0, c * factor)) for c in color)
    return b, g, r


def mix(a: Color, b: Color, part: float) -> Color:
    """`a` with `part` of it replaced by `b`."""
    x, y, z = (p * (1 - part) + q * part for p, q in zip(a, b, strict=True))
    return x, y, z


def smooth(points: Sequence[Point], rounds: int = 2) -> list[Point]:
    """Chaikin's corner cutting: a closed polygon made round."""
    line = np.asarray(points, dtype=np.float64)
    for _ in range(rounds):
        after = np.roll(line, -1, axis=0)
        line = np.stack([0.75 * line + 0.25 * after, 0.25 * line + 0.75 * after], axis=1).reshape(-1, 2)
    return [(x, y) for x, y in line.tolist()]


def round_corners(points: Sequence[Point], radius: float, steps: int = 4) -> list[Point]:
    """A closed polygon whose corners are replaced by quadratic curves that begin `radius` away from them,
    of `steps` pieces each."""
    corners = np.asarray(points, dtype=np.float64)
    outline: list[Point] = []
    for k, corner in enumerate(corners):
        ends = []
        for other in (corners[k - 1], corners[(k + 1) % len(corners)]):
            side = other - corner
            length = max(float(np.hypot(*side)), 1e-9)
            ends.append(corner + side * min(radius, 0.48 * length) / length)
        for part in np.linspace(0, 1, steps + 1).tolist():
            a, b = (1 - part) ** 2, part**2
            x, y = a * ends[0] + 2 * part * (1 - part) * corner + b * ends[1]
            outline.append((float(x), float(y)))
    return outline


def below(points: Sequence[Point], level: float) -> list[Point]:
    """The part of a closed polygon under the line y = level (Sutherland and Hodgman)."""
    kept: list[Point] = []
    for k, (x1, y1) in enumerate(points):
        x0, y0 = points[k - 1]
        if (y0 <= level) != (y1 <= level):
            part = (level - y0) / (y1 - y0)
            kept.append((x0 + part * (x1 - x0), level))
        if y1 <= level:
            kept.append((x1, y1))
    return kept


class Canvas:
    """A patch of `left..right` by `bottom..top` metres around the foot point, x to the right and y up.

    Drawn at `supersample` times `ppm` pixels per metre; `sprite()` averages it down.
    """

    def __init__(
        self,
        left: float,
        right: float,
        top: float,
        ppm: float,
        *,
        bottom: float = -0.08,
        supersample: int = 3,
    ) -> None:
        self.ppm, self.supersample = ppm, supersample
        self.width = max(1, int(np.ceil((right - left) * ppm))) + 2 * _PAD
        self.height = max(1, int(np.ceil((top - bottom) * ppm))) + 2 * _PAD
        self.origin = (-left * ppm + _PAD, top * ppm + _PAD)
        self._scale = ppm * supersample
        self.image = np.zeros((self.height * supersample, self.width * supersample, 4), dtype=np.uint8)

    def _fixed(self, x: FloatArray, y: FloatArray) -> IntArray:
        """cv2's fixed-point pixels; pixel centres lie at .5, cv2 counts from them."""
        n, unit = self.supersample, 1 << _SHIFT
        xy = np.empty((len(x), 2))
        xy[:, 0] = (x * self._scale + (self.origin[0] * n - 0.5)) * unit
        xy[:, 1] = (y * -self._scale + (self.origin[1] * n - 0.5)) * unit
        return np.rint(xy).astype(np.int32)

    def _convex(self, outline: np.ndarray, color: Color) -> None:
        cv2.fillConvexPoly(
            self.image, self._fixed(outline.real, outline.imag), (*color, 255), cv2.LINE_8, _SHIFT
        )

    def polygon(self, points: Sequence[Point], color: Color, rounds: int = 0) -> None:
        """Filled; `rounds` of corner cutting make it round."""
        xy = np.asarray(smooth(points, rounds) if rounds else points, dtype=np.float64)
        cv2.fillPoly(self.image, [self._fixed(xy[:, 0], xy[:, 1])], (*color, 255), cv2.LINE_8, _SHIFT)

    def shaded(
        self, points: Sequence[Point], color: Color, top: float, bottom: float, steps: int = 10
    ) -> None:
        """A polygon whose colour runs from `top` to `bottom` times `color`."""
        high, low = max(y for _, y in points), min(y for _, y in points)
        for k in range(steps):
            level = high - (high - low) * k / steps
            part = below(points, level) if k else list(points)
            self.polygon(part, shade(color, top + (bottom - top) * k / (steps - 1)))

    def rect(self, x0: float, y0: float, x1: float, y1: float, color: Color, radius: float = 0.0) -> None:
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        self.polygon(round_corners(corners, radius) if radius else corners, color)

    def line(self, points: Sequence[Point], width: float, color: Color) -> None:
        """A stroke with round ends and joints."""
        xy = np.asarray(points, dtype=np.float64)
        pixels = [self._fixed(xy[:, 0], xy[:, 1])]
        thickness = max(1, round(width * self._scale))
        cv2.polylines(self.image, pixels, False, (*color, 255), thickness, cv2.LINE_8, _SHIFT)

    def limb(self, a: Point, b: Point, width_a: float, width_b: float, color: Color) -> None:
        """A tapering stroke with round ends."""
        start, end = complex(*a), complex(*b)
        along = end - start
        along = along / abs(along) if along else 1 + 0j
        ends = [end + along * width_b / 2 * _ARC, start - along * width_a / 2 * _ARC]
        self._convex(np.concatenate(ends), color)

    def ellipse(self, center: Point, rx: float, ry: float, color: Color, angle: float = 0.0) -> None:
        turned = (rx * _CIRCLE.real + 1j * ry * _CIRCLE.imag) * np.exp(1j * angle)
        self._convex(complex(*center) + turned, color)

    def ring(self, center: Point, radius: float, width: float, color: Color) -> None:
        around = complex(*center) + radius * np.append(np.repeat(_CIRCLE, 1), _CIRCLE[0])
        self.line(list(zip(around.real, around.imag, strict=True)), width, color)

    def cutout(self, left: float, right: float, bottom: float, top: float) -> tuple[Canvas, tuple[int, int]]:
        """An empty canvas for a part of this one, on the same pixel grid, and its place (x, y) in pixels."""
        x = max(0, int(np.floor(left * self.ppm + self.origin[0])) - 1)
        y = max(0, int(np.floor(self.origin[1] - top * self.ppm)) - 1)
        part = object.__new__(Canvas)
        part.ppm, part.supersample, part._scale = self.ppm, self.supersample, self._scale
        part.width = min(self.width - x, int(np.ceil((right - left) * self.ppm)) + 3)
        part.height = min(self.height - y, int(np.ceil((top - bottom) * self.ppm)) + 3)
        part.origin = (self.origin[0] - x, self.origin[1] - y)
        n = self.supersample
        part.image = np.zeros((part.height * n, part.width * n, 4), dtype=np.uint8)
        return part, (x, y)

    def sprite(self) -> Sprite:
        x, y, w, h = cv2.boundingRect(cv2.extractChannel(self.image, 3))
        n = self.supersample
        bgra = cv2.resize(self.image, (self.width, self.height), interpolation=cv2.INTER_AREA)
        return Sprite(bgra, self.origin, (x / n, y / n, (x + w) / n, (y + h) / n), self.ppm)
