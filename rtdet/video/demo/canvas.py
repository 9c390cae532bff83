"""Drawing of one object in metres, supersampled, into a patch that can be laid over a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rtdet.types import FloatArray, Image

Color = tuple[float, float, float]
Point = tuple[float, float]

_SHIFT = 4


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
        extent = (width - right, top, width - left, bottom)
        flipped = np.ascontiguousarray(self.bgra[:, ::-1])
        return Sprite(flipped, (width - self.origin[0], self.origin[1]), extent, self.ppm)


def shade(color: Color, factor: float) -> Color:
    """The colour made darker (factor < 1) or lighter."""
    b, g, r = (min(255.0, max(0.0, c * factor)) for c in color)
    return b, g, r


def mix(a: Color, b: Color, part: float) -> Color:
    """`a` with `part` of it replaced by `b`."""
    x, y, z = (p * (1 - part) + q * part for p, q in zip(a, b, strict=True))
    return x, y, z


def smooth(points: Sequence[Point], rounds: int = 2, *, closed: bool = True) -> FloatArray:
    """Chaikin's corner cutting: a polygon or polyline with rounded corners."""
    line = np.asarray(points, dtype=np.float64)
    for _ in range(rounds):
        after = np.roll(line, -1, axis=0) if closed else line[1:]
        before = line if closed else line[:-1]
        cut = np.stack([0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after], axis=1).reshape(-1, 2)
        line = cut if closed else np.concatenate([line[:1], cut, line[-1:]])
    return line


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
        supersample: int = 4,
    ) -> None:
        self.ppm, self.supersample = ppm, supersample
        pad = 2
        self.width = max(1, int(np.ceil((right - left) * ppm))) + 2 * pad
        self.height = max(1, int(np.ceil((top - bottom) * ppm))) + 2 * pad
        self.origin = (-left * ppm + pad, top * ppm + pad)
        self.image = np.zeros((self.height * supersample, self.width * supersample, 4), dtype=np.uint8)

    def _pixels(self, points: Iterable[Point] | FloatArray) -> np.ndarray:
        xy = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        scale = self.ppm * self.supersample
        x = xy[:, 0] * scale + self.origin[0] * self.supersample - 0.5
        y = -xy[:, 1] * scale + self.origin[1] * self.supersample - 0.5
        return np.rint(np.stack([x, y], axis=1) * (1 << _SHIFT)).astype(np.int32)

    def _thickness(self, width: float) -> int:
        return max(1, round(width * self.ppm * self.supersample))

    def polygon(self, points: Sequence[Point] | FloatArray, color: Color, rounds: int = 0) -> None:
        outline = smooth(list(points), rounds) if rounds else points
        cv2.fillPoly(self.image, [self._pixels(outline)], (*color, 255), cv2.LINE_8, _SHIFT)

    def rect(self, x0: float, y0: float, x1: float, y1: float, color: Color, rounds: int = 0) -> None:
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], color, rounds)

    def line(self, points: Sequence[Point] | FloatArray, width: float, color: Color) -> None:
        """A stroke with round ends and joints."""
        xy = self._pixels(points)
        cv2.polylines(self.image, [xy], False, (*color, 255), self._thickness(width), cv2.LINE_8, _SHIFT)

    def limb(self, a: Point, b: Point, width_a: float, width_b: float, color: Color) -> None:
        """A tapering stroke with round ends."""
        (ax, ay), (bx, by) = a, b
        length = max(1e-6, float(np.hypot(bx - ax, by - ay)))
        nx, ny = -(by - ay) / length / 2, (bx - ax) / length / 2
        quad = [
            (ax + nx * width_a, ay + ny * width_a), (bx + nx * width_b, by + ny * width_b),
            (bx - nx * width_b, by - ny * width_b), (ax - nx * width_a, ay - ny * width_a),
        ]  # fmt: skip
        self.polygon(quad, color)
        self.ellipse(a, width_a / 2, width_a / 2, color)
        self.ellipse(b, width_b / 2, width_b / 2, color)

    def ellipse(self, centre: Point, rx: float, ry: float, color: Color, angle: float = 0.0) -> None:
        turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
        x, y = rx * np.cos(turn), ry * np.sin(turn)
        c, s = np.cos(angle), np.sin(angle)
        self.polygon(np.stack([centre[0] + c * x - s * y, centre[1] + s * x + c * y], axis=1), color)

    def ring(self, centre: Point, radius: float, width: float, color: Color) -> None:
        turn = np.linspace(0, 2 * np.pi, 49)
        self.line(
            np.stack([centre[0] + radius * np.cos(turn), centre[1] + radius * np.sin(turn)], axis=1),
            width,
            color,
        )

    def light_from_above(self, top: float = 1.1, bottom: float = 0.72) -> None:
        """Makes the upper parts brighter than the lower ones."""
        ramp = np.linspace(top, bottom, self.image.shape[0], dtype=np.float32)[:, None, None]
        self.image[..., :3] = np.minimum(self.image[..., :3] * ramp, 255).astype(np.uint8)

    def sprite(self) -> Sprite:
        x, y, w, h = cv2.boundingRect(np.ascontiguousarray(self.image[..., 3]))
        n = self.supersample
        bgra = cv2.resize(self.image, (self.width, self.height), interpolation=cv2.INTER_AREA)
        return Sprite(bgra, self.origin, (x / n, y / n, (x + w) / n, (y + h) / n), self.ppm)


def stack(lower: Sprite, upper: Sprite) -> Sprite:
    """`upper` laid over `lower`; both of the same size and origin."""
    inverse = cv2.merge([cv2.bitwise_not(upper.bgra[..., 3])] * 4)
    bgra = cv2.add(cv2.multiply(lower.bgra, inverse, scale=1 / 255), upper.bgra)
    a, b = lower.extent, upper.extent
    extent = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
    return Sprite(bgra, lower.origin, extent, lower.ppm)
