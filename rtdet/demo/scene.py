"""The rendered street with everyone on it, and the exact truth about each frame."""

from __future__ import annotations

import threading
from collections import OrderedDict
from math import ceil, log, pi, sin

import cv2
import numpy as np

from rtdet.demo.placed import Lit, Placed, light
from rtdet.demo.poses import draw, pose_of
from rtdet.demo.street import paint_street
from rtdet.demo.traffic import CLASS_NAMES, Actor, plan_traffic
from rtdet.demo.view import random_light, random_view
from rtdet.errors import UsageError
from rtdet.types import FloatArray, Image, Tracks

_CACHE_BYTES = 96 * 2**20
_LADDER = 1.25
"""Sprites of those who come nearer are drawn in sizes that grow by this factor, and scaled down from the next
larger one."""


class DemoScene:
    """A street scene that depends on nothing but its arguments.

    `render(i)`, `truth(i)` and `visibility(i)` may be called in any order, from any thread. The objects are
    people, bicycles, cars, motorcycles, buses and trucks; a rider and what is ridden are two objects. Raises
    UsageError for a picture under 16 pixels, a rate or a duration that is not positive, and IndexError for
    a frame outside 0 to frame_count - 1.
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
            raise UsageError(f"the demo must be at least 16 x 16 pixels, not {width} x {height}")
        if not (0 < fps < float("inf") and 0 < duration_s < float("inf")):
            raise UsageError(f"the demo needs a positive rate and duration, not {fps} fps and {duration_s} s")
        self.seed, self.width, self.height = seed, width, height
        self.fps, self.duration_s, self.moving_camera = fps, duration_s, moving_camera
        self.frame_count = max(1, round(fps * duration_s))
        self.class_names = CLASS_NAMES
        self._margin = (round(0.14 * width), round(0.015 * height)) if moving_camera else (0, 0)
        self._view = random_view(np.random.default_rng([seed, 1]), width, height)
        self._sun, self._tint = random_light(np.random.default_rng([seed, 4]))
        reach = 1 + 2 * self._margin[0] / width
        self._actors = plan_traffic(self._view, np.random.default_rng([seed, 2]), duration_s, reach)
        self._starts = np.array([actor.times[0] for actor in self._actors])
        self._ends = np.array([actor.times[-1] for actor in self._actors])
        street = paint_street(
            self._view, np.random.default_rng([seed, 3]), self._margin, self._tint, self._sun
        )
        self._background = street
        self._lock = threading.Lock()
        self._lit: OrderedDict[tuple[int, int, float], Lit] = OrderedDict()
        self._lit_bytes = 0
        self._last: tuple[int, list[Placed]] = (-1, [])

    def render(self, i: int) -> Image:
        """Frame `i` as (height, width, 3) uint8 BGR."""
        placed = self.placed(i)
        dx, dy = self.camera(i)
        left, top = self._margin[0] + dx, self._margin[1] + dy
        image: Image = self._background[top : top + self.height, left : left + self.width].copy()
        self._cast_shadows(image, placed)
        for one in placed:
            one.blend(image)
        return image

    def truth(self, i: int) -> Tracks:
        """The objects that touch the picture in frame `i`, by rising id: boxes of what is drawn of
        them within the picture, without shadows, ids from 1 that stay with the object, labels of CLASS_NAMES.

        Objects that are wholly hidden behind others are here too; `visibility` tells.
        """
        rows = self._shown(i)
        return Tracks(
            np.array([box for _, box in rows], dtype=np.float64).reshape(-1, 4),
            np.array([one.actor_id for one, _ in rows], dtype=np.int64),
            labels=np.array([one.label for one, _ in rows], dtype=np.int64),
            class_names=CLASS_NAMES,
        )

    def visibility(self, i: int) -> FloatArray:
        """(N,) for the rows of `truth(i)`: which part of the object's pixels within the picture no nearer
        object and no part of the street covers, 0 to 1."""
        free = np.ones((self.height, self.width), dtype=bool)
        parts: dict[int, float] = {}
        for one in reversed(self.placed(i)):
            window = one.window(self.width, self.height)
            if window is None:
                continue
            left, top, right, bottom = window
            drawn = one.warp(window)[..., 3] >= 128
            area = free[top:bottom, left:right]
            total = int(drawn.sum())
            parts[one.actor_id] = float((drawn & area).sum() / total) if total else 0.0
            area &= ~drawn
        return np.array([parts.get(one.actor_id, 0.0) for one, _ in self._shown(i)], dtype=np.float64)

    def placed(self, i: int) -> list[Placed]:
        """Everything near the picture in frame `i`, from far to near, street lamps and the like included."""
        if not 0 <= i < self.frame_count:
            raise IndexError(f"frame {i} of a demo of {self.frame_count} frames")
        with self._lock:
            kept_i, kept = self._last
            if kept_i == i:
                return kept
            t = i / self.fps
            active = np.flatnonzero((self._starts <= t) & (t < self._ends))
            camera = self.camera(i)
            placed = [self._place(self._actors[k], int(k), t, camera) for k in active]
            placed.sort(key=lambda one: (one.order, one.actor_id))
            self._last = (i, placed)
            return placed

    def camera(self, i: int) -> tuple[int, int]:
        """How far the camera has turned in frame `i`, in whole pixels to the right and down."""
        t = i / self.fps
        across, down = self._margin
        return round(across * sin(2 * pi * t / 14.0)), round(down * sin(2 * pi * t / 5.3))

    def _cast_shadows(self, image: Image, placed: list[Placed]) -> None:
        darkness = np.zeros(image.shape[:2], dtype=np.uint8)
        for one in placed:
            one.cast(darkness, self._sun)
        # Nothing stands on what is above the far pavement, and shadows lie on the ground.
        top = min(self.height - 1, max(0, int(self._view.horizon) - self._margin[1]))
        bright = cv2.cvtColor(cv2.bitwise_not(darkness[top:]), cv2.COLOR_GRAY2BGR)
        cv2.multiply(image[top:], bright, dst=image[top:], scale=1 / 255)

    def _shown(self, i: int) -> list[tuple[Placed, tuple[float, float, float, float]]]:
        """The objects within the picture and their boxes, by id."""
        boxes = [(one, one.box_within(self.width, self.height)) for one in self.placed(i) if one.label >= 0]
        return sorted(((one, box) for one, box in boxes if box), key=lambda row: row[0].actor_id)

    def _place(self, actor: Actor, k: int, t: float, camera: tuple[int, int]) -> Placed:
        x, depth, walked, vx, vz = actor.at(t)
        ppm = self._view.ppm(depth)
        size = ppm if actor.keeps_depth else _LADDER ** ceil(log(ppm) / log(_LADDER) - 1e-9)
        lit = self._light(actor, k, pose_of(actor, walked, vx, vz), size)
        px, py = self._view.foot(x, depth)
        return Placed(
            k + 1, actor.label, lit, ppm / size, px - camera[0], py - camera[1], actor.nearer - depth
        )

    def _light(self, actor: Actor, k: int, pose: int, ppm: float) -> Lit:
        key = (k, pose, ppm)
        lit = self._lit.get(key)
        if lit is not None:
            self._lit.move_to_end(key)
            return lit
        lit = light(draw(actor, pose, ppm), self._tint, self._sun)
        self._lit[key] = lit
        self._lit_bytes += lit.size
        while self._lit_bytes > _CACHE_BYTES and len(self._lit) > 1:
            _, old = self._lit.popitem(last=False)
            self._lit_bytes -= old.size
        return lit
