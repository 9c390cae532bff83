"""A tracker's time: how far each update is from the last one, however broken the timestamps are."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import TypeGuard

USUAL_FPS = 30.0
RECENT_STEPS = 31
SHORTEST_STEP = 0.1
# Bounds of what is taken for a time and for a step of time: sums stay exact enough for ever, and speeds finite.
FARTHEST_S = 1e15
SHORTEST_STEP_S, LONGEST_STEP_S = 1e-6, 3600.0


class Clock:
    """Counts a tracker's updates, its frames and its seconds.

    fps      the source's nominal frame rate. Given, frames are counted by the time that has truly passed (a
             tenth of a frame an update at least). Not given, every update is one frame.
    updates  how many there were.
    frame    frames since the start, by count or by time.
    now_s    seconds since the start; unlike the timestamps it never goes back.
    last_t   the last update's timestamp in seconds; None before the first that has one.
    """

    def __init__(self, fps: float | None = None) -> None:
        self.fps = fps
        self.updates = 0
        self.frame = 0.0
        self.now_s = 0.0
        self.last_t: float | None = None
        self._steps_s: deque[float] = deque(maxlen=RECENT_STEPS)
        self._usual_step_s: float | None = None

    def advance(self, t: float | None) -> float:
        """Moves on to the frame at `t` seconds and returns the step in frames.

        A `t` that is missing (None, NaN, infinite, beyond 1e15 s), equal or earlier counts as one usual step;
        less than a microsecond counts as one, more than an hour as an hour.
        """
        dt = 1.0
        elapsed_s = self.ahead_s(t)
        if elapsed_s > 0:
            elapsed_s = min(max(elapsed_s, SHORTEST_STEP_S), LONGEST_STEP_S)
            self._steps_s.append(elapsed_s)
            self._usual_step_s = None
            if self.fps is not None:
                # Rounded, so that n / fps is steady to the last bit; at least something, so that tracks age.
                dt = max(round(elapsed_s * self.fps, 6), SHORTEST_STEP)
        else:
            elapsed_s = self.usual_step_s
        if is_time(t):
            self.last_t = float(t)
        elif self.last_t is not None:
            self.last_t += elapsed_s
        self.updates += 1
        self.frame += dt
        self.now_s += elapsed_s
        return dt

    def ahead_s(self, t: float | None) -> float:
        """Seconds from the last update to `t`; 0 where one of the two is no time."""
        return t - self.last_t if self.last_t is not None and is_time(t) else 0.0

    @property
    def usual_step_s(self) -> float:
        """Seconds between updates: the median of the last ones, a nominal frame before there are any."""
        if self._usual_step_s is None:
            self._usual_step_s = median(self._steps_s) if self._steps_s else 1 / (self.fps or USUAL_FPS)
        return self._usual_step_s

    @property
    def frame_s(self) -> float:
        """Seconds in one frame as `advance` counts them: a nominal one, or the usual update."""
        return 1 / self.fps if self.fps is not None else self.usual_step_s


def is_time(t: float | None) -> TypeGuard[float]:
    """Whether `t` is a number of seconds that can be reckoned with; NaN is not."""
    return t is not None and abs(t) <= FARTHEST_S
