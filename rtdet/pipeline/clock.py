"""Tells when each frame of a file is due on the wall clock."""

from __future__ import annotations

MAX_LATE_S = 0.25


class PlaybackClock:
    """Maps the source's times to the monotonic clock.

    The first frame after the start or a `reset` (pause, seek, step) is due at once and ties the two clocks
    together; every later one is due at its own distance from that frame, so rounding and short delays do
    not add up. A frame that is late by more than `MAX_LATE_S` ties the clocks anew: after a stall playback
    goes on at normal speed, it does not race to catch up.
    """

    def __init__(self, pace: float = 1.0) -> None:
        """pace: seconds on the wall for one of the source."""
        self._pace = pace
        self._anchor: tuple[float, float] | None = None

    def set_pace(self, pace: float) -> None:
        self._pace = pace
        self.reset()

    def reset(self) -> None:
        self._anchor = None

    def due(self, t: float, now: float) -> float:
        """The monotonic time at which the frame of time `t` is to be shown."""
        if self._anchor is not None:
            anchor_t, anchor_at = self._anchor
            due = anchor_at + (t - anchor_t) * self._pace
            if now - due <= MAX_LATE_S:
                return due
        self._anchor = (t, now)
        return now
