"""A bounded buffer between two threads, with a named policy and counted drops."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Generic, TypeVar

Item = TypeVar("Item")

# A waiting thread looks again this often: Condition.wait without a time limit cannot be interrupted by
# Ctrl-C on Windows.
_LOOK_AGAIN_S = 0.25


class Policy(Enum):
    """What happens to a new item when a buffer is full."""

    WAIT = "wait"  # the producer waits: every item, in order (files)
    LATEST = "latest"  # the oldest item gives way: the freshest wins (live sources)


class Buffer(Generic[Item]):
    """Holds at most `capacity` items between one producer and one consumer.

    The producer calls `end` when it is done, whether it succeeded or failed: the consumer gets what is
    left and then the end, so nobody waits for a thread that is gone. A consumer that leaves early calls
    `abort`, which frees a waiting producer. `on_drop(items, reason)` hears of every item that went in, or
    was offered, and will never come out. No lock is held when it is called.
    """

    def __init__(
        self,
        capacity: int,
        policy: Policy = Policy.WAIT,
        on_drop: Callable[[Sequence[Item], str], None] | None = None,
        busy_reason: Callable[[], str] = lambda: "busy",
    ) -> None:
        if capacity < 1:
            raise ValueError(f"a buffer holds at least one item, not {capacity}")
        self.capacity = capacity
        self.policy = policy
        self._on_drop = on_drop
        self._busy_reason = busy_reason
        self._items: deque[Item] = deque()
        # Re-entrant, because the garbage collector may run a finaliser that stops the run while this very
        # thread is inside.
        self._lock = threading.RLock()
        self._filled = threading.Condition(self._lock)
        self._emptied = threading.Condition(self._lock)
        self._ended = False
        self._end_reason = "stop"
        self._nudged = False

    def __len__(self) -> int:
        return len(self._items)

    @property
    def is_ended(self) -> bool:
        return self._ended

    def put(self, item: Item, policy: Policy | None = None) -> bool:
        """Adds an item by the buffer's policy, or by `policy` for this item alone. False: the buffer has
        ended and the item was dropped."""
        replaced: list[Item] = []
        with self._lock:
            while not self._ended and len(self._items) >= self.capacity:
                if (policy or self.policy) is Policy.LATEST:
                    replaced.append(self._items.popleft())
                else:
                    self._emptied.wait(_LOOK_AGAIN_S)
            accepted = not self._ended
            if accepted:
                self._items.append(item)
                self._filled.notify()
        self._drop(replaced, self._busy_reason)
        if not accepted:
            self._drop([item], lambda: self._end_reason)
        return accepted

    def offer(self, item: Item) -> bool:
        """Adds an item if there is room; else the item is dropped and the answer False. Never waits."""
        with self._lock:
            accepted = not self._ended and len(self._items) < self.capacity
            if accepted:
                self._items.append(item)
                self._filled.notify()
        if not accepted:
            self._drop([item], lambda: self._end_reason if self._ended else self._busy_reason())
        return accepted

    def take(self, limit: int = 1) -> list[Item] | None:
        """Waits for an item, then takes what is there, up to `limit`. Empty after `nudge`, None at the
        end."""
        with self._lock:
            while not self._items:
                if self._ended:
                    return None
                if self._nudged:
                    self._nudged = False
                    return []
                self._filled.wait(_LOOK_AGAIN_S)
            return self.take_what_is_there(limit)

    def take_what_is_there(self, limit: int = 1) -> list[Item]:
        """Takes what is there, up to `limit`, perhaps nothing. Never waits."""
        with self._lock:
            taken = [self._items.popleft() for _ in range(min(limit, len(self._items)))]
            self._emptied.notify()
            return taken

    def nudge(self) -> None:
        """Makes `take` return, empty if need be, so that its thread looks at something else."""
        with self._lock:
            self._nudged = True
            self._filled.notify_all()

    def clear(self, reason: str) -> None:
        """Drops what is in the buffer."""
        with self._lock:
            dropped = list(self._items)
            self._items.clear()
            self._emptied.notify_all()
        self._drop(dropped, lambda: reason)

    def end(self, reason: str = "stop") -> None:
        """No more items: what is there can still be taken. Later `put`s drop their item for `reason`."""
        with self._lock:
            if not self._ended:
                self._ended, self._end_reason = True, reason
            self._filled.notify_all()
            self._emptied.notify_all()

    def abort(self, reason: str = "stop") -> None:
        """No more items, and what is there is dropped too."""
        self.end(reason)
        self.clear(reason)

    def _drop(self, items: list[Item], reason: Callable[[], str]) -> None:
        if items and self._on_drop is not None:
            self._on_drop(items, reason())
