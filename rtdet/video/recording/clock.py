"""Computes the time of a recording from the time of its source."""

from __future__ import annotations

from fractions import Fraction

from rtdet.types import Frame

_FALLBACK = Fraction(1, 90000)
_JUMP_BACK_S, _JUMP_AHEAD_S = Fraction(1, 2), 2


# Frame.t is a float; a container's timestamp that says something else is of another clock.
_SAME_S = Fraction(1, 1000)


def stamp(frame: Frame) -> Fraction:
    """Seconds on the source's own clock: the container's timestamp where there is one, else Frame.t."""
    if frame.pts is not None and frame.time_base is not None:
        return frame.pts * Fraction(frame.time_base)
    return _time_of(frame)


def _time_of(frame: Frame) -> Fraction:
    return round(frame.t * _FALLBACK.denominator) * _FALLBACK


class SourceClock:
    """The container's clock through a whole source. Frame.t goes on where timestamps are missing or start over;
    a timestamp is taken, because it is exact, where it says the same as Frame.t."""

    def __init__(self, first: Frame) -> None:
        self._ahead = stamp(first) - _time_of(first)

    def stamp(self, frame: Frame) -> Fraction:
        """Seconds on the clock of the container's first timestamps."""
        t = _time_of(frame) + self._ahead
        own = stamp(frame)
        return own if abs(own - t) < _SAME_S else t


class RecordingClock:
    """Turns source times into strictly increasing ticks of `time_base`, 0 at `origin` (source seconds).

    Variable steps are kept. A small step back (jitter) becomes one tick; after a larger one (a seek, a
    stream that starts over) the recording goes on one usual step later. With `closes_gaps` it also does where frames
    were left out for more than two seconds (a seek ahead). `has_jumped` tells whether it did so at the last frame.
    """

    def __init__(
        self,
        first: Frame,
        origin: Fraction,
        time_base: Fraction | None = None,
        *,
        closes_gaps: bool = False,
    ) -> None:
        own = _FALLBACK
        if first.pts is not None and first.time_base is not None:
            own = Fraction(first.time_base)
        # Clocks that are finer than a muxer's 32 bits, or not a whole fraction of a second, are replaced.
        is_usual = own.numerator == 1 and own.denominator <= 1_000_000
        self.time_base = time_base or (own if is_usual else _FALLBACK)
        self.has_jumped = False
        self.last_step_s: float | None = None
        self._origin = origin
        self._source = SourceClock(first)
        self._closes_gaps = closes_gaps
        self._last: int | None = None
        self._last_index = first.index

    def ticks(self, frame: Frame) -> int:
        """The frame's place on the recording's clock."""
        at = self._source.stamp(frame)
        ticks = round((at - self._origin) / self.time_base)
        self.has_jumped = False
        if self._last is not None:
            step_s = (ticks - self._last) * self.time_base
            is_next = frame.index == self._last_index + 1
            self.has_jumped = step_s < -_JUMP_BACK_S or (
                self._closes_gaps and step_s > _JUMP_AHEAD_S and not is_next
            )
            if self.has_jumped:
                step = Fraction(self.last_step_s or 0.04)
                ticks = self._last + max(1, round(step / self.time_base))
                self._origin = at - ticks * self.time_base
            ticks = max(ticks, self._last + 1)
            self.last_step_s = float((ticks - self._last) * self.time_base)
        self._last, self._last_index = ticks, frame.index
        return ticks

    def source_seconds(self, frame: Frame) -> Fraction:
        """Where the source's own clock is at the frame."""
        return self._source.stamp(frame)

    def seconds(self, ticks: int) -> Fraction:
        """Recording seconds of a tick."""
        return ticks * self.time_base
