"""Keeps the view of the picture on one object, smoothly. Free of Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rtdet.viewer.viewport import Viewport

# The view makes up for two thirds of the way to where it should be in so much time.
SLOWNESS_S = 0.3
# The longer side of the object fills so much of the view, unless the user zooms.
SHARE = 0.4
_LONGEST_STEP_S = 0.1
# Pixels of the window and parts of the scale that nobody sees.
_STILL_PX, _STILL_SCALE = 0.25, 0.002


class Following:
    """Moves a viewport towards an object in small steps, one at each tick of the window."""

    def __init__(self) -> None:
        self._scale: float | None = None
        self._is_new = False
        self._last_s: float | None = None

    def start(self) -> None:
        """Another object is followed from now on: it is zoomed to by its size."""
        self._is_new, self._scale, self._last_s = True, None, None

    def keep_scale(self) -> None:
        """The user has zoomed: so it stays."""
        self._is_new, self._scale = False, None

    def step(self, view: Viewport, box: Sequence[float] | None, now_s: float) -> bool:
        """Moves the view for the time since the last step, towards `box` (xyxy in pixels of the picture); an object
        that is not there just now leaves it where it is. Returns whether the view has changed."""
        elapsed_s = 0.0 if self._last_s is None else min(now_s - self._last_s, _LONGEST_STEP_S)
        self._last_s = now_s
        if box is None or not view.image_width or not all(map(math.isfinite, box)):
            return False
        x1, y1, x2, y2 = box
        if self._is_new:
            self._is_new, self._scale = False, _wanted_scale(view, x2 - x1, y2 - y1)
        share = 1 - math.exp(-elapsed_s / SLOWNESS_S)
        before = (view.center_x, view.center_y, view.zoom)
        if self._scale is not None:
            way = math.log(self._scale / view.scale)
            view.set_scale(self._scale if abs(way) < _STILL_SCALE else view.scale * math.exp(share * way))
        goal_x, goal_y = (x1 + x2) / 2 / view.image_width, (y1 + y2) / 2 / view.image_height
        dx, dy = goal_x - view.center_x, goal_y - view.center_y
        far = math.hypot(dx * view.image_width, dy * view.image_height) * view.scale
        part = 1.0 if far < _STILL_PX else share
        view.look_at(view.center_x + part * dx, view.center_y + part * dy)
        return (view.center_x, view.center_y, view.zoom) != before


def _wanted_scale(view: Viewport, width: float, height: float) -> float:
    """At which the object fills its share of the view; never smaller than the whole picture, and not so large that
    single pixels of the source are seen."""
    by_size = SHARE * min(view.width / max(width, 1.0), view.height / max(height, 1.0))
    return max(min(by_size, max(4.0, view.scale)), view.fit_scale)
