"""The street itself: its perspective, and the picture of it without traffic."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rtdet.types import Image
from rtdet.video.demo.canvas import Color, mix, shade

# Depths in metres from the camera: kerbs, lanes, pavements.
NEAR_KERB, FAR_KERB, FACADE = 13.4, 24.6, 29.0
NEAR_LANE, FAR_LANE = 17.2, 21.4
NEAR_CYCLES, FAR_CYCLES = 14.6, 23.7


@dataclass(frozen=True)
class View:
    """A pinhole camera above the near pavement, looking straight across the street.

    A point `x` metres to the right and `depth` away has its foot at
    (width / 2 + x * ppm, horizon + eye * ppm), where ppm = focal / depth.
    """

    width: int
    height: int
    horizon: float
    focal: float
    eye: float
    crossing: float
    """x of the zebra crossing in metres."""

    def ppm(self, depth: float) -> float:
        """Pixels per metre at that depth."""
        return self.focal / depth

    def foot(self, x: float, depth: float) -> tuple[float, float]:
        scale = self.focal / depth
        return self.width / 2 + x * scale, self.horizon + self.eye * scale

    def half_width(self, depth: float) -> float:
        """Half of what the picture spans at that depth, in metres."""
        return self.width / 2 / self.ppm(depth)


def random_view(rng: np.random.Generator, width: int, height: int) -> View:
    focal = rng.uniform(1.14, 1.32) * height
    half = width / 2 / (focal / NEAR_LANE)
    return View(
        width, height, rng.uniform(0.25, 0.3) * height, focal, rng.uniform(5.2, 5.8),
        rng.uniform(-0.45, 0.45) * min(half, 12.0),
    )  # fmt: skip


_WALLS: list[Color] = [
    (150, 175, 200), (120, 140, 185), (200, 205, 210), (165, 190, 205), (140, 160, 165), (175, 160, 150), (110, 125, 160),
    (190, 215, 225), (160, 175, 150),
]  # fmt: skip


class _Painter:
    """Draws on the picture of the empty street, twice as large and in metres."""

    def __init__(self, view: View, margin: tuple[int, int]) -> None:
        self.view, self.scale = view, 2
        self.margin = margin
        height, width = view.height + 2 * margin[1], view.width + 2 * margin[0]
        self.size = (width, height)
        self.image = np.zeros((height * 2, width * 2, 3), dtype=np.uint8)
        self.reach = view.half_width(FACADE) * (width / view.width) + 2

    def point(self, x: float, depth: float, up: float = 0.0) -> tuple[float, float]:
        px, py = self.view.foot(x, depth)
        return px + self.margin[0], py - up * self.view.ppm(depth) + self.margin[1]

    def fill(self, points: list[tuple[float, float]], color: Color) -> None:
        xy = np.rint((np.asarray(points) * self.scale - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(self.image, [xy], color, cv2.LINE_AA, 4)

    def wall(self, x0: float, x1: float, y0: float, y1: float, color: Color, depth: float = FACADE) -> None:
        """An upright rectangle that faces us."""
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        self.fill([self.point(x, depth, y) for x, y in corners], color)

    def ground(self, x0: float, x1: float, near: float, far: float, color: Color) -> None:
        """A rectangle that lies on the ground."""
        corners = [(x0, near), (x1, near), (x1, far), (x0, far)]
        self.fill([self.point(x, depth) for x, depth in corners], color)

    def blob(self, x: float, depth: float, up: float, rx: float, ry: float, color: Color) -> None:
        cx, cy = self.point(x, depth, up)
        k = self.view.ppm(depth) * self.scale * 16
        centre = (round((cx * self.scale - 0.5) * 16), round((cy * self.scale - 0.5) * 16))
        cv2.ellipse(self.image, centre, (round(rx * k), round(ry * k)), 0, 0, 360, color, -1, cv2.LINE_AA, 4)


def paint_street(view: View, rng: np.random.Generator, margin: tuple[int, int]) -> Image:
    """The empty street as (height + 2 margin_y, width + 2 margin_x, 3) BGR."""
    painter = _Painter(view, margin)
    _sky(painter, rng)
    _facades(painter, rng)
    _ground(painter, rng)
    _furniture(painter, rng)
    image = cv2.resize(painter.image, painter.size, interpolation=cv2.INTER_AREA)
    grain = rng.normal(0, 2.2, (image.shape[0], image.shape[1], 1)).astype(np.float32)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def _sky(painter: _Painter, rng: np.random.Generator) -> None:
    height = painter.image.shape[0]
    top, low = (
        np.array([(225, 170, 110), (225, 205, 180)][int(rng.random() < 0.4)]),
        np.array((238, 232, 222)),
    )
    ramp = np.linspace(0, 1, height)[:, None, None] * 2
    painter.image[:] = np.clip(top + (low - top) * np.minimum(ramp, 1), 0, 255).astype(np.uint8)


def _facades(painter: _Painter, rng: np.random.Generator) -> None:
    x = -painter.reach - rng.uniform(0, 4)
    while x < painter.reach:
        width = rng.uniform(6.5, 12)
        _building(painter, rng, x, x + width)
        x += width


def _building(painter: _Painter, rng: np.random.Generator, x0: float, x1: float) -> None:
    color = shade(_WALLS[rng.integers(len(_WALLS))], rng.uniform(0.8, 1.05))
    floor = rng.uniform(3.0, 3.5)
    floors = int(rng.integers(2, 5))
    top = 3.6 + floors * floor
    painter.wall(x0, x1, 0, top, color)
    painter.wall(x0, x1, top - 0.3, top + 0.25, shade(color, 0.8))
    count = max(2, round((x1 - x0) / rng.uniform(2.0, 2.8)))
    pitch = (x1 - x0) / count
    tall = rng.uniform(1.5, 2.0)
    frame = mix(color, (245, 245, 245), 0.6)
    for level in range(floors):
        base = 3.6 + level * floor + 0.7
        for k in range(count):
            _window(painter, rng, x0 + (k + 0.5) * pitch, base, tall, frame)
    painter.wall(x0, x1, 3.3, 3.55, shade(color, 0.82))
    _shop(painter, rng, x0, x1)
    painter.wall(x1 - 0.12, x1, 0, top, shade(color, 0.75))


def _window(
    painter: _Painter, rng: np.random.Generator, x: float, base: float, tall: float, frame: Color
) -> None:
    glass = mix((150, 125, 95), (215, 195, 165), rng.random() * 0.7)
    painter.wall(x - 0.62, x + 0.62, base - 0.1, base + tall + 0.1, frame)
    painter.wall(x - 0.52, x + 0.52, base, base + tall, glass)
    if rng.random() < 0.35:
        painter.wall(x - 0.52, x + 0.52, base + tall * rng.uniform(0.4, 0.8), base + tall, (205, 215, 222))
    painter.wall(x - 0.03, x + 0.03, base, base + tall, frame)
    painter.wall(x - 0.75, x + 0.75, base - 0.22, base - 0.1, shade(frame, 0.85))


def _shop(painter: _Painter, rng: np.random.Generator, x0: float, x1: float) -> None:
    trim = shade(_WALLS[rng.integers(len(_WALLS))], rng.uniform(0.35, 0.6))
    painter.wall(x0 + 0.3, x1 - 0.3, 0, 3.2, trim)
    door = rng.uniform(x0 + 1.2, x1 - 1.6)
    for a, b in ((x0 + 0.5, door - 0.65), (door + 0.65, x1 - 0.5)):
        if b - a > 0.6:
            painter.wall(a, b, 0.55, 2.5, (120, 105, 88))
            for _ in range(int((b - a) * 1.6)):
                sx = rng.uniform(a + 0.1, b - 0.4)
                tone = shade(_WALLS[rng.integers(len(_WALLS))], rng.uniform(0.4, 0.9))
                painter.wall(sx, sx + rng.uniform(0.15, 0.35), 0.55, rng.uniform(0.8, 1.7), tone)
    painter.wall(door - 0.5, door + 0.5, 0, 2.45, (95, 80, 66))
    painter.wall(door - 0.4, door + 0.4, 0.9, 2.3, (165, 145, 120))
    sign = shade(_WALLS[rng.integers(len(_WALLS))], rng.uniform(0.5, 1.1))
    painter.wall(x0 + 0.4, x1 - 0.4, 2.62, 3.15, sign)
    if rng.random() < 0.5:
        stripes = max(4, int((x1 - x0 - 1) / 0.45))
        for k in range(stripes):
            a = x0 + 0.5 + (x1 - x0 - 1) * k / stripes
            b = x0 + 0.5 + (x1 - x0 - 1) * (k + 1) / stripes
            tone = sign if k % 2 else (238, 240, 242)
            painter.fill([painter.point(a, FACADE, 2.9), painter.point(b, FACADE, 2.9), painter.point(b, FACADE - 1.3, 2.35), painter.point(a, FACADE - 1.3, 2.35)], tone)  # fmt: skip


def _ground(painter: _Painter, rng: np.random.Generator) -> None:
    wide = painter.reach + 4
    stone = shade((168, 174, 178), rng.uniform(0.88, 1.08))
    near_end = 5.0
    painter.ground(-wide, wide, near_end, FACADE, stone)
    for near, far in ((near_end, NEAR_KERB), (FAR_KERB, FACADE)):
        for x in np.arange(-wide, wide, 1.2):
            painter.ground(x, x + 0.035, near, far, shade(stone, 0.9))
        for depth in np.arange(near, far, 1.2):
            painter.ground(-wide, wide, depth, depth + 0.045, shade(stone, 0.9))
    asphalt = shade((92, 88, 86), rng.uniform(0.85, 1.15))
    painter.ground(-wide, wide, NEAR_KERB, FAR_KERB, asphalt)
    for _ in range(60):
        x, depth = rng.uniform(-wide, wide), rng.uniform(NEAR_KERB + 0.5, FAR_KERB - 0.5)
        painter.blob(
            x,
            depth,
            0,
            rng.uniform(0.2, 1.4),
            rng.uniform(0.02, 0.1),
            shade(asphalt, rng.uniform(0.94, 1.05)),
        )
    _markings(painter, asphalt)
    for depth in (NEAR_KERB, FAR_KERB):
        painter.ground(-wide, wide, depth - 0.15, depth + 0.15, shade(stone, 1.18))
    painter.wall(-wide, wide, 0.0, 0.14, shade(stone, 0.7), FAR_KERB - 0.15)


def _markings(painter: _Painter, asphalt: Color) -> None:
    white = mix(asphalt, (240, 240, 240), 0.82)
    wide = painter.reach + 4
    middle = (NEAR_LANE + FAR_LANE) / 2
    for x in np.arange(-wide, wide, 4.5):
        painter.ground(x, x + 2.2, middle - 0.09, middle + 0.09, white)
    for depth in (15.4, 23.0):
        for x in np.arange(-wide, wide, 1.4):
            painter.ground(x, x + 0.7, depth - 0.07, depth + 0.07, white)
    zebra = painter.view.crossing
    painter.ground(zebra - 2.2, zebra + 2.2, NEAR_KERB + 0.2, FAR_KERB - 0.2, asphalt)
    for depth in np.arange(NEAR_KERB + 0.5, FAR_KERB - 0.6, 1.1):
        painter.ground(zebra - 1.8, zebra + 1.8, depth, depth + 0.55, white)


def _furniture(painter: _Painter, rng: np.random.Generator) -> None:
    x = -painter.reach + rng.uniform(0, 6)
    while x < painter.reach:
        if abs(x - painter.view.crossing) > 3:
            (_tree if rng.random() < 0.7 else _lamp)(painter, rng, x)
        x += rng.uniform(5, 9)


def _tree(painter: _Painter, rng: np.random.Generator, x: float) -> None:
    depth = FACADE - 1.0
    painter.blob(x + 0.6, depth, 0, 1.8, 0.22, (125, 130, 132))
    painter.wall(x - 0.14, x + 0.14, 0, 3.0, (58, 75, 92), depth)
    painter.wall(x - 0.14, x - 0.04, 0, 3.0, (80, 98, 116), depth)
    green = shade((55, 125, 85), rng.uniform(0.75, 1.15))
    for _ in range(70):
        angle, radius = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random()) * 1.7
        dx, dy = radius * np.cos(angle), 0.85 * radius * np.sin(angle)
        size = rng.uniform(0.25, 0.5)
        painter.blob(
            x + dx,
            depth,
            4.3 + dy,
            size,
            size * 0.8,
            shade(green, 0.85 + 0.2 * (dy - dx * 0.5) + rng.uniform(-0.08, 0.08)),
        )


def _lamp(painter: _Painter, rng: np.random.Generator, x: float) -> None:
    del rng
    depth = FAR_KERB + 0.5
    painter.wall(x - 0.06, x + 0.06, 0, 5.2, (70, 68, 66), depth)
    painter.wall(x - 0.06, x + 1.0, 5.1, 5.2, (70, 68, 66), depth)
    painter.wall(x + 0.6, x + 1.1, 4.98, 5.1, (200, 225, 235), depth)
