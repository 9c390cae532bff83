"""Runs slow work in plain threads, so that the window stays responsive. Results are polled for, not pushed to Qt."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from rtdet.origin import working_for


class Jobs:
    """Runs callables in threads of their own. `drain`, called from the GUI's timer, hands their results over.

    The error of a job that nobody takes goes to `failed`: none is lost. What they log belongs to `origin` (see
    rtdet.origin). Jobs of one `lane` run one after the other,
    in the order in which they were started; others side by side.
    """

    def __init__(self, failed: Callable[[Exception], None], origin: object | None = None) -> None:
        self._failed, self._origin = failed, origin
        self._finished: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._awaited: weakref.WeakSet[threading.Thread] = weakref.WeakSet()

    def run(
        self,
        work: Callable[[], Any],
        *,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
        lane: str = "",
        is_awaited: bool = True,
    ) -> None:
        """Runs `work` in a thread; a later `drain` calls `done(result)` or `failed(error)`; an error of these two
        does not keep `drain` from the others. `join` does not wait for work with `is_awaited` False, which can be
        abandoned without loss."""
        before = (
            next((t for t in reversed(self._threads) if t.name == f"rtdet-{lane}"), None) if lane else None
        )

        def body() -> None:
            if before is not None:
                before.join()
            try:
                with working_for(self._origin):
                    outcome = work()
            except Exception as error:  # handed over, and shown in the window
                kept, tell = error, failed or self._failed
                self._finished.put(lambda: tell(kept))
                return
            if done is not None:
                self._finished.put(lambda: done(outcome))

        thread = threading.Thread(target=body, name=f"rtdet-{lane or 'job'}", daemon=True)
        self._threads = [t for t in self._threads if t.is_alive()]
        self._threads.append(thread)
        if is_awaited:
            self._awaited.add(thread)
        thread.start()

    def drain(self) -> None:
        """Hands over the results that have arrived. Never waits."""
        while True:
            try:
                deliver = self._finished.get_nowait()
            except Empty:
                return
            try:
                deliver()
            except Exception as error:
                self._failed(error)

    @property
    def is_busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def join(self, timeout_s: float) -> bool:
        """Waits until every awaited job is done, at most `timeout_s`. Returns whether all jobs are done."""
        deadline = time.monotonic() + timeout_s
        for thread in self._awaited & set(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))
        return not self.is_busy
