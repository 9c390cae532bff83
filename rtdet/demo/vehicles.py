"""Cars, buses and trucks from the side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

import numpy as np

from rtdet.demo.canvas import WHITE, Canvas, Color, Point, Sprite, mix, round_corners, shade, smooth

WHEEL_POSES = 6
TYRE: Color = (38, 36, 35)
_GLASS: Color = (112, 90, 70)
_DARK: Color = (50, 48, 46)
_TAIL_LIGHT: Color = (40, 35, 200)
_HEAD_LIGHT: Color = (228, 243, 250)

# fmt: off
_PAINTS: list[Color] = [
    (45, 40, 175), (150, 80, 30), (235, 233, 230), (60, 58, 56), (175, 175, 172), (70, 110, 60),
    (40, 150, 215), (120, 60, 50), (95, 140, 165), (30, 25, 110), (190, 160, 90), (30, 95, 205),
]
_LENGTHS = {
    "sedan": (4.3, 4.8), "hatch": (3.7, 4.2), "suv": (4.2, 4.8), "van": (4.4, 5.0), "bus": (10.0, 12.0),
    "truck": (6.8, 9.0), "bicycle": (1.75, 1.75), "motorcycle": (2.05, 2.2),
}
_HEIGHTS = {"sedan": 1.5, "hatch": 1.58, "suv": 1.78, "van": 1.96, "bus": 3.2, "truck": 3.5}

# Outlines in metres for a car of 4 m, from the rear sill over the roof to the front sill.
_BODIES: dict[str, list[Point]] = {
    "sedan": [
        (-1.96, 0.26), (-2.0, 0.55), (-1.97, 0.9), (-1.45, 0.96), (-0.85, 1.4), (-0.3, 1.46), (0.2, 1.42),
        (0.9, 0.98), (1.75, 0.82), (1.99, 0.62), (1.97, 0.26),
    ],
    "hatch": [
        (-1.93, 0.26), (-2.0, 0.65), (-1.93, 0.98), (-1.55, 1.42), (-0.6, 1.54), (0.15, 1.48), (0.95, 1.02),
        (1.8, 0.86), (2.0, 0.6), (1.96, 0.26),
    ],
    "suv": [
        (-1.96, 0.34), (-2.0, 0.8), (-1.95, 1.12), (-1.65, 1.66), (-0.6, 1.74), (0.2, 1.68), (0.85, 1.16),
        (1.8, 1.04), (2.0, 0.75), (1.97, 0.34),
    ],
    "van": [
        (-1.97, 0.28), (-2.0, 0.9), (-1.96, 1.7), (-1.8, 1.86), (-0.4, 1.92), (0.75, 1.86), (1.4, 1.14),
        (1.85, 0.98), (2.0, 0.7), (1.97, 0.28),
    ],
}
_WINDOWS: dict[str, list[Point]] = {
    "sedan": [(-1.25, 0.98), (-0.78, 1.32), (-0.3, 1.37), (0.17, 1.33), (0.74, 0.98)],
    "hatch": [(-1.66, 1.02), (-1.4, 1.36), (-0.6, 1.44), (0.12, 1.39), (0.78, 1.02)],
    "suv": [(-1.68, 1.16), (-1.48, 1.56), (-0.6, 1.63), (0.16, 1.58), (0.7, 1.16)],
    "van": [(-1.75, 1.22), (-1.68, 1.71), (-0.4, 1.78), (0.7, 1.73), (1.18, 1.2)],
}
# fmt: on


@dataclass(frozen=True)
class Vehicle:
    """How a vehicle looks; `length` in metres, the rest of its size goes with the kind."""

    kind: str
    length: float
    paint: Color
    accent: Color
    spokes: int
    variant: int


def random_vehicle(rng: np.random.Generator, kind: str) -> Vehicle:
    """A vehicle of that kind at random."""
    paint = shade(_PAINTS[rng.integers(len(_PAINTS))], rng.uniform(0.85, 1.1))
    accent = shade(_PAINTS[rng.integers(len(_PAINTS))], rng.uniform(0.85, 1.1))
    return Vehicle(
        kind, rng.uniform(*_LENGTHS[kind]), paint, accent, int(rng.choice([5, 6, 7])), int(rng.integers(8))
    )


def draw_vehicle(vehicle: Vehicle, pose: int, ppm: float) -> Sprite:
    """A car, bus or truck that heads to the right; `pose` of WHEEL_POSES turns the wheels."""
    sprite = _body(vehicle, ppm)
    grid = _canvas(vehicle, ppm)
    radius, axles = _wheels(vehicle)
    turn = -2 * pi / vehicle.spokes * pose / WHEEL_POSES
    for x in axles:
        part, at = grid.cutout(x - radius, x + radius, 0.0, 2 * radius)
        draw_wheel(part, (x, radius), radius, vehicle.spokes, turn)
        sprite = sprite.overlaid(part.sprite(), at)
    return sprite


def _canvas(vehicle: Vehicle, ppm: float) -> Canvas:
    half = vehicle.length / 2 + 0.12
    return Canvas(-half, half, _HEIGHTS[vehicle.kind] + 0.05, ppm)


def _wheels(vehicle: Vehicle) -> tuple[float, list[float]]:
    """(radius, x of each axle)."""
    half = vehicle.length / 2
    if vehicle.kind == "bus":
        return 0.48, [-0.52 * half, 0.56 * half]
    if vehicle.kind == "truck":
        return 0.47, [-0.66 * half, -0.66 * half + 1.05, half - 1.0]
    return (0.35 if vehicle.kind in ("suv", "van") else 0.31), [-0.62 * half, 0.64 * half]


def draw_wheel(canvas: Canvas, center: Point, radius: float, spokes: int, turn: float) -> None:
    """A wheel with a rim of that many spokes, turned by `turn` radians."""
    x, y = center
    canvas.ellipse(center, radius, radius, TYRE)
    canvas.ellipse(center, 0.68 * radius, 0.68 * radius, (92, 90, 88))
    for k in range(spokes):
        angle = turn + 2 * pi * k / spokes
        tip = (x + 0.6 * radius * cos(angle), y + 0.6 * radius * sin(angle))
        canvas.limb(center, tip, 0.2 * radius, 0.14 * radius, (198, 196, 194))
    canvas.ring(center, 0.65 * radius, 0.07 * radius, (205, 203, 200))
    canvas.ellipse(center, 0.17 * radius, 0.17 * radius, (150, 148, 146))


@lru_cache(maxsize=32)
def _body(vehicle: Vehicle, ppm: float) -> Sprite:
    canvas = _canvas(vehicle, ppm)
    draw = {"bus": _draw_bus, "truck": _draw_truck}.get(vehicle.kind, _draw_car)
    draw(canvas, vehicle)
    return canvas.sprite()


def _arches(canvas: Canvas, vehicle: Vehicle) -> None:
    radius, axles = _wheels(vehicle)
    for x in axles:
        canvas.ellipse((x, radius), 1.14 * radius, 1.14 * radius, (26, 25, 24))


def _draw_car(canvas: Canvas, vehicle: Vehicle) -> None:
    stretch, paint = vehicle.length / 4.0, vehicle.paint
    body = [(x * stretch, y) for x, y in _BODIES[vehicle.kind]]
    glass = [(x * stretch, y) for x, y in _WINDOWS[vehicle.kind]]
    low, rear, front, waist = body[0][1], body[0][0], body[-1][0], glass[0][1]
    canvas.rect(rear + 0.06, low - 0.08, front - 0.06, low + 0.1, _DARK, 0.05)
    canvas.shaded(smooth(body, 2), paint, 1.14, 0.78)
    canvas.rect(rear + 0.35, low - 0.02, front - 0.35, low + 0.09, _DARK)
    crease = mix(paint, WHITE, 0.28)
    canvas.line([(rear + 0.1, waist - 0.13), (front - 0.4, waist - 0.17)], 0.035, crease)
    canvas.line([(rear + 0.1, low + 0.26), (front - 0.12, low + 0.26)], 0.03, shade(paint, 0.7))
    _glasshouse(canvas, glass, paint, stretch)
    for x in (-0.3 * stretch, 0.72 * stretch, -1.1 * stretch):
        canvas.line([(x, low + 0.13), (x, waist)], 0.016, shade(paint, 0.55))
    for x in (-0.47 * stretch, 0.55 * stretch):
        canvas.line([(x - 0.12, waist - 0.1), (x, waist - 0.1)], 0.035, shade(paint, 0.5))
    _arches(canvas, vehicle)
    nose = front + 0.01
    lamp = [
        (nose - 0.28, waist - 0.2),
        (nose - 0.06, waist - 0.32),
        (nose, waist - 0.42),
        (nose - 0.24, waist - 0.36),
    ]
    canvas.polygon(lamp, _HEAD_LIGHT, 1)
    canvas.rect(rear - 0.02, waist - 0.34, rear + 0.15, waist - 0.1, _TAIL_LIGHT, 0.05)
    mirror = [(0.6, 0.0), (0.75, 0.0), (0.72, 0.13), (0.58, 0.11)]
    canvas.polygon([(x * stretch, waist + y) for x, y in mirror], shade(paint, 0.75), 1)


def _glasshouse(canvas: Canvas, glass: list[Point], paint: Color, stretch: float) -> None:
    waist, top = glass[0][1], max(y for _, y in glass)
    tall = top - waist
    canvas.shaded(round_corners(glass, 0.1), _GLASS, 1.25, 0.85, 6)
    for x in (0.18 * stretch, -0.9 * stretch):
        canvas.rect(x - 0.2, waist, x + 0.12, waist + 0.3 * tall, shade(_GLASS, 0.55), 0.06)
        canvas.ellipse((x, waist + 0.52 * tall), 0.095, 0.125, shade(_GLASS, 0.5))
    streak = [
        (-0.62 * stretch, waist),
        (-0.44 * stretch, waist),
        (-0.2 * stretch, top - 0.06),
        (-0.38 * stretch, top - 0.06),
    ]
    canvas.polygon(streak, shade(_GLASS, 1.55))
    canvas.polygon(
        [(x + 0.66 * stretch, y) for x, y in streak[:2]]
        + [(0.3 * stretch, waist + 0.6 * tall), (0.2 * stretch, waist + 0.6 * tall)],
        shade(_GLASS, 1.4),
    )
    canvas.rect(glass[0][0] - 0.02, waist - 0.03, glass[-1][0] + 0.02, waist + 0.02, shade(paint, 0.82))
    pillars = [-0.3, -1.1] if glass[0][0] < -1.5 * stretch else [-0.3]
    for x in pillars:
        canvas.line([(x * stretch, waist), ((x - 0.03) * stretch, top - 0.05)], 0.09, shade(paint, 0.62))


def _draw_bus(canvas: Canvas, vehicle: Vehicle) -> None:
    half, paint = vehicle.length / 2, vehicle.paint
    outline = [(-half, 0.32), (-half, 3.12), (half - 0.15, 3.12), (half, 2.2), (half, 0.32)]
    canvas.shaded(round_corners(outline, 0.22), paint, 1.1, 0.82)
    canvas.rect(-half + 0.02, 0.3, half - 0.02, 0.5, shade(paint, 0.5), 0.08)
    canvas.rect(-half + 0.02, 0.98, half - 0.02, 1.14, vehicle.accent)
    canvas.rect(-half + 0.15, 1.38, half - 0.06, 2.52, (52, 46, 42), 0.12)
    count = 8
    width = (vehicle.length - 0.5) / count
    for k in range(count):
        _bus_window(canvas, -half + 0.22 + k * width, width - 0.08, (vehicle.variant * 7 + k * 5) % 3 > 0)
    for x in (half - 1.05, -0.12 * half):
        canvas.rect(x - 0.5, 0.45, x + 0.5, 2.52, shade(paint, 0.6), 0.05)
        for left in (x - 0.43, x + 0.04):
            canvas.rect(left, 0.65, left + 0.39, 2.42, shade(_GLASS, 1.15), 0.04)
    canvas.rect(half - 4.2, 2.62, half - 1.8, 2.95, (35, 32, 30), 0.05)
    for k in range(9):
        canvas.rect(half - 4.0 + 0.23 * k, 2.7, half - 3.86 + 0.23 * k, 2.87, (60, 190, 250))
    _arches(canvas, vehicle)
    canvas.rect(half - 0.16, 0.66, half, 0.92, _HEAD_LIGHT, 0.06)
    canvas.rect(-half, 0.72, -half + 0.12, 1.2, _TAIL_LIGHT, 0.05)
    canvas.line([(half - 0.02, 2.5), (half + 0.09, 2.45), (half + 0.09, 2.1)], 0.06, _DARK)


def _bus_window(canvas: Canvas, x: float, width: float, is_taken: bool) -> None:
    canvas.shaded([(x, 1.46), (x + width, 1.46), (x + width, 2.44), (x, 2.44)], _GLASS, 1.2, 0.9, 4)
    if is_taken:
        canvas.rect(x + 0.3, 1.46, x + 0.78, 1.72, shade(_GLASS, 0.5), 0.1)
        canvas.ellipse((x + 0.54, 1.87), 0.13, 0.17, shade(_GLASS, 0.48))
    streak = [(0.2, 1.46), (0.38, 1.46), (0.78, 2.44), (0.6, 2.44)]
    canvas.polygon([(x + dx, y) for dx, y in streak], shade(_GLASS, 1.4))


def _draw_truck(canvas: Canvas, vehicle: Vehicle) -> None:
    half = vehicle.length / 2
    cab = half - 2.0
    box = mix(vehicle.accent, (235, 235, 235), 0.75 if vehicle.variant % 2 else 0.1)
    canvas.rect(-half, 0.55, half - 0.3, 0.9, _DARK)
    canvas.shaded([(-half, 0.85), (cab - 0.1, 0.85), (cab - 0.1, 3.42), (-half, 3.42)], box, 1.06, 0.86)
    for x in np.arange(-half + 0.45, cab - 0.3, 0.62):
        canvas.line([(float(x), 0.9), (float(x), 3.36)], 0.022, shade(box, 0.84))
    canvas.rect(-half, 3.32, cab - 0.1, 3.42, shade(box, 0.78))
    canvas.rect(-half, 0.85, -half + 0.1, 3.42, shade(box, 0.78))
    canvas.rect(-half + 0.8, 1.75, cab - 1.0, 2.35, vehicle.paint, 0.12)
    canvas.line([(-half + 1.1, 2.05), (cab - 1.3, 2.05)], 0.13, WHITE)
    _truck_cab(canvas, vehicle.paint, cab, half)
    canvas.rect(-half, 0.62, -half + 0.12, 0.86, _TAIL_LIGHT)
    _arches(canvas, vehicle)


def _truck_cab(canvas: Canvas, paint: Color, cab: float, half: float) -> None:
    outline = [(cab, 0.5), (cab, 2.85), (half - 0.5, 2.75), (half - 0.04, 1.6), (half, 0.5)]
    canvas.shaded(round_corners(outline, 0.16), paint, 1.12, 0.84)
    window = [(cab + 0.6, 1.55), (cab + 0.62, 2.42), (half - 0.52, 2.42), (half - 0.2, 1.55)]
    canvas.shaded(round_corners(window, 0.1), _GLASS, 1.25, 0.85, 6)
    canvas.rect(cab + 0.72, 1.55, cab + 1.16, 1.75, shade(_GLASS, 0.5), 0.08)
    canvas.ellipse((cab + 0.95, 1.93), 0.13, 0.17, shade(_GLASS, 0.48))
    canvas.polygon(
        [(cab + 1.1, 1.6), (cab + 1.25, 1.6), (cab + 1.42, 2.36), (cab + 1.27, 2.36)], shade(_GLASS, 1.45)
    )
    canvas.line([(cab + 0.48, 0.75), (cab + 0.48, 2.5)], 0.025, shade(paint, 0.62))
    canvas.line([(cab + 0.6, 1.35), (cab + 0.85, 1.35)], 0.05, shade(paint, 0.5))
    canvas.rect(half - 0.3, 0.42, half + 0.04, 0.74, (60, 58, 56), 0.06)
    canvas.rect(half - 0.14, 0.82, half, 1.04, _HEAD_LIGHT, 0.05)
    canvas.line([(half - 0.2, 2.3), (half + 0.04, 2.25), (half + 0.04, 1.85)], 0.06, _DARK)
