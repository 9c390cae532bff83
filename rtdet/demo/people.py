"""People: walking or standing, seen from the side, the front or the back."""

from __future__ import annotations

from math import cos, pi, sin

from rtdet.demo.canvas import Canvas, Color, Point, Sprite, mix, round_corners, shade
from rtdet.demo.wardrobe import Person

WALK_POSES = 20
EYES: Color = (45, 40, 40)


def _leg(phase: float, swing: float) -> tuple[float, float]:
    """(thigh, shin) angles from the vertical, forward positive; the knee bends while the leg swings."""
    thigh = 0.42 * swing * sin(phase) + 0.05
    return thigh, thigh - 0.07 - 0.9 * swing * max(0.0, cos(phase - 0.25)) ** 1.4


def _joint(start: Point, length: float, angle: float) -> Point:
    return start[0] + length * sin(angle), start[1] - length * cos(angle)


def draw_side(person: Person, phase: float, swing: float, ppm: float) -> Sprite:
    """Someone walking to the right; `phase` is the angle in the stride, `swing` 0 standing to 1 walking."""
    h = person.height
    canvas = Canvas(-0.36 * h, 0.36 * h, 1.06 * h, ppm)
    angles = [_leg(phase, swing), _leg(phase + pi, swing)]
    reach = [0.245 * cos(t) + 0.24 * cos(s) for t, s in angles]
    hip = (0.0, (max(reach) + 0.035) * h)
    shoulder = (0.02 * h, hip[1] + 0.30 * h)
    _arm_side(canvas, person, shoulder, 0.5 * swing * sin(phase), 0.68)
    _leg_side(canvas, person, hip, angles[1], 0.68)
    _leg_side(canvas, person, hip, angles[0], 1.0)
    if person.bag == "backpack":
        back = (shoulder[0] - 0.105 * h, shoulder[1] - 0.1 * h)
        canvas.ellipse(back, 0.062 * h, 0.115 * h, person.bag_color)
        canvas.ellipse(
            (back[0] - 0.01 * h, back[1] - 0.05 * h), 0.045 * h, 0.05 * h, shade(person.bag_color, 0.85)
        )
    _torso_side(canvas, person, hip, shoulder, angles)
    _head_side(canvas, person, (shoulder[0] + 0.012 * h, shoulder[1] + 0.108 * h))
    _arm_side(canvas, person, shoulder, -0.5 * swing * sin(phase), 1.0)
    return canvas.sprite()


def _leg_side(canvas: Canvas, person: Person, hip: Point, angles: tuple[float, float], light: float) -> None:
    h, wide = person.height, person.build * person.height
    knee = _joint(hip, 0.245 * h, angles[0])
    ankle = _joint(knee, 0.235 * h, angles[1])
    shin = shade(person.skin if person.sleeve_ends else person.bottom, light)
    thigh = shade(person.bottom if person.clothes != "dress" else person.skin, light)
    pitch = 0.55 * angles[1]
    toe = (ankle[0] + 0.095 * h * cos(pitch), ankle[1] - 0.012 * h + 0.095 * h * sin(pitch))
    heel = (ankle[0] - 0.02 * h * cos(pitch), ankle[1] - 0.015 * h)
    canvas.limb(heel, toe, 0.045 * h, 0.035 * h, shade(person.shoes, light))
    canvas.limb(knee, ankle, 0.075 * wide, 0.05 * wide, shin)
    canvas.limb(hip, knee, 0.115 * wide, 0.08 * wide, thigh)


def _skirt(canvas: Canvas, person: Person, hip: Point, legs: list[float]) -> None:
    """The part of a dress or coat below the waist, wide enough for both thighs (x in heights)."""
    h, wide = person.height, person.build * person.height
    hx, hy = hip
    is_dress = person.clothes == "dress"
    low = hy - (0.2 if is_dress else 0.15) * h
    back, front = hx + min(legs) * h - 0.06 * wide, hx + max(legs) * h + 0.06 * wide
    waist = hy + 0.09 * h
    corners = [(hx - 0.062 * wide, waist), (hx + 0.064 * wide, waist), (front, low), (back, low)]
    canvas.polygon(round_corners(corners, 0.02 * h), shade(person.top, 0.94 if is_dress else 1.0))


def _torso_side(
    canvas: Canvas, person: Person, hip: Point, shoulder: Point, angles: list[tuple[float, float]]
) -> None:
    h, wide = person.height, person.build * person.height
    (hx, hy), (sx, sy) = hip, shoulder
    if person.clothes in ("dress", "coat"):
        _skirt(canvas, person, hip, [0.19 * sin(a[0]) for a in angles])
    outline = [
        (hx - 0.066 * wide, hy - 0.035 * h), (hx + 0.066 * wide, hy - 0.035 * h),
        (hx + 0.064 * wide, hy + 0.1 * h), (sx + 0.074 * wide, sy - 0.07 * h),
        (sx + 0.05 * wide, sy + 0.03 * h), (sx - 0.036 * wide, sy + 0.036 * h),
        (sx - 0.086 * wide, sy - 0.05 * h), (hx - 0.06 * wide, hy + 0.1 * h),
    ]  # fmt: skip
    canvas.polygon(outline, person.top, 2)
    if person.clothes in ("trousers", "shorts"):
        canvas.line(
            [(hx - 0.052 * wide, hy - 0.005 * h), (hx + 0.052 * wide, hy - 0.005 * h)],
            0.016 * h,
            (50, 50, 55),
        )
    if person.bag == "shoulder":
        canvas.line(
            [(sx - 0.02 * h, sy), (hx + 0.03 * h, hy + 0.03 * h)], 0.014 * h, shade(person.bag_color, 0.7)
        )
        canvas.rect(hx - 0.05 * h, hy - 0.06 * h, hx + 0.075 * h, hy + 0.04 * h, person.bag_color, 0.03 * h)


def _arm_side(canvas: Canvas, person: Person, shoulder: Point, angle: float, light: float) -> None:
    h, wide = person.height, person.build * person.height
    start = (shoulder[0] - 0.008 * h, shoulder[1] - 0.02 * h)
    elbow = _joint(start, 0.165 * h, angle)
    wrist = _joint(elbow, 0.145 * h, angle + 0.32)
    if person.bag == "hand" and light == 1.0:
        x, y = wrist[0], wrist[1] - 0.1 * h
        canvas.line([(x - 0.04 * h, y), wrist, (x + 0.04 * h, y)], 0.01 * h, shade(person.bag_color, 0.6))
        canvas.rect(x - 0.065 * h, y - 0.1 * h, x + 0.065 * h, y + 0.02 * h, person.bag_color, 0.02 * h)
    sleeve = shade(person.top, 0.85 * light)
    canvas.ellipse(wrist, 0.024 * h, 0.026 * h, shade(person.skin, light))
    lower = shade(person.skin, light) if person.sleeve_ends else sleeve
    canvas.limb(elbow, wrist, 0.054 * wide, 0.042 * wide, lower)
    canvas.limb(start, elbow, 0.07 * wide, 0.056 * wide, sleeve)


def _head_side(canvas: Canvas, person: Person, center: Point) -> None:
    h = person.height
    x, y = center
    neck = shade(person.skin, 0.8)
    canvas.limb((x - 0.014 * h, y - 0.09 * h), (x - 0.004 * h, y - 0.03 * h), 0.058 * h, 0.052 * h, neck)
    if person.hair_style == "long":
        tail = [
            (x - 0.02 * h, y + 0.06 * h),
            (x - 0.075 * h, y),
            (x - 0.07 * h, y - 0.11 * h),
            (x, y - 0.08 * h),
        ]
        canvas.polygon(tail, person.hair, 2)
    canvas.ellipse(center, 0.056 * h, 0.069 * h, person.skin)
    canvas.ellipse((x + 0.054 * h, y - 0.01 * h), 0.012 * h, 0.014 * h, shade(person.skin, 0.95))
    canvas.ellipse((x + 0.036 * h, y + 0.01 * h), 0.008 * h, 0.01 * h, EYES)
    is_cap = person.hair_style == "cap"
    color = person.bag_color if is_cap else person.hair
    crown = [
        (0.05, 0.038), (0.025, 0.082), (-0.045, 0.08), (-0.078, 0.01), (-0.05, -0.045), (-0.022, -0.02),
        (-0.01, 0.03),
    ]  # fmt: skip
    canvas.polygon([(x + dx * h, y + dy * h) for dx, dy in crown], color, 2)
    if is_cap:
        canvas.line([(x, y + 0.035 * h), (x + 0.085 * h, y + 0.028 * h)], 0.018 * h, shade(color, 0.8))
    if person.hair_style == "bun":
        canvas.ellipse((x - 0.072 * h, y + 0.05 * h), 0.03 * h, 0.03 * h, person.hair)


def draw_facing(person: Person, phase: float, swing: float, ppm: float, *, away: bool) -> Sprite:
    """Someone walking towards us, or away."""
    h = person.height
    canvas = Canvas(-0.24 * h, 0.24 * h, 1.06 * h, ppm)
    bob = 0.008 * h * swing * cos(2 * phase)
    hip_y, shoulder_y = 0.5 * h + bob, 0.8 * h + bob
    for side in (-1, 1):
        _leg_facing(canvas, person, side, hip_y, swing * sin(phase) * side)
    arms = [(side, -swing * sin(phase) * side) for side in (-1, 1)]
    for side, forward in arms:
        if (forward < 0) != away:
            _arm_facing(canvas, person, side, shoulder_y, forward, 0.8)
    _torso_facing(canvas, person, hip_y, shoulder_y, away)
    _head_facing(canvas, person, shoulder_y + 0.115 * h, away)
    for side, forward in arms:
        if (forward < 0) == away:
            _arm_facing(canvas, person, side, shoulder_y, forward, 1.0)
    return canvas.sprite()


def _torso_facing(canvas: Canvas, person: Person, hip_y: float, shoulder_y: float, away: bool) -> None:
    h, wide = person.height, person.build * person.height
    if person.clothes in ("dress", "coat"):
        _skirt(canvas, person, (0.0, hip_y), [-0.05, 0.05] if person.clothes == "dress" else [-0.035, 0.035])
    half = [
        (0.09, hip_y - 0.04 * h), (0.078, hip_y + 0.11 * h), (0.112, shoulder_y - 0.04 * h),
        (0.1, shoulder_y + 0.018 * h), (0.035, shoulder_y + 0.04 * h),
    ]  # fmt: skip
    outline = [(x * wide, y) for x, y in half] + [(-x * wide, y) for x, y in reversed(half)]
    canvas.polygon(outline, person.top, 2)
    if person.bag == "backpack" and away:
        low, high = hip_y + 0.06 * h, shoulder_y + 0.01 * h
        canvas.rect(-0.085 * h, low, 0.085 * h, high, person.bag_color, 0.05 * h)
        canvas.rect(
            -0.06 * h, low + 0.01 * h, 0.06 * h, low + 0.09 * h, shade(person.bag_color, 0.82), 0.02 * h
        )
    elif person.bag == "backpack":
        for x in (-0.055 * wide, 0.055 * wide):
            canvas.line([(x, hip_y + 0.15 * h), (x, shoulder_y + 0.02 * h)], 0.022 * h, person.bag_color)
    elif not away:
        canvas.line([(0, hip_y + 0.01 * h), (0, shoulder_y)], 0.008 * h, shade(person.top, 0.75))


def _leg_facing(canvas: Canvas, person: Person, side: int, hip_y: float, forward: float) -> None:
    h, wide = person.height, person.build * person.height
    lift = max(0.0, -forward) * 0.07 * h
    light = 0.82 if forward < 0 else 1.0
    hip, knee = (side * 0.045 * wide, hip_y), (side * 0.05 * h, 0.27 * h + lift * 0.8)
    ankle = (side * 0.046 * h, 0.045 * h + lift)
    foot = (ankle[0] + side * 0.006 * h, ankle[1] - 0.016 * h)
    canvas.ellipse(foot, 0.034 * h, 0.026 * h, shade(person.shoes, light))
    shin = person.skin if person.sleeve_ends else person.bottom
    canvas.limb(knee, ankle, 0.072 * wide, 0.05 * wide, shade(shin, light))
    thigh = person.skin if person.clothes == "dress" else person.bottom
    canvas.limb(hip, knee, 0.1 * wide, 0.078 * wide, shade(thigh, light))


def _arm_facing(
    canvas: Canvas, person: Person, side: int, shoulder_y: float, forward: float, light: float
) -> None:
    h, wide = person.height, person.build * person.height
    rise = 0.035 * h * abs(forward) + 0.03 * h * max(0.0, forward)
    shoulder = (side * 0.103 * wide, shoulder_y - 0.02 * h)
    elbow = (side * 0.132 * wide, shoulder_y - 0.175 * h + 0.4 * rise)
    wrist = (side * (0.13 - 0.03 * max(0.0, forward)) * wide, shoulder_y - 0.315 * h + rise)
    sleeve = shade(person.top, 0.86 * light)
    canvas.ellipse(wrist, 0.024 * h, 0.027 * h, shade(person.skin, light))
    lower = shade(person.skin, light) if person.sleeve_ends else sleeve
    canvas.limb(elbow, wrist, 0.05 * wide, 0.04 * wide, lower)
    canvas.limb(shoulder, elbow, 0.062 * wide, 0.052 * wide, sleeve)


def _head_facing(canvas: Canvas, person: Person, y: float, away: bool) -> None:
    h = person.height
    is_cap = person.hair_style == "cap"
    color = person.bag_color if is_cap else person.hair
    if person.hair_style == "long":
        canvas.rect(-0.068 * h, y - 0.1 * h, 0.068 * h, y + 0.06 * h, person.hair, 0.04 * h)
    if person.hair_style != "long" or not away:
        canvas.limb((0, y - 0.09 * h), (0, y - 0.03 * h), 0.056 * h, 0.05 * h, shade(person.skin, 0.82))
    canvas.ellipse((0, y), 0.053 * h, 0.07 * h, person.hair if away else person.skin)
    low = -0.02 if away else 0.022
    crown = [(-0.056, low), (-0.05, 0.085), (0.05, 0.085), (0.056, low), (0.0, low + 0.035)]
    canvas.polygon([(dx * h, y + dy * h) for dx, dy in crown], color, 2)
    if person.hair_style == "bun":
        canvas.ellipse((0, y + 0.085 * h), 0.028 * h, 0.026 * h, person.hair)
    if away:
        return
    for side in (-1, 1):
        canvas.ellipse((side * 0.021 * h, y + 0.004 * h), 0.007 * h, 0.008 * h, EYES)
    canvas.line(
        [(-0.013 * h, y - 0.035 * h), (0.013 * h, y - 0.035 * h)], 0.006 * h, mix(person.skin, EYES, 0.45)
    )
