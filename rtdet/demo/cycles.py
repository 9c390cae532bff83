"""Bicycles and motorcycles from the side, and those who ride them."""

from __future__ import annotations

from math import acos, atan2, cos, hypot, pi, sin

from rtdet.demo.canvas import Canvas, Color, Point, Sprite, shade
from rtdet.demo.people import EYES
from rtdet.demo.vehicles import TYRE, WHEEL_POSES, Vehicle, draw_wheel
from rtdet.demo.wardrobe import Person

PEDAL_POSES = 16

_CRANK: Point = (-0.06, 0.29)
_LIGHT_GRAY: Color = (190, 190, 190)


def _thin_wheel(canvas: Canvas, center: Point, radius: float, turn: float) -> None:
    x, y = center
    for k in range(7):
        angle = turn + pi * k / 7
        dx, dy = 0.95 * radius * cos(angle), 0.95 * radius * sin(angle)
        canvas.line([(x - dx, y - dy), (x + dx, y + dy)], 0.008, (165, 165, 165))
    canvas.ring(center, radius - 0.026, 0.052, TYRE)
    canvas.ring(center, radius - 0.062, 0.018, _LIGHT_GRAY)
    canvas.ellipse(center, 0.04, 0.04, (90, 90, 90))


def _pedals(pose: int) -> tuple[Point, Point]:
    """(near, far) pedal of a bicycle."""
    angle = -2 * pi * pose / PEDAL_POSES
    dx, dy = 0.17 * cos(angle), 0.17 * sin(angle)
    return (_CRANK[0] + dx, _CRANK[1] + dy), (_CRANK[0] - dx, _CRANK[1] - dy)


def draw_bicycle(vehicle: Vehicle, pose: int, ppm: float) -> Sprite:
    """A bicycle that heads to the right, without its rider; `pose` of PEDAL_POSES turns the pedals."""
    canvas = Canvas(-0.95, 0.95, 1.2, ppm, supersample=4)
    paint, turn = vehicle.paint, -2 * pi / 7 * (pose % 5) / 5
    rear, front = (-0.53, 0.34), (0.53, 0.34)
    saddle, head, bars = (-0.24, 0.92), (0.36, 0.9), (0.42, 1.04)
    near, far = _pedals(pose)
    canvas.line([_CRANK, far], 0.03, (70, 70, 70))
    for wheel in (rear, front):
        _thin_wheel(canvas, wheel, 0.34, turn)
    seat = (-0.19, 0.78)
    for tube in ([_CRANK, seat], [seat, (0.37, 0.82)], [_CRANK, (0.39, 0.74)], [rear, _CRANK], [rear, seat]):
        canvas.line(tube, 0.046, paint)
    canvas.line([front, head, bars], 0.046, shade(paint, 0.85))
    canvas.line([bars, (0.5, 1.05), (0.54, 0.98)], 0.035, (45, 45, 45))
    canvas.line([seat, saddle], 0.035, (140, 140, 140))
    canvas.polygon([(-0.4, 0.97), (-0.08, 0.94), (-0.12, 0.9), (-0.36, 0.9)], (40, 40, 45), 1)
    if vehicle.variant % 3 == 0:
        canvas.line([(-0.75, 0.74), (-0.3, 0.74)], 0.03, (60, 60, 60))
        canvas.rect(-0.74, 0.75, -0.42, 0.95, (70, 110, 150), 0.04)
    elif vehicle.variant % 3 == 1:
        canvas.polygon([(0.48, 0.72), (0.8, 0.72), (0.86, 0.95), (0.46, 0.95)], (80, 120, 150))
    canvas.ellipse(_CRANK, 0.085, 0.085, (80, 80, 82))
    canvas.line([_CRANK, near], 0.035, (110, 110, 110))
    canvas.line([(near[0] - 0.06, near[1]), (near[0] + 0.06, near[1])], 0.03, (40, 40, 40))
    return canvas.sprite()


def draw_cyclist(person: Person, pose: int, ppm: float) -> Sprite:
    """The rider of that bicycle."""
    canvas = Canvas(-0.75, 0.85, 2.05, ppm)
    near, far = _pedals(pose)
    feet = ((near[0] - 0.02, near[1] + 0.08), (far[0] - 0.02, far[1] + 0.08))
    _draw_rider(canvas, person, (-0.22, 1.0), (0.46, 1.06), feet, lean=0.45, is_helmeted=False)
    return canvas.sprite()


def draw_motorcycle(vehicle: Vehicle, pose: int, ppm: float) -> Sprite:
    """A motorcycle that heads to the right, without its rider; `pose` of WHEEL_POSES turns the wheels."""
    canvas = Canvas(-1.2, 1.2, 1.35, ppm)
    paint, turn = vehicle.paint, -2 * pi / 5 * pose / WHEEL_POSES
    rear, front = (-0.7, 0.31), (0.74, 0.31)
    for wheel in (rear, front):
        draw_wheel(canvas, wheel, 0.31, 5, turn)
    canvas.line([rear, (-0.1, 0.42)], 0.09, (60, 60, 62))
    canvas.line([front, (0.48, 0.95)], 0.075, (150, 150, 152))
    canvas.rect(-0.32, 0.26, 0.32, 0.66, (75, 75, 78), 0.08)
    canvas.ellipse((0.05, 0.48), 0.17, 0.15, (120, 120, 122))
    canvas.line([(-0.1, 0.3), (-0.95, 0.4)], 0.1, (165, 165, 168))
    tank = [(-0.2, 0.62), (-0.1, 0.93), (0.2, 1.02), (0.5, 0.9), (0.42, 0.62)]
    canvas.polygon(tank, paint, 2)
    canvas.line([(0.0, 0.9), (0.2, 0.94), (0.36, 0.88)], 0.04, shade(paint, 1.4))
    canvas.polygon(
        [(-1.02, 0.95), (-0.55, 0.85), (-0.1, 0.88), (-0.18, 0.68), (-0.6, 0.66)], shade(paint, 0.85), 1
    )
    canvas.polygon([(-0.8, 0.98), (-0.4, 0.88), (-0.05, 0.94), (-0.1, 0.84), (-0.6, 0.82)], (38, 38, 42), 1)
    canvas.polygon([(0.4, 0.9), (0.45, 1.16), (0.62, 1.0), (0.68, 0.78), (0.52, 0.72)], paint, 1)
    canvas.ellipse((0.66, 0.88), 0.07, 0.09, (225, 240, 250))
    canvas.line([(0.45, 1.08), (0.3, 1.14)], 0.045, (40, 40, 40))
    canvas.line([(0.45, 0.58), (0.74, 0.66), (1.0, 0.52)], 0.06, shade(paint, 0.9))
    canvas.rect(-1.06, 0.82, -0.96, 0.92, (40, 35, 200), 0.03)
    return canvas.sprite()


def draw_motorcyclist(person: Person, ppm: float) -> Sprite:
    """The rider of that motorcycle."""
    canvas = Canvas(-0.8, 0.8, 1.95, ppm)
    feet = ((-0.12, 0.36), (-0.1, 0.38))
    _draw_rider(canvas, person, (-0.38, 0.98), (0.32, 1.12), feet, lean=0.35, is_helmeted=True)
    return canvas.sprite()


def _between_bones(start: Point, end: Point, first: float, second: float, *, forward: bool) -> Point:
    """The joint between two bones that reach from `start` to `end` (law of cosines)."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    reach = min(max(hypot(dx, dy), 1e-6), 0.999 * (first + second))
    bend = acos(min(1.0, max(-1.0, (first**2 + reach**2 - second**2) / (2 * first * reach))))
    angle = atan2(dy, dx) + (bend if forward else -bend)
    return start[0] + first * cos(angle), start[1] + first * sin(angle)


def _draw_rider(
    canvas: Canvas,
    person: Person,
    hip: Point,
    hands: Point,
    feet: tuple[Point, Point],
    *,
    lean: float,
    is_helmeted: bool,
) -> None:
    """Someone seated, facing right: hands on the bars, feet (near, far) on pedals or pegs."""
    shoulder = (hip[0] + 0.5 * sin(lean), hip[1] + 0.5 * cos(lean))
    for foot, light in ((feet[1], 0.66), (feet[0], 1.0)):
        knee = _between_bones(hip, foot, 0.42, 0.43, forward=True)
        shin = person.skin if person.sleeve_ends and not is_helmeted else person.bottom
        canvas.limb(
            (foot[0] - 0.07, foot[1]),
            (foot[0] + 0.13, foot[1] + 0.01),
            0.075,
            0.06,
            shade(person.shoes, light),
        )
        canvas.limb(knee, foot, 0.13, 0.09, shade(shin, light))
        canvas.limb(hip, knee, 0.2, 0.14, shade(person.bottom, light))
    canvas.limb(hip, shoulder, 0.25, 0.28, person.top)
    if person.bag == "backpack":
        middle = (0.4 * hip[0] + 0.6 * shoulder[0] - 0.16, 0.4 * hip[1] + 0.6 * shoulder[1] + 0.03)
        canvas.ellipse(middle, 0.11, 0.2, person.bag_color, -lean)
    head = (shoulder[0] + 0.1, shoulder[1] + 0.22)
    canvas.limb(shoulder, head, 0.11, 0.09, shade(person.skin, 0.82))
    (_helmet if is_helmeted else _bare_head)(canvas, person, head)
    elbow = _between_bones(shoulder, hands, 0.29, 0.29, forward=False)
    canvas.ellipse(hands, 0.045, 0.045, (40, 40, 40) if is_helmeted else person.skin)
    canvas.limb(elbow, hands, 0.09, 0.07, shade(person.top, 0.84))
    canvas.limb(shoulder, elbow, 0.12, 0.095, shade(person.top, 0.84))


def _helmet(canvas: Canvas, person: Person, head: Point) -> None:
    x, y = head
    canvas.ellipse(head, 0.145, 0.15, person.helmet)
    canvas.polygon(
        [(x + 0.04, y + 0.06), (x + 0.15, y + 0.05), (x + 0.15, y - 0.05), (x + 0.05, y - 0.04)], EYES, 1
    )


def _bare_head(canvas: Canvas, person: Person, head: Point) -> None:
    x, y = head
    canvas.ellipse(head, 0.098, 0.12, person.skin)
    canvas.ellipse((x + 0.096, y - 0.015), 0.022, 0.026, shade(person.skin, 0.95))
    canvas.ellipse((x + 0.062, y + 0.015), 0.014, 0.018, EYES)
    color = person.helmet if person.hair_style in ("cap", "short") else person.hair
    crown = [(0.12, 0.04), (0.06, 0.16), (-0.08, 0.16), (-0.15, 0.02), (-0.08, -0.06), (-0.02, 0.03)]
    canvas.polygon([(x + dx, y + dy) for dx, dy in crown], color, 2)
