"""The time axis under lanes and charts: which part of the run is in view, and where on screen a time is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from rtdet.viewer.rates import clock

# The shortest stretch that can fill the axis.
SHORTEST_S = 0.2
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


class Tick(NamedTuple):
    x: float
    text: str


@dataclass
class TimeAxis:
    """Maps seconds to logical pixels from the axis' left end: 0 is `left_s`, `width` is `right_s`.

    begin_s, end_s: the whole run; what is in view never goes beyond it.
    """

    begin_s: float = 0.0
    end_s: float = 1.0
    left_s: float = 0.0
    right_s: float = 1.0
    width: float = 1.0

    @property
    def seconds(self) -> float:
        """How much is in view."""
        return self.right_s - self.left_s

    @property
    def is_fitted(self) -> bool:
        return (self.left_s, self.right_s) == (self.begin_s, self.end_s)

    def cover(self, begin_s: float, end_s: float) -> None:
        """Takes over the length of a run. What is in view stays, as far as it is part of it; all of it if all was."""
        was_fitted = self.is_fitted
        self.begin_s, self.end_s = begin_s, max(end_s, begin_s + SHORTEST_S)
        if was_fitted or not self.left_s < self.end_s or not self.right_s > self.begin_s:
            self.fit()
        else:
            self._look(self.left_s, self.seconds)

    def resize(self, width: float) -> None:
        self.width = max(width, 1.0)

    def fit(self) -> None:
        """Shows the whole run."""
        self.left_s, self.right_s = self.begin_s, self.end_s

    def x_of(self, seconds: float) -> float:
        return (seconds - self.left_s) * self.width / self.seconds

    def s_at(self, x: float) -> float:
        """The time at a place, within the run."""
        return min(max(self.left_s + x * self.seconds / self.width, self.begin_s), self.end_s)

    def zoom_by(self, factor: float, at_x: float) -> None:
        """Zooms in (above 1) or out so that the time under `at_x` stays there, as far as the run's ends allow."""
        share = min(max(at_x / self.width, 0.0), 1.0)
        at_s = self.left_s + share * self.seconds
        seconds = min(max(self.seconds / factor, SHORTEST_S), self.end_s - self.begin_s)
        self._look(at_s - share * seconds, seconds)

    def pan_by(self, dx: float) -> None:
        """Moves what is in view by `dx` pixels, as a hand would that drags it."""
        self._look(self.left_s - dx * self.seconds / self.width, self.seconds)

    def follow(self, seconds: float) -> bool:
        """Turns the page once a time has left the view. Returns whether it did."""
        if self.left_s <= seconds <= self.right_s:
            return False
        before = self.left_s
        self._look(seconds - 0.1 * self.seconds, self.seconds)
        return self.left_s != before

    def show(self, begin_s: float, end_s: float) -> None:
        """Brings a stretch into view: as it is where it fits, else what fits of its beginning."""
        if self.left_s <= begin_s and end_s <= self.right_s:
            return
        room = self.seconds - (end_s - begin_s)
        self._look(begin_s - (room / 2 if room > 0 else 0.05 * self.seconds), self.seconds)

    def ticks(self, apart: float = 80.0) -> list[Tick]:
        """Round times in view, at least `apart` pixels from one another, and their texts."""
        least = apart * self.seconds / self.width
        step = next(
            (step for step in _STEPS_S if step >= least), _STEPS_S[-1] * math.ceil(least / _STEPS_S[-1])
        )
        first, last = math.ceil(self.left_s / step - 1e-9), math.floor(self.right_s / step + 1e-9)
        return [
            Tick(self.x_of(number * step), clock(number * step, tenths=step < 1))
            for number in range(first, last + 1)
        ]

    def _look(self, left_s: float, seconds: float) -> None:
        seconds = min(seconds, self.end_s - self.begin_s)
        left_s = min(max(left_s, self.begin_s), self.end_s - seconds)
        self.left_s, self.right_s = left_s, left_s + seconds
        if seconds >= self.end_s - self.begin_s:
            self.fit()
