"""Pictures of a live stream that come in bursts go on at their own times."""

from __future__ import annotations

_LATE_S = 0.25  # later than that: the stream has stalled, and goes on from here
_JUMP_S = 1.0  # further ahead of the picture before: a gap in the stream, which nobody waits for
_PAUSE_S = 0.4  # a burst begins after nothing has come for so long
_BURST = 5  # so many pictures in far less than their own time
_BURSTS = 2  # one alone may be what a server sends to whoever connects


class Pacer:
    """Says when each picture of one connection is due.

    always: the stream comes in pieces (a playlist). Otherwise pictures pass as they come until bursts have been
    seen again and again; `is_pacing` says which holds.
    """

    def __init__(self, *, always: bool) -> None:
        self.is_pacing = always
        self._anchor: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None
        self._run = self._bursts = 0

    def due(self, t: float, now: float) -> float:
        """The monotonic time at which the picture of the stream's time `t`, which came at `now`, is due."""
        last, self._last = self._last, (t, now)
        if not self.is_pacing:
            self._look_for_bursts(last, t, now)
            return now
        if self._anchor is not None and last is not None:
            anchor_t, anchor_at = self._anchor
            due = anchor_at + (t - anchor_t)
            if now - due <= _LATE_S and t - last[0] <= _JUMP_S:
                return max(due, now)
        self._anchor = (t, now)
        return now

    def _look_for_bursts(self, last: tuple[float, float] | None, t: float, now: float) -> None:
        if last is None:
            return
        step_s, gap_s = t - last[0], now - last[1]
        if gap_s >= _PAUSE_S and gap_s > 2 * step_s:
            self._run = 1
        elif self._run and 3 * gap_s < step_s:
            self._run += 1
            self._bursts += self._run == _BURST
        else:
            self._run = 0
        self.is_pacing = self._bursts >= _BURSTS


class PictureWatch:
    """Notices that a connection brings bytes and no pictures. Raises TimeoutError when asked then."""

    def __init__(self, first_s: float, later_s: float) -> None:
        """first_s: how long the first picture may take; later_s: any other."""
        self._later_s = later_s
        self._limit_s = first_s
        self._since: float | None = None
        self._saw_one = False

    def saw(self, now: float) -> None:
        """A picture came."""
        if self._since is not None and self._saw_one:
            self._later_s = max(self._later_s, 3 * (now - self._since))  # it takes its time, and comes
        self._since, self._limit_s, self._saw_one = now, self._later_s, True

    def check(self, now: float) -> None:
        if self._since is None:
            self._since = now
        if now - self._since > self._limit_s:
            raise TimeoutError(f"no picture came for {self._limit_s:g} s")
