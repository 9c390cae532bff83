"""The time of a recording, from the time of its source."""

from __future__ import annotations

from fractions import Fraction

from rtdet.types import Frame

_FALLBACK = Fraction(1, 90000)
_JUMP_BACK_S = Fraction(1, 2)


def stamp(frame: Frame) -> Fraction:
    """Seconds on the source's own clock: the container's timestamp where there is one, else Frame.t."""
    if frame.pts is not None and frame.time_base is not None:
        return frame.pts * Fraction(frame.time_base)
    return round(frame.t * _FALLBACK.denominator) * _FALLBACK


class RecordingClock:
    """Turns source times into strictly increasing ticks of `time_base`, 0 at `origin` (source seconds).

    Variable steps are kept. A small step back (jitter) becomes one tick; after a larger one (a seek, a
    stream that starts over) the recording goes on one usual step later and `was_rebased` is True.
    """

    def __init__(self, first: Frame, origin: Fraction, time_base: Fraction | None = None) -> None:
        own = _FALLBACK
        if first.pts is not None and first.time_base is not None:
            own = Fraction(first.time_base)
        # Clocks that are finer than a muxer's 32 bits, or not a whole fraction of a second, are replaced.
        is_usual = own.numerator == 1 and own.denominator <= 1_000_000
        self.time_base = time_base or (own if is_usual else _FALLBACK)
        self.was_rebased = False
        self.last_step_s: float | None = None
        self._origin = origin
        self._last: int | None = None

    def ticks(self, frame: Frame) -> int:
        """The frame's place on the recording's clock."""
        ticks = round((stamp(frame) - self._origin) / self.time_base)
        if self._last is not None:
            if (self._last - ticks) * self.time_base > _JUMP_BACK_S:
                self.was_rebased = True
                step = Fraction(self.last_step_s or 0.04)
                ticks = self._last + max(1, round(step / self.time_base))
                self._origin = stamp(frame) - ticks * self.time_base
            ticks = max(ticks, self._last + 1)
            self.last_step_s = float((ticks - self._last) * self.time_base)
        self._last = ticks
        return ticks

    def seconds(self, ticks: int) -> Fraction:
        """Recording seconds of a tick."""
        return ticks * self.time_base
