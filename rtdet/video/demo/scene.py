"""The rendered street with everyone on it, and the exact truth about each frame."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil, floor, pi, sin

import cv2
import numpy as np

from rtdet.errors import UsageError
from rtdet.types import FloatArray, Image, Tracks
from rtdet.video.demo import people, vehicles
from rtdet.video.demo.canvas import Sprite
from rtdet.video.demo.people import Person
from rtdet.video.demo.street import paint_street, random_view
from rtdet.video.demo.traffic import CLASS_NAMES, Actor, plan_traffic

_CACHE_BYTES = 96 * 2**20
_STRIDE_M = 0.82
_LADDER = 1.25
"""People who come nearer are drawn at sizes that grow by this factor, and scaled down from the next larger."""


@dataclass(frozen=True, eq=False)
class _Placed:
    """An object in one frame: `sprite` drawn at `scale` with its foot at (x, y)."""

    actor_id: int
    label: int
    sprite: Sprite
    scale: float
    x: float
    y: float
    order: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        left, top, right, bottom = self.sprite.extent
        ox, oy = self.sprite.origin
        s = self.scale
        return (
            self.x + s * (left - ox),
            self.y + s * (top - oy),
            self.x + s * (right - ox),
            self.y + s * (bottom - oy),
        )


class DemoScene:
    """A street scene that depends on nothing but its arguments.

    `render(i)`, `truth(i)` and `visibility(i)` may be asked for in any order. Objects are people,
    bicycles, cars, motorcycles, buses and trucks; a rider and what is ridden are two objects. Raises
    UsageError for a size, rate or duration that is not positive.
    """

    def __init__(
        self,
        seed: int = 0,
        width: int = 1280,
        height: int = 720,
        fps: float = 25.0,
        duration_s: float = 20.0,
        moving_camera: bool = False,
    ) -> None:
        if width < 16 or height < 16:
            raise UsageError(f"the demo is at least 16 x 16 pixels, not {width} x {height}")
        if not (fps > 0 and duration_s > 0):
            raise UsageError(f"the demo needs a positive rate and duration, not {fps} fps and {duration_s} s")
        self.seed, self.width, self.height = seed, width, height
        self.fps, self.duration_s, self.moving_camera = fps, duration_s, moving_camera
        self.frame_count = max(1, round(fps * duration_s))
        self.class_names = CLASS_NAMES
        self._margin = (round(0.14 * width), round(0.015 * height)) if moving_camera else (0, 0)
        self._view = random_view(np.random.default_rng([seed, 1]), width, height)
        reach = 1 + 2 * self._margin[0] / width
        self._actors = plan_traffic(self._view, np.random.default_rng([seed, 2]), duration_s, reach)
        self._starts = np.array([a.times[0] for a in self._actors])
        self._ends = np.array([a.times[-1] for a in self._actors])
        self._background = paint_street(self._view, np.random.default_rng([seed, 3]), self._margin)
        self._sprites: OrderedDict[tuple[int, int, float], Sprite] = OrderedDict()
        self._sprite_bytes = 0
        self._last: tuple[int, list[_Placed]] = (-1, [])

    def render(self, i: int) -> Image:
        """Frame `i` as (height, width, 3) uint8 BGR."""
        placed = self._placed(i)
        dx, dy = self._camera(i)
        left, top = self._margin[0] + dx, self._margin[1] + dy
        image = self._background[top : top + self.height, left : left + self.width].copy()
        for one in placed:
            _blend_shadow(image, one)
        for one in placed:
            _blend(image, one)
        return image

    def truth(self, i: int) -> Tracks:
        """The objects that touch the picture in frame `i`: boxes cut at its borders, ids from 1."""
        rows = self._shown(i)
        boxes = np.array([one.box for one in rows], dtype=np.float64).reshape(-1, 4)
        limits = np.array([self.width, self.height] * 2, dtype=np.float64)
        return Tracks(
            np.clip(boxes, 0, limits),
            np.array([one.actor_id for one in rows], dtype=np.int64),
            labels=np.array([one.label for one in rows], dtype=np.int64),
            class_names=CLASS_NAMES,
        )

    def visibility(self, i: int) -> FloatArray:
        """(N,) for the rows of `truth(i)`: the part of what is drawn of the object within the picture that
        no nearer object covers, 0 to 1."""
        free = np.ones((self.height, self.width), dtype=bool)
        parts: dict[int, float] = {}
        for one in reversed(self._placed(i)):
            window = _window(one, self.width, self.height)
            if window is None:
                continue
            left, top, right, bottom = window
            drawn = _warp(one, window, one.sprite.bgra[..., 3]) >= 128
            area = free[top:bottom, left:right]
            total = int(drawn.sum())
            parts[one.actor_id] = float((drawn & area).sum() / total) if total else 0.0
            area &= ~drawn
        return np.array([parts.get(one.actor_id, 0.0) for one in self._shown(i)], dtype=np.float64)

    def _camera(self, i: int) -> tuple[int, int]:
        """How far the camera has turned, in whole pixels to the right and down."""
        t = i / self.fps
        mx, my = self._margin
        return round(mx * sin(2 * pi * t / 14.0)), round(my * sin(2 * pi * t / 5.3))

    def _shown(self, i: int) -> list[_Placed]:
        rows = []
        for one in self._placed(i):
            left, top, right, bottom = one.box
            wide = min(right, self.width) - max(left, 0.0)
            tall = min(bottom, self.height) - max(top, 0.0)
            if wide >= 1 and tall >= 1:
                rows.append(one)
        return sorted(rows, key=lambda one: one.actor_id)

    def _placed(self, i: int) -> list[_Placed]:
        """Everything near the picture in frame `i`, from far to near."""
        if not 0 <= i < self.frame_count:
            raise IndexError(f"frame {i} of a demo of {self.frame_count} frames")
        kept_i, kept = self._last
        if kept_i == i:
            return kept
        t = i / self.fps
        active = np.flatnonzero((self._starts <= t) & (t < self._ends))
        camera = self._camera(i)
        placed = [self._place(int(k), self._actors[k], t, camera) for k in active]
        placed.sort(key=lambda one: (one.order, one.actor_id))
        self._last = (i, placed)
        return placed

    def _place(self, k: int, actor: Actor, t: float, camera: tuple[int, int]) -> _Placed:
        x, depth, walked, vx, vz = actor.at(t)
        ppm = self._view.ppm(depth)
        fixed = bool(np.ptp(actor.depths) == 0)
        size = ppm if fixed else float(_LADDER ** ceil(np.log(ppm) / np.log(_LADDER) - 1e-9))
        sprite = self._sprite(k, actor, _pose(actor, walked, vx, vz), size)
        px, py = self._view.foot(x, depth)
        return _Placed(
            k + 1, actor.label, sprite, ppm / size, px - camera[0], py - camera[1], actor.nearer - depth
        )

    def _sprite(self, k: int, actor: Actor, pose: int, ppm: float) -> Sprite:
        key = (k, pose, ppm)
        sprite = self._sprites.get(key)
        if sprite is None:
            sprite = _draw(actor, pose, ppm)
            self._sprites[key] = sprite
            self._sprite_bytes += sprite.bgra.nbytes
            while self._sprite_bytes > _CACHE_BYTES and len(self._sprites) > 1:
                _, old = self._sprites.popitem(last=False)
                self._sprite_bytes -= old.bgra.nbytes
        else:
            self._sprites.move_to_end(key)
        return sprite


# A pose number is view * 1000 + position in the cycle; views: 0 right, 1 left, 2 towards us, 3 away; +100: standing.
def _pose(actor: Actor, walked: float, vx: float, vz: float) -> int:
    left = int(vx < 0 or (vx == 0 and vz == 0 and actor.xs[0] > actor.xs[-1]))
    if isinstance(actor.look, Person) and not actor.mount:
        if vx == 0 and vz == 0:
            return left * 1000 + 100
        cycle = int(walked / (_STRIDE_M * actor.look.height) * people.WALK_POSES) % people.WALK_POSES
        view = left if abs(vx) > abs(vz) else (2 if vz < 0 else 3)
        return view * 1000 + cycle
    if actor.label == 1 or actor.mount == "bicycle":
        return left * 1000 + int(walked / 4.3 * vehicles.PEDAL_POSES) % vehicles.PEDAL_POSES
    if actor.mount:
        return left * 1000
    turn = 0.4 if actor.label == 2 else 0.55
    return left * 1000 + int(walked / turn * vehicles.WHEEL_POSES) % vehicles.WHEEL_POSES


def _draw(actor: Actor, pose: int, ppm: float) -> Sprite:
    view, cycle = divmod(pose, 1000)
    look = actor.look
    if isinstance(look, Person):
        if actor.mount == "bicycle":
            sprite = vehicles.draw_cyclist(look, cycle, ppm)
        elif actor.mount:
            sprite = vehicles.draw_motorcyclist(look, cycle, ppm)
        else:
            phase, swing = (0.0, 0.0) if cycle >= 100 else (2 * pi * cycle / people.WALK_POSES, 1.0)
            if view >= 2:
                return people.draw_facing(look, phase, swing, ppm, away=view == 3)
            sprite = people.draw_side(look, phase, swing, ppm)
    elif look.kind == "bicycle":
        sprite = vehicles.draw_bicycle(look, cycle, ppm)
    elif look.kind == "motorcycle":
        sprite = vehicles.draw_motorcycle(look, cycle, ppm)
    else:
        sprite = vehicles.draw_vehicle(look, cycle, ppm)
    return sprite.mirrored() if view == 1 else sprite


def _window(one: _Placed, width: int, height: int) -> tuple[int, int, int, int] | None:
    """The pixels (left, top, right, bottom) that the object may touch."""
    left, top, right, bottom = one.box
    x0, y0 = max(0, floor(left) - 1), max(0, floor(top) - 1)
    x1, y1 = min(width, ceil(right) + 1), min(height, ceil(bottom) + 1)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _warp(one: _Placed, window: tuple[int, int, int, int], patch: Image) -> Image:
    left, top, right, bottom = window
    s, (ox, oy) = one.scale, one.sprite.origin
    # Pixel centres lie at .5, cv2 counts from them.
    matrix = np.array([
        [s, 0, s * (0.5 - ox) + one.x - left - 0.5],
        [0, s, s * (0.5 - oy) + one.y - top - 0.5],
    ])  # fmt: skip
    return np.asarray(cv2.warpAffine(patch, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR))


def _blend(image: Image, one: _Placed) -> None:
    window = _window(one, image.shape[1], image.shape[0])
    if window is None:
        return
    left, top, right, bottom = window
    patch = _warp(one, window, one.sprite.bgra)
    area = image[top:bottom, left:right]
    inverse = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(patch, 3)), cv2.COLOR_GRAY2BGR)
    area[:] = cv2.add(cv2.multiply(area, inverse, scale=1 / 255), cv2.cvtColor(patch, cv2.COLOR_BGRA2BGR))


def _soft_ellipse() -> Image:
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    dark = np.clip(1.15 - np.hypot(x, y), 0, 1) ** 1.3
    return np.rint(255 * (1 - 0.55 * np.minimum(dark, 1))).astype(np.uint8)


_SHADOW = cv2.cvtColor(_soft_ellipse(), cv2.COLOR_GRAY2BGR)


def _blend_shadow(image: Image, one: _Placed) -> None:
    left, _, right, _ = one.box
    half, tall = (
        0.56 * (right - left),
        0.16 * one.sprite.ppm * one.scale * (1.6 if one.label in (2, 4, 5) else 1),
    )
    centre, y = (left + right) / 2, one.y - 0.2 * tall
    x0, x1 = max(0, floor(centre - half)), min(image.shape[1], ceil(centre + half))
    y0, y1 = max(0, floor(y - tall)), min(image.shape[0], ceil(y + tall))
    if x0 >= x1 or y0 >= y1:
        return
    sx, sy = half / 32, tall / 32
    matrix = np.array([[sx, 0, centre - half - x0], [0, sy, y - tall - y0]])
    soft = cv2.warpAffine(
        _SHADOW, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderValue=(255, 255, 255)
    )
    area = image[y0:y1, x0:x1]
    area[:] = cv2.multiply(area, soft, scale=1 / 255)
