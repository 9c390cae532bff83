"""Opens a live source again that was lost, or that could not be opened, for as long as it takes."""

from __future__ import annotations

import time
from collections.abc import Callable

from rtdet.video.sources.names import is_camera, is_url
from rtdet.viewer.player import PlayerState

# Waits between two attempts: each twice as long as the one before.
FIRST_S, LONGEST_S = 2.0, 30.0
# One that was there for so long begins anew with the short waits.
_STEADY_S = 20.0


def can_return(source: str) -> bool:
    """Whether it may be there again later by itself: a camera or an address, but not a file."""
    return is_camera(source) or is_url(source)


class Returning:
    """Belongs to one source. poll: often; calls `retry` when it is time."""

    def __init__(self, player: PlayerState, retry: Callable[[], None]) -> None:
        self._player, self._retry = player, retry
        self._wait_s = FIRST_S
        self._opened_at: float | None = None
        self._at: float | None = None

    def lost(self, source: str) -> None:
        """It is gone, or could not be opened; it is tried again in a while."""
        now = time.monotonic()
        if self._opened_at is not None and now - self._opened_at > _STEADY_S:
            self._wait_s = FIRST_S
        self._opened_at = None
        if not can_return(source):
            return
        self._at = now + self._wait_s
        self._wait_s = min(2 * self._wait_s, LONGEST_S)

    def opened(self) -> None:
        self._opened_at, self._at = time.monotonic(), None
        self._player.retry_in_s = None

    def forget(self) -> None:
        """Something else is done with it: nothing is tried any more."""
        self._at, self._player.retry_in_s = None, None

    def poll(self) -> None:
        if self._at is None:
            return
        left_s = self._at - time.monotonic()
        if left_s > 0:
            self._player.retry_in_s = int(left_s) + 1
        else:
            self.forget()
            self._retry()
