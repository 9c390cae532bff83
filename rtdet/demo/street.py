"""The picture of the street without traffic."""

from __future__ import annotations

import cv2
import numpy as np

from rtdet.demo.canvas import WHITE, Color, mix, shade
from rtdet.demo.facades import paint_facades
from rtdet.demo.painter import Painter
from rtdet.demo.placed import Sun
from rtdet.demo.view import FACADE, FAR_KERB, FAR_LANE, NEAR_KERB, NEAR_LANE, View
from rtdet.types import Image

_NEAR_END = 5.0


def paint_street(
    view: View, rng: np.random.Generator, margin: tuple[int, int], tint: tuple[float, float, float], sun: Sun
) -> Image:
    """The empty street as (height + 2 margin_y, width + 2 margin_x, 3) BGR."""
    painter = Painter(view, margin)
    _sky(painter, rng)
    paint_facades(painter, rng)
    stone = shade((170, 177, 182), rng.uniform(0.88, 1.05))
    _pavements(painter, rng, stone)
    _road(painter, rng, shade((92, 88, 86), rng.uniform(0.85, 1.15)))
    _kerbs(painter, stone)
    _greenery(painter, rng, sun)
    image = cv2.resize(painter.image, painter.size, interpolation=cv2.INTER_AREA)
    light = np.array(tint, dtype=np.float32) * _vignette(painter)
    return np.asarray(np.clip(image * light + _grain(painter, rng), 0, 255).astype(np.uint8))


def _vignette(painter: Painter) -> np.ndarray:
    """(H, 1, 1) gain: the ground grows brighter towards us."""
    return np.linspace(0.97, 1.04, painter.size[1], dtype=np.float32)[:, None, None]


def _grain(painter: Painter, rng: np.random.Generator) -> np.ndarray:
    """Fine noise everywhere, with coarser spots on the ground, so that flat areas look like material."""
    width, height = painter.size
    fine = rng.normal(0, 1.8, (height, width, 1)).astype(np.float32)
    coarse = rng.normal(0, 2.6, (max(2, height // 6), max(2, width // 14))).astype(np.float32)
    spots = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)[..., None]
    line = round(painter.point(0.0, FACADE)[1])
    spots[: max(0, line)] *= 0.25
    return np.asarray(fine + spots)


def _sky(painter: Painter, rng: np.random.Generator) -> None:
    height, width = painter.image.shape[:2]
    top = np.array([(225, 168, 105), (222, 195, 160)][int(rng.random() < 0.35)], dtype=np.float32)
    low = np.array((240, 234, 224), dtype=np.float32)
    ramp = np.minimum(np.linspace(0, 3.2, height, dtype=np.float32), 1)[:, None, None]
    cover = np.zeros((height // 8, width // 8), dtype=np.float32)
    for _ in range(9):
        x, y = rng.uniform(0, width / 8), rng.uniform(0, height / 28)
        for _ in range(8):
            center = (round(x + rng.normal(0, width / 150)), round(y + rng.normal(0, height / 450)))
            axes = (
                max(1, round(rng.uniform(0.5, 1) * width / 230)),
                max(1, round(rng.uniform(0.5, 1) * height / 420)),
            )
            cv2.ellipse(cover, center, axes, 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(cover, (0, 0), max(0.8, height / 1000))
    cloud = 0.75 * cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    sky = (top + (low - top) * ramp) * (1 - cloud) + 250 * cloud
    painter.image[:] = np.clip(sky, 0, 255).astype(np.uint8)


def _pavements(painter: Painter, rng: np.random.Generator, stone: Color) -> None:
    wide = painter.reach + 4
    painter.ground(-wide, wide, _NEAR_END, FACADE, stone)
    for near, far, size in ((_NEAR_END, NEAR_KERB, 0.9), (FAR_KERB, FACADE, 1.1)):
        for x in np.arange(-wide, wide, size):
            for depth in np.arange(near, far, size):
                tone = rng.random()
                if tone < 0.3:
                    painter.ground(
                        x, x + size, depth, min(depth + size, far), shade(stone, 0.965 + 0.2 * tone)
                    )
        joint = shade(stone, 0.88)
        for x in np.arange(-wide, wide, size):
            painter.ground(x, x + 0.025, near, far, joint)
        for depth in np.arange(near, far, size):
            painter.ground(-wide, wide, depth, depth + 0.04, joint)
    painter.ground(-wide, wide, FACADE - 0.5, FACADE, shade(stone, 0.86))


def _road(painter: Painter, rng: np.random.Generator, asphalt: Color) -> None:
    wide = painter.reach + 4
    painter.ground(-wide, wide, NEAR_KERB, FAR_KERB, asphalt)
    for lane in (NEAR_LANE, FAR_LANE):
        for side in (-0.8, 0.8):
            painter.ground(-wide, wide, lane + side - 0.3, lane + side + 0.3, shade(asphalt, 0.965))
    for _ in range(7):
        x, depth = rng.uniform(-wide, wide), rng.uniform(NEAR_KERB + 1, FAR_KERB - 3)
        painter.ground(
            x,
            x + rng.uniform(1, 4),
            depth,
            depth + rng.uniform(0.5, 1.4),
            shade(asphalt, rng.uniform(0.9, 1.06)),
        )
    for _ in range(3):
        x, depth = rng.uniform(-wide, wide), rng.choice([NEAR_LANE, FAR_LANE]) + rng.uniform(-0.4, 0.4)
        painter.blob(x, depth, 0, 0.36, 0.1, shade(asphalt, 0.62))
        painter.blob(x, depth, 0, 0.31, 0.08, shade(asphalt, 0.82))
    white = mix(asphalt, WHITE, 0.8)
    middle = (NEAR_LANE + FAR_LANE) / 2
    for x in np.arange(-wide, wide, 4.5):
        painter.ground(x, x + 2.2, middle - 0.08, middle + 0.08, white)
    for depth in (15.4, 23.0):
        for x in np.arange(-wide, wide, 1.4):
            painter.ground(x, x + 0.7, depth - 0.06, depth + 0.06, white)
    zebra = painter.view.crossing
    painter.ground(zebra - 2.2, zebra + 2.2, NEAR_KERB + 0.2, FAR_KERB - 0.2, asphalt)
    for depth in np.arange(NEAR_KERB + 0.5, FAR_KERB - 0.6, 1.1):
        painter.ground(zebra - 1.8, zebra + 1.8, depth, depth + 0.55, white)


def _kerbs(painter: Painter, stone: Color) -> None:
    wide = painter.reach + 4
    painter.ground(-wide, wide, NEAR_KERB, NEAR_KERB + 0.25, shade(stone, 0.5))
    painter.ground(-wide, wide, FAR_KERB - 0.7, FAR_KERB - 0.15, shade(stone, 0.45))
    painter.wall(-wide, wide, 0.0, 0.13, shade(stone, 0.72), FAR_KERB - 0.15)
    for depth in (NEAR_KERB, FAR_KERB):
        painter.ground(-wide, wide, depth - 0.15, depth + 0.15, shade(stone, 1.14))
        for x in np.arange(-wide, wide, 1.6):
            painter.ground(x, x + 0.03, depth - 0.15, depth + 0.15, shade(stone, 0.85))


def _greenery(painter: Painter, rng: np.random.Generator, sun: Sun) -> None:
    x = -painter.reach + rng.uniform(0, 6)
    while x < painter.reach:
        if abs(x - painter.view.crossing) > 3:
            (_tree if rng.random() < 0.75 else _planter)(painter, rng, x, sun)
        x += rng.uniform(5, 9)


def _tree(painter: Painter, rng: np.random.Generator, x: float, sun: Sun) -> None:
    depth = FACADE - 1.0
    painter.blob(x + 1.2 * sun.along, depth + 0.2, 0, 1.6, 0.2, (128, 134, 138))
    painter.ground(x - 0.6, x + 0.6, depth - 0.55, depth + 0.55, (70, 88, 100))
    painter.wall(x - 0.14, x + 0.14, 0, 3.2, (58, 75, 92), depth)
    lit_side = -0.14 if sun.along > 0 else 0.04
    painter.wall(x + lit_side, x + lit_side + 0.1, 0, 3.2, (82, 100, 118), depth)
    green = shade((60, 128, 92), rng.uniform(0.8, 1.12))
    leaves = []
    for _ in range(150):
        angle, radius = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random()) * 1.65
        dx, dy = radius * np.cos(angle), 0.85 * radius * np.sin(angle)
        up = 0.62 * dy - 0.35 * dx * np.sign(sun.along)
        leaves.append((up + rng.normal(0, 0.35), dx, dy, rng.uniform(0.16, 0.4)))
    painter.blob(x, depth, 4.3, 1.6, 1.3, shade(green, 0.66))
    for up, dx, dy, size in sorted(leaves):
        painter.blob(x + dx, depth, 4.3 + dy, size, 0.8 * size, shade(green, 0.92 + 0.17 * up))


def _planter(painter: Painter, rng: np.random.Generator, x: float, sun: Sun) -> None:
    depth = FACADE - 1.2
    painter.blob(x + 0.3 * sun.along, depth, 0, 1.2, 0.14, (128, 134, 138))
    painter.wall(x - 0.9, x + 0.9, 0, 0.55, (105, 120, 135), depth)
    painter.wall(x - 0.95, x + 0.95, 0.5, 0.6, (125, 140, 155), depth)
    for _ in range(40):
        bloom = rng.random() < 0.2
        color = shade((70, 90, 215) if bloom else (62, 125, 88), rng.uniform(0.75, 1.15))
        size = 0.07 if bloom else 0.18
        painter.blob(x + rng.uniform(-0.85, 0.85), depth, rng.uniform(0.65, 1.05), size, size, color)
