"""The row of houses on the far side."""

from __future__ import annotations

import numpy as np

from rtdet.demo.canvas import Color, mix, shade
from rtdet.demo.painter import Painter
from rtdet.demo.view import FACADE

_SHOP_TOP = 3.3

# fmt: off
_WALLS: list[Color] = [
    (150, 175, 200), (120, 140, 185), (200, 205, 210), (165, 190, 205), (140, 160, 165), (175, 160, 150),
    (110, 125, 160), (190, 215, 225), (160, 175, 150), (150, 190, 225),
]
# fmt: on


def _wall_color(rng: np.random.Generator, low: float, high: float) -> Color:
    return shade(_WALLS[rng.integers(len(_WALLS))], rng.uniform(low, high))


def paint_facades(painter: Painter, rng: np.random.Generator) -> None:
    """Houses from one end of the street to the other."""
    x = -painter.reach - rng.uniform(0, 4)
    # Neighbours differ: the colours go round in a random order.
    colors = [_WALLS[k] for k in rng.permutation(len(_WALLS))]
    number = 0
    while x < painter.reach:
        width = rng.uniform(6.5, 12)
        _house(painter, rng, x, x + width, shade(colors[number % len(colors)], rng.uniform(0.82, 1.05)))
        x, number = x + width, number + 1


def _house(painter: Painter, rng: np.random.Generator, x0: float, x1: float, color: Color) -> None:
    storey, storeys = rng.uniform(2.9, 3.4), int(rng.choice([1, 2, 2, 3]))
    top = _SHOP_TOP + 0.3 + storeys * storey
    _roof(painter, rng, x0, x1, top)
    painter.wall(x0, x1, 0, top, color)
    for k in range(6):
        painter.wall(x0, x1, top - 0.5 * (k + 1), top - 0.5 * k, shade(color, 0.9 + 0.018 * k))
    painter.wall(x0 - 0.1, x1 + 0.1, top - 0.18, top + 0.2, mix(shade(color, 0.85), (230, 230, 230), 0.35))
    if rng.random() < 0.35:
        for y in np.arange(_SHOP_TOP + 0.4, top - 0.3, 0.34):
            painter.wall(x0, x1, y, y + 0.05, shade(color, 0.93))
    count = max(2, round((x1 - x0) / rng.uniform(2.0, 2.8)))
    pitch, tall = (x1 - x0) / count, rng.uniform(1.5, 1.9)
    frame, has_balconies = mix(color, (245, 245, 245), 0.6), rng.random() < 0.3
    for level in range(storeys):
        base = _SHOP_TOP + 0.3 + level * storey + 0.7
        for k in range(count):
            _window(painter, rng, x0 + (k + 0.5) * pitch, base, tall, frame)
            if has_balconies and level and k % 2 == 0:
                _balcony(painter, x0 + (k + 0.5) * pitch, base)
    painter.wall(x0, x1, _SHOP_TOP - 0.1, _SHOP_TOP + 0.2, shade(color, 0.82))
    _shop(painter, rng, x0, x1)
    painter.wall(x1 - 0.1, x1, 0, top, shade(color, 0.75))


def _roof(painter: Painter, rng: np.random.Generator, x0: float, x1: float, top: float) -> None:
    tile = [(70, 85, 135), (85, 85, 95), (60, 70, 105)][int(rng.integers(3))]
    high = rng.uniform(1.4, 2.6)
    for _ in range(int(rng.integers(0, 3))):
        x = rng.uniform(x0 + 1, x1 - 2)
        painter.wall(x, x + 0.8, top, top + high + 0.9, (95, 115, 150))
        painter.wall(x - 0.08, x + 0.88, top + high + 0.75, top + high + 0.95, (80, 95, 120))
    slope = rng.uniform(0.3, 1.4)
    corners = [(x0, top), (x1, top), (x1 - slope, top + high), (x0 + slope, top + high)]
    painter.fill([painter.point(x, FACADE, y) for x, y in corners], tile)
    for k in range(1, 6):
        y, inset = top + high * k / 6, slope * k / 6
        painter.wall(x0 + inset, x1 - inset, y, y + 0.05, shade(tile, 0.82))


def _window(
    painter: Painter, rng: np.random.Generator, x: float, base: float, tall: float, frame: Color
) -> None:
    glass = mix((140, 112, 85), (215, 195, 165), rng.random() * 0.6)
    painter.wall(x - 0.62, x + 0.62, base - 0.1, base + tall + 0.12, frame)
    painter.wall(x - 0.52, x + 0.52, base, base + tall, shade(glass, 0.85))
    painter.wall(x - 0.52, x + 0.52, base, base + 0.55 * tall, glass)
    style = rng.random()
    if style < 0.3:
        painter.wall(x - 0.52, x + 0.52, base + tall * rng.uniform(0.4, 0.8), base + tall, (200, 212, 220))
    elif style < 0.55:
        for side in (-1, 1):
            painter.wall(x + side * 0.52 - 0.14, x + side * 0.52 + 0.14, base, base + tall, (215, 222, 228))
    painter.wall(x - 0.03, x + 0.03, base, base + tall, frame)
    painter.wall(x - 0.52, x + 0.52, base + 0.62 * tall, base + 0.66 * tall, frame)
    painter.wall(x - 0.52, x + 0.52, base + tall - 0.08, base + tall, shade(glass, 0.5))
    painter.wall(x - 0.75, x + 0.75, base - 0.22, base - 0.1, shade(frame, 0.9))
    painter.wall(x - 0.75, x + 0.75, base - 0.3, base - 0.22, shade(frame, 0.62))


def _balcony(painter: Painter, x: float, base: float) -> None:
    iron = (60, 58, 56)
    painter.wall(x - 0.95, x + 0.95, base - 0.3, base - 0.14, (150, 155, 160))
    painter.wall(x - 0.92, x + 0.92, base + 0.7, base + 0.76, iron)
    for k in range(13):
        bar = x - 0.9 + 0.15 * k
        painter.wall(bar - 0.015, bar + 0.015, base - 0.14, base + 0.72, iron)


def _shop(painter: Painter, rng: np.random.Generator, x0: float, x1: float) -> None:
    trim = _wall_color(rng, 0.35, 0.6)
    painter.wall(x0 + 0.3, x1 - 0.3, 0, 3.2, trim)
    door = rng.uniform(x0 + 1.2, x1 - 1.6)
    for a, b in ((x0 + 0.5, door - 0.65), (door + 0.65, x1 - 0.5)):
        if b - a > 0.6:
            _shop_window(painter, rng, a, b)
    painter.wall(door - 0.5, door + 0.5, 0, 2.45, shade(trim, 0.75))
    painter.wall(door - 0.4, door + 0.4, 0.5, 2.3, (160, 145, 125))
    painter.wall(door + 0.28, door + 0.33, 0.95, 1.3, (190, 210, 220))
    sign = _wall_color(rng, 0.5, 1.1)
    painter.wall(x0 + 0.4, x1 - 0.4, 2.62, 3.15, sign)
    ink = (235, 240, 242) if sum(sign) < 420 else (50, 45, 45)
    letter = x0 + rng.uniform(1.0, 2.0)
    for _ in range(int(rng.integers(4, 9))):
        if letter < x1 - 1.2:
            painter.wall(letter, letter + rng.uniform(0.12, 0.26), 2.76, 3.02, ink)
        letter += rng.uniform(0.3, 0.4)
    if rng.random() < 0.5:
        _awning(painter, x0 + 0.5, x1 - 0.5, _wall_color(rng, 0.45, 0.8))


def _shop_window(painter: Painter, rng: np.random.Generator, a: float, b: float) -> None:
    inside = mix((95, 88, 80), (120, 165, 200), rng.random() * 0.6)
    for k in range(5):
        painter.wall(a, b, 0.5 + 0.4 * k, 0.9 + 0.4 * k, shade(inside, 0.82 + 0.08 * k))
    for _ in range(int((b - a) * 1.6)):
        x = rng.uniform(a + 0.1, b - 0.4)
        tone = mix(_wall_color(rng, 0.5, 0.95), inside, 0.35)
        painter.wall(x, x + rng.uniform(0.15, 0.35), 0.5, rng.uniform(0.8, 1.6), tone)
    glare = mix(inside, (235, 230, 225), 0.28)
    x = a + rng.uniform(0.1, 0.4) * (b - a)
    corners = [(x, 0.5), (min(x + 0.35, b), 0.5), (min(x + 0.95, b), 2.5), (min(x + 0.6, b), 2.5)]
    painter.fill([painter.point(px, FACADE, py) for px, py in corners], glare)
    painter.wall(a, b, 2.4, 2.5, shade(inside, 0.6))


def _awning(painter: Painter, x0: float, x1: float, color: Color) -> None:
    count = max(4, int((x1 - x0) / 0.45))
    for k in range(count):
        a, b = x0 + (x1 - x0) * k / count, x0 + (x1 - x0) * (k + 1) / count
        tone = color if k % 2 else (235, 238, 240)
        corners = [(a, FACADE, 2.95), (b, FACADE, 2.95), (b, FACADE - 1.3, 2.3), (a, FACADE - 1.3, 2.3)]
        painter.fill([painter.point(*corner) for corner in corners], tone)
        painter.wall(a, b, 2.12, 2.3, shade(tone, 0.86), FACADE - 1.3)
