"""Requests to a running pipeline: pause, resume, step, seek, speed, stop."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

_LOOK_AGAIN_S = 0.25


@dataclass(frozen=True)
class Order:
    """The next thing for capture to do.

    seek_to: go there first. single: show this one frame although paused, at once, and have it processed.
    discard: read a frame and throw it away (a paused live source goes on delivering). `version` tells
    whether the order still stands; `epoch` counts seeks, so that older frames can be told from newer.
    """

    version: int
    epoch: int
    seek_to: float | None = None
    single: bool = False
    discard: bool = False


class Control:
    """The requests, shared by all threads. None of the methods that ask for something waits."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._version = 0
        self._paused = False
        self._singles = 0
        self._seek_to: float | None = None
        self._stopped = False
        self.epoch = 0
        self.speed = 1.0

    @property
    def is_paused(self) -> bool:
        return self._paused

    @property
    def is_stopped(self) -> bool:
        return self._stopped

    def pause(self) -> None:
        with self._changed:
            if not self._paused:
                self._paused = True
                self._note_change()

    def resume(self) -> None:
        with self._changed:
            self._paused, self._singles = False, 0
            self._note_change()

    def step(self) -> None:
        """Pauses, and asks for one more frame."""
        with self._changed:
            self._paused = True
            self._singles += 1
            self._note_change()

    def seek(self, t: float) -> None:
        """Goes to `t`; when paused, one frame is shown there. Of several waiting seeks the last counts."""
        with self._changed:
            self._seek_to = t
            self._singles = 0
            self.epoch += 1
            self._note_change()

    def set_speed(self, speed: float) -> None:
        """Seconds of the source for one on the wall, from the next frame on."""
        with self._changed:
            self.speed = speed
            self._note_change()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._note_change()

    def next_order(self, *, is_live: bool) -> Order | None:
        """Waits until there is something to do; None once stopped."""
        with self._changed:
            while not self._stopped:
                target, self._seek_to = self._seek_to, None
                if target is not None:
                    return Order(self._version, self.epoch, seek_to=target, single=self._paused)
                if not self._paused:
                    return Order(self._version, self.epoch)
                if self._singles:
                    self._singles -= 1
                    return Order(self._version, self.epoch, single=True)
                if is_live:
                    return Order(self._version, self.epoch, discard=True)
                self._changed.wait(_LOOK_AGAIN_S)
            return None

    def stands(self, order: Order) -> bool:
        """Whether nothing was requested since this order was given."""
        return order.version == self._version and not self._stopped

    def wait_until(self, due: float, order: Order) -> bool:
        """Waits until the monotonic time `due`; returns False if a new request came in the meantime."""
        with self._changed:
            while self.stands(order):
                left = due - time.monotonic()
                if left <= 0:
                    return True
                self._changed.wait(left)
            return False

    def _note_change(self) -> None:
        self._version += 1
        self._changed.notify_all()
