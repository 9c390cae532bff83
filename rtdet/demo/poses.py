"""Which drawing an object shows: numbered poses, and the drawing of each."""

from __future__ import annotations

from math import pi

from rtdet.demo import cycles, people, vehicles
from rtdet.demo.canvas import Canvas, Sprite
from rtdet.demo.traffic import Actor, Fixture
from rtdet.demo.wardrobe import Person

_STRIDE_HEIGHTS = 0.82
_BICYCLE_M_PER_TURN = 4.3
_STANDING = 100
_VIEW = 1000
"""A pose is view * _VIEW + position in the cycle. Views: 0 to the right, 1 left, 2 towards us, 3 away."""


def pose_of(actor: Actor, walked: float, vx: float, vz: float) -> int:
    """The pose after `walked` metres at a speed of (vx, vz)."""
    left = int(vx < 0 or (vx == 0 and vz == 0 and actor.xs[0] > actor.xs[-1]))
    look = actor.look
    if isinstance(look, Fixture):
        return 0
    if isinstance(look, Person) and not actor.mount:
        if vx == 0 and vz == 0:
            return left * _VIEW + _STANDING
        cycle = int(walked / (_STRIDE_HEIGHTS * look.height) * people.WALK_POSES) % people.WALK_POSES
        view = left if abs(vx) > abs(vz) else (2 if vz < 0 else 3)
        return view * _VIEW + cycle
    if "bicycle" in (actor.mount, getattr(look, "kind", "")):
        return left * _VIEW + int(walked / _BICYCLE_M_PER_TURN * cycles.PEDAL_POSES) % cycles.PEDAL_POSES
    if actor.mount:
        return left * _VIEW
    # The rim looks the same again after one spoke.
    spoke_m = 0.4
    return left * _VIEW + int(walked / spoke_m * vehicles.WHEEL_POSES) % vehicles.WHEEL_POSES


def draw(actor: Actor, pose: int, ppm: float) -> Sprite:
    """That pose, at `ppm` pixels per metre."""
    view, cycle = divmod(pose, _VIEW)
    look = actor.look
    if isinstance(look, Fixture):
        return _draw_fixture(look, ppm)
    if isinstance(look, Person):
        if not actor.mount and view >= 2:
            phase = 2 * pi * cycle / people.WALK_POSES
            return people.draw_facing(look, phase, 1.0, ppm, away=view == 3)
        sprite = _draw_person(look, actor.mount, cycle, ppm)
    elif look.kind == "bicycle":
        sprite = cycles.draw_bicycle(look, cycle, ppm)
    elif look.kind == "motorcycle":
        sprite = cycles.draw_motorcycle(look, cycle, ppm)
    else:
        sprite = vehicles.draw_vehicle(look, cycle, ppm)
    return sprite.mirrored() if view == 1 else sprite


def _draw_person(person: Person, mount: str, cycle: int, ppm: float) -> Sprite:
    if mount == "bicycle":
        return cycles.draw_cyclist(person, cycle, ppm)
    if mount:
        return cycles.draw_motorcyclist(person, ppm)
    if cycle >= _STANDING:
        return people.draw_side(person, 0.0, 0.0, ppm)
    return people.draw_side(person, 2 * pi * cycle / people.WALK_POSES, 1.0, ppm)


def _draw_fixture(fixture: Fixture, ppm: float) -> Sprite:
    canvas = Canvas(-0.5, 1.0, 5.6, ppm)
    metal = (72, 70, 66)
    if fixture.kind == "lamp":
        canvas.limb((0, 0.1), (0, 5.3), 0.15, 0.09, metal)
        canvas.rect(-0.12, 0.0, 0.12, 0.7, metal, 0.05)
        canvas.line([(0, 5.2), (0.25, 5.42), (0.9, 5.45)], 0.07, metal)
        canvas.rect(0.5, 5.36, 0.95, 5.46, (205, 228, 238), 0.03)
    elif fixture.kind == "sign":
        canvas.limb((0, 0.0), (0, 2.5), 0.07, 0.07, (150, 148, 145))
        canvas.rect(-0.3, 1.95, 0.3, 2.55, (165, 95, 35), 0.06)
        canvas.polygon([(-0.2, 2.05), (0.2, 2.05), (0.0, 2.42)], (240, 240, 240))
    else:
        canvas.rect(-0.24, 0.0, 0.24, 0.85, (75, 95, 60), 0.05)
        canvas.rect(-0.27, 0.8, 0.27, 0.92, (60, 78, 48), 0.04)
        canvas.rect(-0.15, 0.6, 0.15, 0.7, (40, 42, 38), 0.03)
    return canvas.sprite()
