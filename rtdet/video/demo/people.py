"""People: walking or standing, seen from the side, the front or the back, and seated on two wheels."""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, atan2, cos, hypot, pi, sin

import numpy as np

from rtdet.video.demo.canvas import Canvas, Color, Point, Sprite, mix, shade

WALK_POSES = 20

_SKIN: list[Color] = [
    (180, 205, 240),
    (150, 185, 228),
    (120, 160, 208),
    (85, 125, 175),
    (60, 90, 138),
    (45, 62, 98),
]
_HAIR: list[Color] = [
    (25, 25, 30),
    (30, 42, 60),
    (40, 70, 105),
    (85, 140, 180),
    (120, 175, 205),
    (150, 150, 155),
]
_TOPS: list[Color] = [
    (50, 50, 190), (160, 80, 40), (70, 130, 60), (40, 170, 220), (190, 190, 195), (50, 48, 45), (140, 60, 120),
    (60, 120, 225), (170, 150, 60), (95, 65, 60), (235, 232, 228), (150, 120, 210), (110, 150, 90), (205, 150, 80),
]  # fmt: skip
_BOTTOMS: list[Color] = [
    (95, 60, 40), (130, 90, 60), (45, 42, 40), (70, 70, 72), (110, 140, 165), (60, 75, 95), (150, 145, 140), (60, 45, 70),
]  # fmt: skip


@dataclass(frozen=True)
class Person:
    """How someone looks."""

    height: float
    build: float
    skin: Color
    hair: Color
    top: Color
    bottom: Color
    shoes: Color
    clothes: str
    hair_style: str
    bag: str
    bag_color: Color
    helmet: Color


def random_person(rng: np.random.Generator) -> Person:
    """Someone at random; children now and then."""

    def pick(colors: list[Color]) -> Color:
        return shade(colors[rng.integers(len(colors))], rng.uniform(0.85, 1.12))

    is_child = rng.random() < 0.08
    return Person(
        height=rng.uniform(1.15, 1.4) if is_child else rng.uniform(1.56, 1.92),
        build=rng.uniform(0.9, 1.22),
        skin=pick(_SKIN),
        hair=pick(_HAIR),
        top=pick(_TOPS),
        bottom=pick(_BOTTOMS),
        shoes=(40, 38, 36) if rng.random() < 0.6 else (225, 225, 228),
        clothes=str(rng.choice(["trousers", "trousers", "trousers", "coat", "dress", "shorts"])),
        hair_style=str(rng.choice(["short", "short", "long", "bun", "cap"])),
        bag=str(rng.choice(["none", "none", "backpack", "shoulder", "hand"])),
        bag_color=pick(_TOPS + _BOTTOMS),
        helmet=pick(_TOPS),
    )


def _leg(phase: float, swing: float) -> tuple[float, float]:
    """(thigh, shin) angles from the vertical, forward positive; the knee bends while the leg swings."""
    thigh = 0.44 * swing * sin(phase) + 0.05
    return thigh, thigh - 0.07 - 0.95 * swing * max(0.0, cos(phase - 0.25)) ** 1.4


def _joint(start: Point, length: float, angle: float) -> Point:
    return start[0] + length * sin(angle), start[1] - length * cos(angle)


def draw_side(person: Person, phase: float, swing: float, ppm: float) -> Sprite:
    """Someone walking to the right; `phase` is the angle in the stride, `swing` 0 standing to 1 walking."""
    h = person.height
    canvas = Canvas(-0.42 * h, 0.42 * h, 1.06 * h, ppm)
    angles = [_leg(phase, swing), _leg(phase + pi, swing)]
    reach = [0.245 * cos(t) + 0.24 * cos(s) for t, s in angles]
    hip = (0.0, (max(reach) + 0.035) * h)
    shoulder = (0.025 * h, hip[1] + 0.30 * h)
    _arm_side(canvas, person, shoulder, 0.5 * swing * sin(phase), 0.68)
    _leg_side(canvas, person, hip, angles[1], 0.68)
    _leg_side(canvas, person, hip, angles[0], 1.0)
    if person.bag == "backpack":
        back = (shoulder[0] - 0.105 * h, shoulder[1] - 0.1 * h)
        canvas.ellipse(back, 0.062 * h, 0.115 * h, person.bag_color)
    _torso_side(canvas, person, hip, shoulder, angles)
    _head_side(canvas, person, (shoulder[0] + 0.012 * h, shoulder[1] + 0.105 * h))
    _arm_side(canvas, person, shoulder, -0.5 * swing * sin(phase), 1.0)
    canvas.light_from_above()
    return canvas.sprite()


def _leg_side(canvas: Canvas, person: Person, hip: Point, angles: tuple[float, float], light: float) -> None:
    h, wide = person.height, person.build * person.height
    knee = _joint(hip, 0.245 * h, angles[0])
    ankle = _joint(knee, 0.235 * h, angles[1])
    bare = person.clothes in ("dress", "shorts")
    shin = shade(person.skin if bare else person.bottom, light)
    thigh = shade(person.bottom if person.clothes != "dress" else person.skin, light)
    pitch = 0.55 * angles[1]
    toe = (ankle[0] + 0.095 * h * cos(pitch), ankle[1] - 0.012 * h + 0.095 * h * sin(pitch))
    heel = (ankle[0] - 0.02 * h * cos(pitch), ankle[1] - 0.015 * h)
    canvas.limb(heel, toe, 0.045 * h, 0.035 * h, shade(person.shoes, light))
    canvas.limb(knee, ankle, 0.072 * wide, 0.048 * wide, shin)
    canvas.limb(hip, knee, 0.112 * wide, 0.078 * wide, thigh)


def _torso_side(
    canvas: Canvas, person: Person, hip: Point, shoulder: Point, angles: list[tuple[float, float]]
) -> None:
    h, wide = person.height, person.build * person.height
    hx, hy = hip
    sx, sy = shoulder
    if person.clothes in ("dress", "coat"):
        front = max(sin(a[0]) for a in angles) * 0.19 * h
        back = min(sin(a[0]) for a in angles) * 0.19 * h
        low = hy - (0.2 if person.clothes == "dress" else 0.15) * h
        color = person.top if person.clothes == "coat" else shade(person.top, 0.94)
        skirt = [
            (hx - 0.062 * wide, hy + 0.08 * h), (hx + 0.064 * wide, hy + 0.08 * h),
            (hx + front + 0.06 * wide, low), (hx + back - 0.06 * wide, low),
        ]  # fmt: skip
        canvas.polygon(skirt, color, 1)
    outline = [
        (hx - 0.062 * wide, hy - 0.035 * h), (hx + 0.064 * wide, hy - 0.035 * h), (hx + 0.062 * wide, hy + 0.1 * h),
        (sx + 0.068 * wide, sy - 0.07 * h), (sx + 0.045 * wide, sy + 0.025 * h), (sx - 0.03 * wide, sy + 0.032 * h),
        (sx - 0.078 * wide, sy - 0.06 * h), (hx - 0.055 * wide, hy + 0.1 * h),
    ]  # fmt: skip
    canvas.polygon(outline, person.top, 2)
    lit = [(0.4 * sx + 0.6 * x + 0.01 * h, y) for x, y in outline[2:5]]
    canvas.line(lit, 0.02 * h, mix(person.top, (255, 255, 255), 0.16))
    if person.bag == "shoulder":
        canvas.line(
            [(sx - 0.02 * h, sy), (hx + 0.03 * h, hy + 0.03 * h)], 0.014 * h, shade(person.bag_color, 0.7)
        )
        canvas.rect(hx - 0.05 * h, hy - 0.06 * h, hx + 0.075 * h, hy + 0.04 * h, person.bag_color, 1)


def _arm_side(canvas: Canvas, person: Person, shoulder: Point, angle: float, light: float) -> None:
    h, wide = person.height, person.build * person.height
    elbow = _joint((shoulder[0] - 0.005 * h, shoulder[1] - 0.012 * h), 0.165 * h, angle)
    wrist = _joint(elbow, 0.145 * h, angle + 0.32)
    short = person.clothes in ("dress", "shorts")
    if person.bag == "hand" and light == 1.0:
        x, y = wrist[0], wrist[1] - 0.12 * h
        canvas.line([(x - 0.04 * h, y), wrist, (x + 0.04 * h, y)], 0.01 * h, shade(person.bag_color, 0.6))
        canvas.rect(x - 0.065 * h, y - 0.1 * h, x + 0.065 * h, y + 0.03 * h, person.bag_color, 1)
    sleeve = shade(person.top, 0.86 * light)
    canvas.limb(elbow, wrist, 0.052 * wide, 0.04 * wide, shade(person.skin, light) if short else sleeve)
    canvas.limb(shoulder, elbow, 0.066 * wide, 0.054 * wide, sleeve)
    canvas.ellipse(wrist, 0.024 * h, 0.026 * h, shade(person.skin, light))


def _head_side(canvas: Canvas, person: Person, centre: Point) -> None:
    h = person.height
    x, y = centre
    canvas.limb(
        (x - 0.012 * h, y - 0.09 * h), (x, y - 0.03 * h), 0.055 * h, 0.05 * h, shade(person.skin, 0.82)
    )
    if person.hair_style == "long":
        canvas.polygon(
            [(x - 0.02 * h, y + 0.06 * h), (x - 0.075 * h, y), (x - 0.07 * h, y - 0.11 * h), (x, y - 0.08 * h)],
            person.hair, 2,
        )  # fmt: skip
    canvas.ellipse(centre, 0.056 * h, 0.069 * h, person.skin)
    canvas.ellipse((x + 0.056 * h, y - 0.01 * h), 0.014 * h, 0.016 * h, shade(person.skin, 0.95))
    canvas.ellipse((x + 0.038 * h, y + 0.012 * h), 0.008 * h, 0.01 * h, (45, 40, 40))
    cap = person.hair_style == "cap"
    color = person.bag_color if cap else person.hair
    crown = [
        (x + 0.05 * h, y + 0.038 * h), (x + 0.025 * h, y + 0.082 * h), (x - 0.045 * h, y + 0.08 * h),
        (x - 0.078 * h, y + 0.01 * h), (x - 0.05 * h, y - 0.045 * h), (x - 0.022 * h, y - 0.02 * h),
        (x - 0.01 * h, y + 0.03 * h),
    ]  # fmt: skip
    canvas.polygon(crown, color, 2)
    if cap:
        canvas.line([(x, y + 0.035 * h), (x + 0.085 * h, y + 0.028 * h)], 0.018 * h, shade(color, 0.8))
    if person.hair_style == "bun":
        canvas.ellipse((x - 0.072 * h, y + 0.05 * h), 0.03 * h, 0.03 * h, person.hair)


def draw_facing(person: Person, phase: float, swing: float, ppm: float, *, away: bool) -> Sprite:
    """Someone walking towards us, or away."""
    h, wide = person.height, person.build * person.height
    canvas = Canvas(-0.3 * h, 0.3 * h, 1.06 * h, ppm)
    bob = 0.008 * h * swing * cos(2 * phase)
    hip_y, shoulder_y = 0.5 * h + bob, 0.8 * h + bob
    for side in (-1, 1):
        _leg_facing(canvas, person, side, hip_y, swing * sin(phase) * side)
    arms = [(side, -swing * sin(phase) * side) for side in (-1, 1)]
    for side, forward in arms:
        if (forward < 0) != away:
            _arm_facing(canvas, person, side, shoulder_y, forward, 0.8)
    if person.clothes in ("dress", "coat"):
        low = hip_y - (0.2 if person.clothes == "dress" else 0.16) * h
        flare = 0.12 if person.clothes == "dress" else 0.1
        skirt = [
            (-0.085 * wide, hip_y + 0.08 * h),
            (0.085 * wide, hip_y + 0.08 * h),
            (flare * wide, low),
            (-flare * wide, low),
        ]
        canvas.polygon(skirt, shade(person.top, 0.94), 1)
    half = [(0.088, hip_y - 0.04 * h), (0.076, hip_y + 0.11 * h), (0.116, shoulder_y - 0.04 * h), (0.1, shoulder_y + 0.015 * h), (0.035, shoulder_y + 0.04 * h)]  # fmt: skip
    outline = [(x * wide, y) for x, y in half] + [(-x * wide, y) for x, y in reversed(half)]
    canvas.polygon(outline, person.top, 2)
    if not away:
        canvas.line([(0, hip_y), (0, shoulder_y)], 0.008 * h, shade(person.top, 0.75))
    if person.bag == "backpack" and away:
        canvas.rect(-0.085 * h, hip_y + 0.06 * h, 0.085 * h, shoulder_y + 0.01 * h, person.bag_color, 2)
    _head_facing(canvas, person, shoulder_y + 0.115 * h, away)
    for side, forward in arms:
        if (forward < 0) == away:
            _arm_facing(canvas, person, side, shoulder_y, forward, 1.0)
    canvas.light_from_above()
    return canvas.sprite()


def _leg_facing(canvas: Canvas, person: Person, side: int, hip_y: float, forward: float) -> None:
    h, wide = person.height, person.build * person.height
    lift = max(0.0, -forward) * 0.07 * h
    light = 0.82 if forward < 0 else 1.0
    bare = person.clothes in ("dress", "shorts")
    hip, knee = (side * 0.045 * wide, hip_y), (side * 0.05 * h, 0.27 * h + lift * 0.8)
    ankle = (side * 0.046 * h, 0.045 * h + lift)
    canvas.ellipse(
        (ankle[0] + side * 0.006 * h, ankle[1] - 0.016 * h), 0.034 * h, 0.026 * h, shade(person.shoes, light)
    )
    canvas.limb(knee, ankle, 0.072 * wide, 0.05 * wide, shade(person.skin if bare else person.bottom, light))
    thigh = person.skin if person.clothes == "dress" else person.bottom
    canvas.limb(hip, knee, 0.1 * wide, 0.078 * wide, shade(thigh, light))


def _arm_facing(
    canvas: Canvas, person: Person, side: int, shoulder_y: float, forward: float, light: float
) -> None:
    h, wide = person.height, person.build * person.height
    rise = 0.035 * h * abs(forward) + 0.03 * h * max(0.0, forward)
    shoulder = (side * 0.105 * wide, shoulder_y - 0.02 * h)
    elbow = (side * 0.135 * wide, shoulder_y - 0.175 * h + 0.4 * rise)
    wrist = (side * (0.13 - 0.03 * max(0.0, forward)) * wide, shoulder_y - 0.315 * h + rise)
    short = person.clothes in ("dress", "shorts")
    sleeve = shade(person.top, 0.88 * light)
    canvas.limb(elbow, wrist, 0.05 * wide, 0.04 * wide, shade(person.skin, light) if short else sleeve)
    canvas.limb(shoulder, elbow, 0.062 * wide, 0.052 * wide, sleeve)
    canvas.ellipse(wrist, 0.024 * h, 0.027 * h, shade(person.skin, light))


def _head_facing(canvas: Canvas, person: Person, y: float, away: bool) -> None:
    h = person.height
    canvas.limb((0, y - 0.09 * h), (0, y - 0.03 * h), 0.056 * h, 0.05 * h, shade(person.skin, 0.82))
    cap = person.hair_style == "cap"
    color = person.bag_color if cap else person.hair
    if person.hair_style == "long":
        canvas.rect(-0.07 * h, y - 0.1 * h, 0.07 * h, y + 0.06 * h, person.hair, 2)
    if not away:
        canvas.limb((0, y - 0.09 * h), (0, y - 0.03 * h), 0.056 * h, 0.05 * h, shade(person.skin, 0.85))
    canvas.ellipse((0, y), 0.053 * h, 0.07 * h, color if away and not cap else person.skin)
    low = 0.022 if not away else -0.01
    crown = [(-0.056 * h, y + low * h), (-0.05 * h, y + 0.085 * h), (0.05 * h, y + 0.085 * h), (0.056 * h, y + low * h), (0, y + (low + 0.03) * h)]  # fmt: skip
    canvas.polygon(crown, color, 2)
    if person.hair_style == "bun":
        canvas.ellipse((0, y + 0.085 * h), 0.028 * h, 0.026 * h, person.hair)
    if not away:
        for side in (-1, 1):
            canvas.ellipse((side * 0.021 * h, y + 0.008 * h), 0.007 * h, 0.008 * h, (45, 40, 40))
        canvas.line(
            [(-0.015 * h, y - 0.034 * h), (0.015 * h, y - 0.034 * h)], 0.007 * h, shade(person.skin, 0.6)
        )


def two_bones(start: Point, end: Point, first: float, second: float, *, forward: bool) -> Point:
    """The joint between two bones that reach from `start` to `end` (law of cosines)."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    reach = min(max(hypot(dx, dy), 1e-6), 0.999 * (first + second))
    bend = acos(min(1.0, max(-1.0, (first**2 + reach**2 - second**2) / (2 * first * reach))))
    angle = atan2(dy, dx) + (bend if forward else -bend)
    return start[0] + first * cos(angle), start[1] + first * sin(angle)


def draw_rider(
    canvas: Canvas,
    person: Person,
    hip: Point,
    hands: Point,
    feet: tuple[Point, Point],
    *,
    lean: float,
    visor: bool,
) -> None:
    """Someone seated, facing right: hands on the bars, feet (near, far) on pedals or pegs."""
    shoulder = (hip[0] + 0.5 * sin(lean), hip[1] + 0.5 * cos(lean))
    for foot, light in ((feet[1], 0.66), (feet[0], 1.0)):
        knee = two_bones(hip, foot, 0.42, 0.43, forward=True)
        bare = person.clothes in ("dress", "shorts") and not visor
        canvas.limb(
            (foot[0] - 0.07, foot[1]),
            (foot[0] + 0.13, foot[1] + 0.01),
            0.075,
            0.06,
            shade(person.shoes, light),
        )
        canvas.limb(knee, foot, 0.12, 0.085, shade(person.skin if bare else person.bottom, light))
        canvas.limb(hip, knee, 0.18, 0.13, shade(person.bottom, light))
    elbow = two_bones(shoulder, hands, 0.29, 0.29, forward=False)
    canvas.limb(hip, shoulder, 0.24, 0.27, person.top)
    if person.bag == "backpack":
        middle = (0.4 * hip[0] + 0.6 * shoulder[0] - 0.16, 0.4 * hip[1] + 0.6 * shoulder[1] + 0.03)
        canvas.ellipse(middle, 0.11, 0.2, person.bag_color, -lean)
    canvas.limb(shoulder, elbow, 0.11, 0.09, shade(person.top, 0.84))
    canvas.limb(elbow, hands, 0.085, 0.07, shade(person.top, 0.84))
    canvas.ellipse(hands, 0.042, 0.042, person.skin if not visor else (40, 40, 40))
    head = (shoulder[0] + 0.11, shoulder[1] + 0.21)
    canvas.limb(shoulder, head, 0.1, 0.09, shade(person.skin, 0.82))
    if visor:
        canvas.ellipse(head, 0.145, 0.15, person.helmet)
        canvas.polygon([(head[0] + 0.04, head[1] + 0.06), (head[0] + 0.15, head[1] + 0.05), (head[0] + 0.15, head[1] - 0.05), (head[0] + 0.05, head[1] - 0.04)], (50, 42, 38), 1)  # fmt: skip
        return
    canvas.ellipse(head, 0.098, 0.12, person.skin)
    canvas.ellipse((head[0] + 0.1, head[1] - 0.015), 0.024, 0.028, shade(person.skin, 0.95))
    canvas.ellipse((head[0] + 0.065, head[1] + 0.015), 0.014, 0.018, (45, 40, 40))
    color = person.helmet if person.hair_style in ("cap", "short") else person.hair
    canvas.polygon([(head[0] + 0.12, head[1] + 0.04), (head[0] + 0.06, head[1] + 0.16), (head[0] - 0.08, head[1] + 0.16), (head[0] - 0.15, head[1] + 0.02), (head[0] - 0.08, head[1] - 0.06), (head[0] - 0.02, head[1] + 0.03)], color, 2)  # fmt: skip
