"""Cars, buses and trucks from the side, and bicycles and motorcycles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

import numpy as np

from rtdet.video.demo.canvas import Canvas, Color, Point, Sprite, mix, shade, stack
from rtdet.video.demo.people import Person, draw_rider

WHEEL_POSES = 6
PEDAL_POSES = 16

PAINTS: list[Color] = [
    (45, 40, 175), (150, 80, 30), (235, 233, 230), (60, 58, 56), (175, 175, 172), (70, 110, 60), (40, 150, 215),
    (120, 60, 50), (95, 140, 165), (30, 25, 110), (190, 160, 90), (30, 95, 205),
]  # fmt: skip
GLASS: Color = (105, 82, 62)
_TYRE: Color = (38, 36, 35)


@dataclass(frozen=True)
class Vehicle:
    """How a vehicle looks. `kind` is a key of LENGTHS, `length` in metres."""

    kind: str
    length: float
    paint: Color
    accent: Color
    spokes: int
    variant: int


LENGTHS = {
    "sedan": (4.3, 4.8), "hatch": (3.7, 4.2), "suv": (4.2, 4.8), "van": (4.4, 5.0), "bus": (10.0, 12.0),
    "truck": (6.8, 9.0), "bicycle": (1.75, 1.75), "motorcycle": (2.05, 2.2),
}  # fmt: skip


def random_vehicle(rng: np.random.Generator, kind: str) -> Vehicle:
    """A vehicle of that kind at random."""
    paint = shade(PAINTS[rng.integers(len(PAINTS))], rng.uniform(0.85, 1.1))
    accent = shade(PAINTS[rng.integers(len(PAINTS))], rng.uniform(0.85, 1.1))
    return Vehicle(
        kind, rng.uniform(*LENGTHS[kind]), paint, accent, int(rng.choice([5, 6, 7])), int(rng.integers(8))
    )


# Outlines in metres for a car of 4 m, from the rear sill over the roof to the front sill.
_BODIES: dict[str, list[Point]] = {
    "sedan": [(-1.96, 0.26), (-2.0, 0.55), (-1.97, 0.9), (-1.45, 0.96), (-0.85, 1.4), (-0.3, 1.46), (0.2, 1.42), (0.9, 0.98), (1.75, 0.82), (1.99, 0.62), (1.97, 0.26)],
    "hatch": [(-1.93, 0.26), (-2.0, 0.65), (-1.93, 0.98), (-1.55, 1.42), (-0.6, 1.54), (0.15, 1.48), (0.95, 1.02), (1.8, 0.86), (2.0, 0.6), (1.96, 0.26)],
    "suv": [(-1.96, 0.34), (-2.0, 0.8), (-1.95, 1.12), (-1.65, 1.66), (-0.6, 1.74), (0.2, 1.68), (0.85, 1.16), (1.8, 1.04), (2.0, 0.75), (1.97, 0.34)],
    "van": [(-1.97, 0.28), (-2.0, 0.9), (-1.96, 1.7), (-1.8, 1.86), (-0.4, 1.92), (0.75, 1.86), (1.4, 1.14), (1.85, 0.98), (2.0, 0.7), (1.97, 0.28)],
}  # fmt: skip
_WINDOWS: dict[str, list[Point]] = {
    "sedan": [(-1.25, 0.98), (-0.78, 1.33), (-0.3, 1.38), (0.17, 1.34), (0.74, 0.98)],
    "hatch": [(-1.66, 1.02), (-1.4, 1.37), (-0.6, 1.46), (0.12, 1.4), (0.78, 1.02)],
    "suv": [(-1.68, 1.16), (-1.48, 1.57), (-0.6, 1.65), (0.16, 1.59), (0.7, 1.16)],
    "van": [(-1.75, 1.22), (-1.68, 1.72), (-0.4, 1.8), (0.7, 1.74), (1.18, 1.2)],
}  # fmt: skip
_HEIGHTS = {"sedan": 1.5, "hatch": 1.58, "suv": 1.78, "van": 1.96, "bus": 3.2, "truck": 3.5}


def draw_vehicle(vehicle: Vehicle, pose: int, ppm: float) -> Sprite:
    """A car, bus or truck that heads to the right; `pose` of WHEEL_POSES turns the wheels."""
    body = _body(vehicle, ppm)
    canvas = _canvas(vehicle, ppm)
    radius, axles = _wheels(vehicle)
    turn = -2 * pi / vehicle.spokes * pose / WHEEL_POSES
    for x in axles:
        draw_wheel(canvas, (x, radius), radius, vehicle.spokes, turn)
    return stack(body, canvas.sprite())


def _canvas(vehicle: Vehicle, ppm: float) -> Canvas:
    half = vehicle.length / 2 + 0.12
    return Canvas(-half, half, _HEIGHTS[vehicle.kind] + 0.05, ppm, supersample=3)


def _wheels(vehicle: Vehicle) -> tuple[float, list[float]]:
    half = vehicle.length / 2
    if vehicle.kind == "bus":
        return 0.48, [-0.52 * half, 0.56 * half]
    if vehicle.kind == "truck":
        return 0.47, [-0.66 * half, -0.66 * half + 1.05, half - 1.0]
    return (0.36 if vehicle.kind in ("suv", "van") else 0.32), [-0.62 * half, 0.64 * half]


def draw_wheel(canvas: Canvas, centre: Point, radius: float, spokes: int, turn: float) -> None:
    x, y = centre
    canvas.ellipse(centre, radius, radius, _TYRE)
    canvas.ellipse(centre, 0.68 * radius, 0.68 * radius, (92, 90, 88))
    for k in range(spokes):
        angle = turn + 2 * pi * k / spokes
        tip = (x + 0.6 * radius * cos(angle), y + 0.6 * radius * sin(angle))
        canvas.line([centre, tip], 0.17 * radius, (198, 196, 194))
    canvas.ring(centre, 0.65 * radius, 0.07 * radius, (205, 203, 200))
    canvas.ellipse(centre, 0.17 * radius, 0.17 * radius, (150, 148, 146))


@lru_cache(maxsize=64)
def _body(vehicle: Vehicle, ppm: float) -> Sprite:
    canvas = _canvas(vehicle, ppm)
    if vehicle.kind == "bus":
        _draw_bus(canvas, vehicle)
    elif vehicle.kind == "truck":
        _draw_truck(canvas, vehicle)
    else:
        _draw_car(canvas, vehicle)
    return canvas.sprite()


def _arches(canvas: Canvas, vehicle: Vehicle) -> None:
    radius, axles = _wheels(vehicle)
    for x in axles:
        canvas.ellipse((x, radius), 1.2 * radius, 1.2 * radius, (32, 30, 30))


def _draw_car(canvas: Canvas, vehicle: Vehicle) -> None:
    stretch, paint = vehicle.length / 4.0, vehicle.paint
    body = [(x * stretch, y) for x, y in _BODIES[vehicle.kind]]
    glass = [(x * stretch, y) for x, y in _WINDOWS[vehicle.kind]]
    waist = glass[0][1]
    canvas.polygon(body, paint, 2)
    canvas.light_from_above(1.12, 0.8)
    low, rear, front = body[0][1], body[0][0], body[-1][0]
    canvas.rect(rear + 0.05, low - 0.02, front - 0.05, low + 0.1, (48, 46, 45))
    canvas.line(
        [(rear + 0.08, waist - 0.13), (front - 0.35, waist - 0.16)], 0.035, mix(paint, (255, 255, 255), 0.3)
    )
    canvas.line([(rear + 0.1, 0.5), (front - 0.12, 0.5)], 0.03, shade(paint, 0.72))
    _glasshouse(canvas, glass, paint, stretch)
    for x in (-0.3 * stretch, 0.72 * stretch, -1.18 * stretch):
        canvas.line([(x, low + 0.13), (x, waist)], 0.016, shade(paint, 0.6))
    for x in (-0.52 * stretch, 0.0):
        canvas.line([(x - 0.2, waist - 0.09), (x - 0.08, waist - 0.09)], 0.035, shade(paint, 0.55))
    _arches(canvas, vehicle)
    canvas.polygon(
        [(front - 0.26, 0.82), (front - 0.02, 0.68), (front, 0.56), (front - 0.22, 0.64)], (235, 245, 250), 1
    )
    canvas.rect(rear - 0.02, 0.66, rear + 0.16, 0.86, (40, 35, 200), 1)
    canvas.polygon([(0.62 * stretch, waist), (0.76 * stretch, waist), (0.72 * stretch, waist + 0.13), (0.6 * stretch, waist + 0.1)], shade(paint, 0.8), 1)  # fmt: skip


def _glasshouse(canvas: Canvas, glass: list[Point], paint: Color, stretch: float) -> None:
    canvas.polygon(glass, GLASS, 1)
    waist, top = glass[0][1], max(y for _, y in glass)
    for x in (0.18 * stretch, -0.9 * stretch):
        canvas.ellipse((x, waist + 0.3 * (top - waist) + 0.08), 0.1, 0.13, shade(GLASS, 0.55))
        canvas.rect(x - 0.22, waist, x + 0.14, waist + 0.2 * (top - waist), shade(GLASS, 0.55))
    streak = [
        (-0.62 * stretch, waist),
        (-0.42 * stretch, waist),
        (-0.16 * stretch, top - 0.05),
        (-0.36 * stretch, top - 0.05),
    ]
    canvas.polygon(streak, shade(GLASS, 1.45))
    canvas.line([(glass[0][0], waist), (glass[-1][0], waist)], 0.05, shade(paint, 0.9))
    canvas.line([(-0.3 * stretch, waist), (-0.33 * stretch, top + 0.04)], 0.09, shade(paint, 0.8))
    if len(glass) > 4 and glass[0][0] < -1.5 * stretch:
        canvas.line([(-1.15 * stretch, waist), (-1.1 * stretch, top)], 0.08, shade(paint, 0.8))


def _draw_bus(canvas: Canvas, vehicle: Vehicle) -> None:
    half, paint = vehicle.length / 2, vehicle.paint
    outline = [
        (-half, 0.34),
        (-half, 2.9),
        (-half + 0.2, 3.15),
        (half - 0.3, 3.15),
        (half, 2.8),
        (half, 0.34),
    ]
    canvas.polygon(outline, paint, 2)
    canvas.light_from_above(1.1, 0.84)
    canvas.rect(-half + 0.02, 0.3, half - 0.02, 0.55, shade(paint, 0.5))
    canvas.rect(-half + 0.02, 0.95, half - 0.02, 1.12, vehicle.accent)
    canvas.rect(-half + 0.15, 1.4, half - 0.1, 2.5, (52, 46, 42))
    count = 7
    width = (vehicle.length - 1.4) / count
    for k in range(count):
        x = -half + 0.25 + k * width
        canvas.rect(x, 1.46, x + width - 0.08, 2.44, GLASS)
        if (vehicle.variant * 7 + k * 5) % 3:
            canvas.ellipse((x + 0.45, 1.86), 0.13, 0.17, shade(GLASS, 0.5))
            canvas.rect(x + 0.22, 1.46, x + 0.68, 1.7, shade(GLASS, 0.5))
        canvas.polygon(
            [(x + 0.2, 1.46), (x + 0.45, 1.46), (x + 0.85, 2.44), (x + 0.6, 2.44)], shade(GLASS, 1.3)
        )
    for x in (half - 1.05, -0.12 * half):
        canvas.rect(x - 0.48, 0.5, x + 0.48, 2.5, shade(paint, 0.62))
        for left in (x - 0.42, x + 0.04):
            canvas.rect(left, 0.7, left + 0.38, 2.4, shade(GLASS, 1.12))
    canvas.rect(half - 4.2, 2.62, half - 1.8, 2.95, (35, 32, 30))
    for k in range(9):
        canvas.rect(half - 4.0 + 0.23 * k, 2.7, half - 3.86 + 0.23 * k, 2.87, (60, 190, 250))
    _arches(canvas, vehicle)
    canvas.rect(half - 0.12, 0.7, half + 0.01, 0.95, (225, 240, 250), 1)
    canvas.rect(-half - 0.01, 0.8, -half + 0.1, 1.15, (40, 35, 200), 1)


def _draw_truck(canvas: Canvas, vehicle: Vehicle) -> None:
    half, paint = vehicle.length / 2, vehicle.paint
    cab = half - 2.0
    box = mix(vehicle.accent, (235, 235, 235), 0.75 if vehicle.variant % 2 else 0.1)
    canvas.rect(-half, 0.62, half - 0.3, 0.85, (52, 50, 48))
    canvas.rect(-half, 0.85, cab - 0.1, 3.4, box)
    canvas.light_from_above(1.06, 0.86)
    for x in np.arange(-half + 0.45, cab - 0.3, 0.62):
        canvas.line([(x, 0.9), (x, 3.36)], 0.022, shade(box, 0.86))
    canvas.rect(-half, 3.3, cab - 0.1, 3.4, shade(box, 0.8))
    canvas.rect(-half + 0.8, 1.75, cab - 1.0, 2.35, vehicle.paint)
    canvas.line([(-half + 1.1, 2.05), (cab - 1.3, 2.05)], 0.13, (240, 240, 240))
    outline = [
        (cab, 0.5),
        (cab, 2.62),
        (cab + 0.4, 2.78),
        (half - 0.45, 2.7),
        (half - 0.04, 1.6),
        (half, 0.5),
    ]
    canvas.polygon(outline, paint, 1)
    canvas.polygon(
        [(cab + 0.55, 1.55), (cab + 0.6, 2.42), (half - 0.52, 2.42), (half - 0.22, 1.55)], GLASS, 1
    )
    canvas.ellipse((cab + 0.95, 1.88), 0.14, 0.18, shade(GLASS, 0.5))
    canvas.polygon(
        [(cab + 1.1, 1.6), (cab + 1.25, 1.6), (cab + 1.5, 2.36), (cab + 1.35, 2.36)], shade(GLASS, 1.4)
    )
    canvas.line([(cab + 0.48, 0.7), (cab + 0.48, 2.5)], 0.025, shade(paint, 0.65))
    canvas.line([(cab + 0.6, 1.35), (cab + 0.85, 1.35)], 0.05, shade(paint, 0.5))
    canvas.rect(half - 0.25, 0.5, half + 0.04, 0.78, (60, 58, 56))
    canvas.rect(half - 0.1, 0.82, half + 0.02, 1.02, (225, 240, 250), 1)
    canvas.rect(-half - 0.02, 0.64, -half + 0.12, 0.84, (40, 35, 200))
    _arches(canvas, vehicle)


def _thin_wheel(canvas: Canvas, centre: Point, radius: float, turn: float) -> None:
    x, y = centre
    for k in range(9):
        angle = turn + pi * k / 9
        dx, dy = 0.95 * radius * cos(angle), 0.95 * radius * sin(angle)
        canvas.line([(x - dx, y - dy), (x + dx, y + dy)], 0.008, (165, 165, 165))
    canvas.ring(centre, radius - 0.028, 0.05, _TYRE)
    canvas.ring(centre, radius - 0.062, 0.018, (190, 190, 190))
    canvas.ellipse(centre, 0.04, 0.04, (90, 90, 90))


_CRANK: Point = (-0.06, 0.29)


def pedals(pose: int) -> tuple[Point, Point]:
    """(near, far) pedal of a bicycle."""
    angle = -2 * pi * pose / PEDAL_POSES
    dx, dy = 0.17 * cos(angle), 0.17 * sin(angle)
    return (_CRANK[0] + dx, _CRANK[1] + dy), (_CRANK[0] - dx, _CRANK[1] - dy)


def draw_bicycle(vehicle: Vehicle, pose: int, ppm: float) -> Sprite:
    """A bicycle that heads to the right, without its rider."""
    canvas = Canvas(-0.95, 0.95, 1.2, ppm)
    paint, turn = vehicle.paint, -2 * pi * pose / PEDAL_POSES * 2.0
    rear, front = (-0.53, 0.34), (0.53, 0.34)
    saddle, head, bars = (-0.24, 0.92), (0.36, 0.9), (0.42, 1.04)
    near, far = pedals(pose)
    canvas.line([_CRANK, far], 0.03, (70, 70, 70))
    for wheel in (rear, front):
        _thin_wheel(canvas, wheel, 0.34, turn)
    seat_tube = (-0.19, 0.78)
    for tube in (
        [_CRANK, seat_tube],
        [seat_tube, (0.37, 0.82)],
        [_CRANK, (0.39, 0.74)],
        [rear, _CRANK],
        [rear, seat_tube],
    ):
        canvas.line(tube, 0.042, paint)
    canvas.line([front, head, bars], 0.042, shade(paint, 0.85))
    canvas.line([bars, (0.5, 1.05), (0.54, 0.98)], 0.035, (45, 45, 45))
    canvas.line([seat_tube, saddle], 0.035, (140, 140, 140))
    canvas.polygon([(-0.4, 0.97), (-0.08, 0.94), (-0.12, 0.9), (-0.36, 0.9)], (40, 40, 45), 1)
    if vehicle.variant % 3 == 0:
        canvas.line([(-0.75, 0.74), (-0.3, 0.74)], 0.03, (60, 60, 60))
        canvas.rect(-0.74, 0.75, -0.4, 0.95, (70, 110, 150), 1)
    canvas.ellipse(_CRANK, 0.085, 0.085, (80, 80, 82))
    canvas.line([_CRANK, near], 0.035, (110, 110, 110))
    canvas.line([(near[0] - 0.06, near[1]), (near[0] + 0.06, near[1])], 0.03, (40, 40, 40))
    return canvas.sprite()


def draw_cyclist(person: Person, pose: int, ppm: float) -> Sprite:
    """The rider of that bicycle."""
    canvas = Canvas(-0.8, 1.0, 2.05, ppm)
    near, far = pedals(pose)
    feet = ((near[0] - 0.02, near[1] + 0.08), (far[0] - 0.02, far[1] + 0.08))
    draw_rider(canvas, person, (-0.22, 1.0), (0.46, 1.06), feet, lean=0.5, visor=False)
    canvas.light_from_above(1.08, 0.8)
    return canvas.sprite()


def draw_motorcycle(vehicle: Vehicle, pose: int, ppm: float) -> Sprite:
    """A motorcycle that heads to the right, without its rider."""
    canvas = Canvas(-1.2, 1.2, 1.35, ppm)
    paint, turn = vehicle.paint, -2 * pi / 5 * pose / WHEEL_POSES
    rear, front = (-0.7, 0.31), (0.74, 0.31)
    for wheel in (rear, front):
        draw_wheel(canvas, wheel, 0.31, 5, turn)
    canvas.line([rear, (-0.1, 0.42)], 0.09, (60, 60, 62))
    canvas.line([front, (0.48, 0.95)], 0.075, (150, 150, 152))
    canvas.rect(-0.32, 0.26, 0.32, 0.66, (75, 75, 78), 1)
    canvas.ellipse((0.05, 0.48), 0.17, 0.15, (120, 120, 122))
    canvas.line([(-0.1, 0.3), (-0.95, 0.4)], 0.1, (165, 165, 168))
    canvas.polygon([(-0.2, 0.62), (-0.1, 0.93), (0.2, 1.02), (0.5, 0.9), (0.42, 0.62)], paint, 2)
    canvas.polygon(
        [(-1.02, 0.95), (-0.55, 0.85), (-0.1, 0.88), (-0.18, 0.68), (-0.6, 0.66)], shade(paint, 0.85), 1
    )
    canvas.polygon([(-0.8, 0.98), (-0.4, 0.88), (-0.05, 0.94), (-0.1, 0.84), (-0.6, 0.82)], (38, 38, 42), 1)
    canvas.polygon([(0.4, 0.9), (0.45, 1.16), (0.62, 1.0), (0.68, 0.78), (0.52, 0.72)], paint, 1)
    canvas.ellipse((0.66, 0.88), 0.07, 0.09, (225, 240, 250))
    canvas.line([(0.45, 1.08), (0.3, 1.14)], 0.045, (40, 40, 40))
    canvas.line([(0.45, 0.58), (0.74, 0.66), (1.0, 0.52)], 0.06, shade(paint, 0.9))
    canvas.rect(-1.06, 0.82, -0.96, 0.92, (40, 35, 200), 1)
    return canvas.sprite()


def draw_motorcyclist(person: Person, pose: int, ppm: float) -> Sprite:
    """The rider of that motorcycle."""
    del pose
    canvas = Canvas(-0.9, 0.9, 1.95, ppm)
    draw_rider(
        canvas, person, (-0.38, 0.98), (0.32, 1.12), ((-0.12, 0.36), (-0.1, 0.38)), lean=0.35, visor=True
    )
    canvas.light_from_above(1.08, 0.8)
    return canvas.sprite()
