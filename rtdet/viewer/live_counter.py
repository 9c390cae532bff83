"""Counts while something is watched: every frame once, however often somebody goes back to it."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Callable

from rtdet.counting import Counter, Zones
from rtdet.types import FrameResult
from rtdet.viewer.past_tracks import PastFrame, PastTracks, past_frame
from rtdet.viewer.tallies import Tallies, TallyBook

# What lies between two frames that are further apart was not seen: somebody has jumped there.
_JUMP_S = 2.0
# So many frames are caught up with while the next one waits.
_LAST_FEW = 8


class LiveCounter:
    """The sink's `write` is called in the thread of an output, all else from any other.

    What was seen is remembered, so that `recount` gives what other lines would have counted from the beginning.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._past = PastTracks()
        self._seen = Stretches(_JUMP_S)
        self._counter: Counter | None = None
        self._book: TallyBook | None = None
        self._begins = True
        self._last_t: float | None = None

    def sink(self) -> CountingSink:
        """For one more pipeline of the same source, whose IDs are those of others."""
        with self._lock:
            self._begins = True
        return CountingSink(self)

    def write(self, result: FrameResult) -> None:
        """Takes what was found in a frame."""
        frame = result.frame
        with self._lock:
            last, self._last_t = self._last_t, frame.t
            if last == frame.t:
                return
            if not self._seen.add(frame.t, goes_on=not self._begins):
                self._begins = True  # what comes after it does not go on from what was counted last
                return
            past = past_frame(result.tracks, frame.t, frame.index + 1, frame.size, begins=self._begins)
            self._past.add(past)
            self._begins = False
            if self._counter is not None:
                _count(self._counter, past)

    def recount(self, zones: Zones, is_over: Callable[[], bool] = lambda: False) -> None:
        """Counts what was seen, and from then on what comes, at these lines and zones; until it is done at those
        of before. is_over: whether somebody has changed them again."""
        counter: Counter | None = None
        done = 0
        while not is_over():
            with self._lock:
                frames, count = self._past.after(done)
                if len(frames) <= _LAST_FEW:
                    for past in frames:
                        counter = counter or Counter(zones, past.size)
                        _count(counter, past)
                    self._counter = counter or Counter(zones, (1, 1))
                    self._book = TallyBook(self._counter)
                    return
            done = count
            for past in frames:
                counter = counter or Counter(zones, past.size)
                _count(counter, past)
                if is_over():
                    return

    def counted(self, zones: Zones) -> tuple[Counter, float, float] | None:
        """A counter of its own after all that is remembered, and from when to when that was; None: nothing is."""
        with self._lock:
            frames, _ = self._past.after(0)
        if not frames:
            return None
        counter = Counter(zones, frames[0].size)
        for past in frames:
            _count(counter, past)
        counter.finish()
        times = [past.t for past in frames]
        return counter, min(times), max(times)

    def tallies(self) -> Tallies:
        with self._lock:
            return {} if self._book is None else self._book.tallies()

    @property
    def since_s(self) -> float | None:
        """Since when what was watched is remembered; None: from the beginning."""
        return self._past.first_t


class CountingSink:
    """Hands on what a pipeline finds; that one pipeline closes it does not end the counting."""

    wants_results = True

    def __init__(self, counter: LiveCounter) -> None:
        self._counter = counter

    def write(self, result: FrameResult) -> None:
        self._counter.write(result)

    def close(self) -> None:
        pass


def _count(counter: Counter, past: PastFrame) -> None:
    if past.begins:
        counter.finish()
    if past.size != counter.size:
        counter.resize(past.size)
    counter.update(past.tracks, past.t, past.number)


class Stretches:
    """Stretches of time that were seen. Frames closer together than `most_gap_s`, one after the other, make one."""

    def __init__(self, most_gap_s: float) -> None:
        self._most_gap_s = most_gap_s
        self._starts: list[float] = []
        self._ends: list[float] = []

    def add(self, t: float, *, goes_on: bool) -> bool:
        """Takes note of a frame. Returns whether its time had not been seen. goes_on: the time between it and the
        frame before was seen too."""
        i = bisect.bisect_right(self._starts, t) - 1
        if i >= 0 and t <= self._ends[i]:
            return False
        if i >= 0 and goes_on and t - self._ends[i] <= self._most_gap_s:
            self._ends[i] = t
        else:
            i += 1
            self._starts.insert(i, t)
            self._ends.insert(i, t)
        return True
