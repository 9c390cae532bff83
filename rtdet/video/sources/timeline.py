"""Derives frame times from container timestamps that may be wrong."""

from __future__ import annotations

from fractions import Fraction

JUMP_S = 1.0  # a step back of more than this is a new clock (files joined end to end), not jitter
STREAK = 3  # as many repaired frames in a row mean that the container's clock stands still


class Timeline:
    """Turns raw timestamps (seconds since the first frame, None: missing) into times that strictly increase.

    A timestamp that is missing is guessed one frame duration on. One that repeats or steps back a little
    is placed a quarter of a frame after its predecessor, so that the true times are caught up with. After
    a large step back, or several repairs in a row, the container's clock counts on from where we are.
    """

    def __init__(self, frame_s: float) -> None:
        self.frame_s = frame_s
        self.last: float | None = None
        self.shifted = False
        self._offset = 0.0
        self._streak = 0

    def stamp(self, raw_s: float | None) -> tuple[float, bool]:
        """(time in seconds, whether it is the container's own time unchanged)."""
        t, own = self._place(raw_s)
        self.last = t
        return t, own

    def restart(self) -> None:
        """Forget the last time, because the reader jumps to another place of the file."""
        self.last, self._offset, self._streak = None, 0.0, 0

    def _place(self, raw_s: float | None) -> tuple[float, bool]:
        if self.last is None:
            return (0.0, False) if raw_s is None else (raw_s, True)
        if raw_s is None:
            self.shifted = True
            return self.last + self.frame_s, False
        t = raw_s + self._offset
        if t > self.last + 1e-9:
            self._streak = 0
            return t, self._offset == 0.0
        self._streak += 1
        if self.last - t <= JUMP_S and self._streak <= STREAK:
            return self.last + self.frame_s / 4, False
        self.shifted = True
        self._offset += self.last + self.frame_s - t
        return self.last + self.frame_s, False


def stamped(
    timeline: Timeline, start_pts: int | None, pts: int | None, time_base: Fraction
) -> tuple[float, bool, int | None]:
    """The time of the next picture, which the container shows at `pts` (None: it does not say): seconds since the
    first one, whether they are the container's own, and the pts from which they count, found at the first picture
    that has one (`start_pts` until then: None)."""
    if pts is not None and start_pts is None:
        ahead = 0 if timeline.last is None else round((timeline.last + timeline.frame_s) / time_base)
        start_pts = pts - ahead
    raw_s = None if pts is None or start_pts is None else float((pts - start_pts) * time_base)
    return *timeline.stamp(raw_s), start_pts
