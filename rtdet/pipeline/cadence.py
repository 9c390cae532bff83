"""Which frames the detector looks at; between them the tracker carries the boxes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from statistics import median

from rtdet.pipeline.flow import Job

MOST_EVERY = 8
# The detector is busy for at most this share of the time, and for less before it is asked more often.
_MOST_BUSY, _LESS_BUSY = 0.9, 0.75
# By so many of the detector's last calls, where a stall among them changes nothing, and of the source's last frames.
_CALLS, _FRAMES = 9, 31
# So many calls in a row must want another choice before it is taken: a larger one, a smaller one.
_UP_AFTER, _DOWN_AFTER = 3, 12
# Frames that are farther apart have a pause between them.
_PAUSE_S = 1.0


class Choice:
    """Chooses how often a detector looks at a source that does not wait for it, by how long it takes and how fast the
    frames come. It goes up soon, and down again only where that will last."""

    def __init__(self) -> None:
        self.every = 1
        self._calls_s: deque[float] = deque(maxlen=_CALLS)
        self._frames: deque[tuple[int, float]] = deque(maxlen=_FRAMES)
        self._up = self._down = 0

    def arrived(self, index: int, at: float) -> None:
        """The frame of this number was captured, at `at` seconds."""
        if self._frames:
            last, before = self._frames[-1]
            if index <= last or not 0 <= at - before < _PAUSE_S:
                self._frames.clear()
        self._frames.append((index, at))

    def took(self, call_s: float) -> None:
        """The detector took so many seconds for a frame."""
        self._calls_s.append(call_s)
        step_s = self._step_s()
        if step_s is None:
            return
        steps = median(self._calls_s) / step_s
        enough, easily = _at_least(steps / _MOST_BUSY), _at_least(steps / _LESS_BUSY)
        self._up = self._up + 1 if enough > self.every else 0
        self._down = self._down + 1 if easily < self.every else 0
        if self._up >= _UP_AFTER:
            self.every, self._up = enough, 0
        elif self._down >= _DOWN_AFTER:
            self.every, self._down = easily, 0

    def _step_s(self) -> float | None:
        """Seconds between two frames of the source, in the mean: those of a stream come in bursts."""
        if len(self._frames) < 4:
            return None
        (first, since), (last, until) = self._frames[0], self._frames[-1]
        return max(until - since, 1e-4) / (last - first)


def _at_least(steps: float) -> int:
    return min(max(math.ceil(steps - 1e-9), 1), MOST_EVERY)


class Cadence:
    """Divides the frames into those that the detector looks at and those that are carried.

    every: the detector looks at every so many frames; None: it is chosen as the run goes on where the source does not
    wait (`takes_newest`), and 1 where it does. With `takes_newest` the detector looks at the newest frame only, and
    what came before is carried too, unless it is to look at every frame: then whoever puts them in drops them.
    """

    def __init__(self, every: int | None = 1, *, takes_newest: bool = False) -> None:
        self._choice = Choice() if every is None and takes_newest else None
        self._wanted, self._takes_newest = every or 1, takes_newest
        self._floor = 1
        self._since = math.inf
        self._key: object = None

    @property
    def every(self) -> int:
        """The detector now looks at every so many frames."""
        return max(self._wanted if self._choice is None else self._choice.every, self._floor)

    @property
    def carries(self) -> bool:
        """Whether there may be frames that are carried."""
        return self._choice is not None or self.every > 1

    def at_least(self, every: int) -> None:
        """From now on it looks no more often than at every so many frames. May be called from any thread."""
        self._floor = every

    def divide(self, jobs: Sequence[Job]) -> list[Job]:
        """Marks the next frames that are carried, and returns those to look at. The first frame is looked at, the
        first after a jump or of another size, and one that stands still; where that one is marked already, because it
        cannot be looked at, the next that can."""
        every, newest_only, wanted = self.every, self._takes_newest and self.carries, list[Job]()
        can_be = [job for job in jobs if not job.is_carried]
        for job in jobs:
            self._arrived(job)
            job.is_carried = job.is_carried or newest_only or self._since < every
            if not job.is_carried:
                self._since = 0
                wanted.append(job)
        if newest_only and can_be and self._since >= every:
            self._since = 0
            can_be[-1].is_carried = False
            wanted.append(can_be[-1])
        return wanted

    def look_later(self, waited: Sequence[Job], newer: Sequence[Job]) -> None:
        """The detector looks at the last of the `newer` frames, which came while those that `divide` was given
        `waited` for it: all others are carried."""
        for job in newer:
            self._arrived(job)
        for job in (*waited, *newer[:-1]):
            job.is_carried = True
        self._since = 0

    def _arrived(self, job: Job) -> None:
        key = job.epoch, job.frame.size
        self._since = math.inf if job.single or key != self._key else self._since + 1
        self._key = key
        if self._choice is not None:
            self._choice.arrived(job.frame.index, job.released_at)

    def took(self, call_s: float) -> None:
        """The detector took so many seconds for the frame that it looked at."""
        if self._choice is not None:
            self._choice.took(call_s)
