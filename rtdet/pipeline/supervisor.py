"""The threads of a run, and the supervisor that makes sure they end.

A `Worker` has one way out: whatever happens in it, the error is kept, its neighbours are woken and what it owns is
closed. The `Supervisor` keeps the first error, wakes everyone, and leaves behind who does not come.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType

from rtdet import origin
from rtdet.errors import OutputError
from rtdet.pipeline.flow import ERROR, STOP, Flow

log = logging.getLogger("rtdet.pipeline")

END_LIMIT_S = 2.0
# Of the time limit: what is under way may finish; then what a stuck worker holds is given up and the
# outputs are completed; then everything that waits is given up; then the rest is declared stuck.
_DRAIN_AT, _ABANDON_AT, _LEAVE_AT = 0.5, 0.75, 0.95


def describe(part: object) -> str:
    """`RecordingSink (out.mp4)`: a part's class, and what it works on where it says so."""
    about = getattr(part, "path", None) or getattr(part, "name", None)
    return f"{type(part).__name__} ({about})" if about else type(part).__name__


class Worker(ABC):
    """A thread that does `work`, then wakes its neighbours, then closes its `part`."""

    def __init__(self, name: str, part: object, flow: Flow, supervisor: Supervisor) -> None:
        self.part, self.flow, self.supervisor = part, flow, supervisor
        self.thread = origin.Thread(target=self._main, name=f"rtdet-{name}", daemon=True)

    def start(self) -> None:
        """Starts the thread of a registered worker; where none can be had the worker fails and leaves."""
        try:
            self.thread.start()
        except RuntimeError as error:
            self.failed(error)
            self._do(self.wake_neighbors, self.close)

    def _main(self) -> None:
        self._do(self.work, self.wake_neighbors, self.close)

    def _do(self, *acts: Callable[[], None]) -> None:
        try:
            for act in acts:
                try:
                    act()
                except BaseException as error:
                    self.failed(error)
        finally:
            self.supervisor.done(self)

    @abstractmethod
    def work(self) -> None: ...

    @abstractmethod
    def wake_neighbors(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    def failed(self, error: BaseException) -> None:
        self.supervisor.failed(error, self.part)

    def left_behind(self, error: BaseException) -> None:
        """The run ended without this worker. Only an output that may be incomplete makes that an error."""
        log.debug("%s", error)

    @property
    def end_reason(self) -> str:
        return ERROR if self.supervisor.error is not None else STOP


class Supervisor:
    """Knows the workers of a run. A run that ends by itself may take its time; one that fails or is stopped
    ends within a limit, whatever its parts do."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.finished = threading.Event()
        self.error: BaseException | None = None
        self.stuck: tuple[str, ...] = ()
        self._traceback: TracebackType | None = None
        self._lock = threading.RLock()
        self._all: list[Worker] = []
        self._alive: set[Worker] = set()
        self._alone = threading.Condition(self._lock)
        self._ender: threading.Thread | None = None
        self._is_ending = False

    def register(self, worker: Worker) -> None:
        with self._lock:
            self._all = [other for other in self._all if other in self._alive] + [worker]
            self._alive.add(worker)

    def done(self, worker: Worker) -> None:
        """Notes that `worker` has ended; the last worker to end finishes the run."""
        with self._lock:
            self._alive.discard(worker)
            self._alone.notify_all()
            if self._alive or self.finished.is_set():
                return
        self._finish()

    def failed(self, error: BaseException, part: object, *, finish_frames: bool = False) -> None:
        """Keeps the first error, logs any others, and ends the run."""
        with self._lock:
            is_first = self.error is None
            if is_first:
                self.error, self._traceback = error, error.__traceback__
        if not is_first and error is not self.error:
            log.warning("%s failed too: %s", describe(part), error)
        self.end(ERROR, finish_frames=finish_frames)

    def end(self, reason: str, limit_s: float = END_LIMIT_S, *, finish_frames: bool = False) -> None:
        """Asks every worker to end within the limit. Never waits."""
        self.flow.halt(reason, finish_frames=finish_frames)
        with self._lock:
            if self._is_ending or self.finished.is_set():
                return
            self._is_ending = True
        self._ender = origin.Thread(
            target=self._see_off, args=(reason, limit_s), name="rtdet-supervisor", daemon=True
        )
        _start(self._ender)

    def wait(self, timeout_s: float | None) -> bool:
        """Waits until the run is over, and for the threads of its workers. False after the time limit."""
        give_up = None if timeout_s is None else time.monotonic() + timeout_s
        while not self.finished.is_set():
            left = 0.25 if give_up is None else give_up - time.monotonic()
            if left <= 0:
                return False
            self.finished.wait(min(left, 0.25))
        # A worker's last act is to say that it is done; give its thread the moment that it needs to go.
        leaving = [worker.thread for worker in self._all if worker not in self._alive]
        for thread in [*leaving, *([self._ender] if self._ender else [])]:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(0.25)
        return True

    def raise_first_error(self) -> None:
        if self.error is not None:
            raise self.error.with_traceback(self._traceback)

    def _see_off(self, reason: str, limit_s: float) -> None:
        began = time.monotonic()
        closer = origin.Thread(target=self._close_source, name="rtdet-close-source", daemon=True)
        _start(closer)
        for step, at in ((self.flow.drain, _DRAIN_AT), (self.flow.abandon, _ABANDON_AT)):
            if not self._wait_alone(began + at * limit_s):
                step(reason)
        if not self._wait_alone(began + _LEAVE_AT * limit_s):
            self._leave_behind(limit_s)
        closer.join(max(0.0, began + _LEAVE_AT * limit_s - time.monotonic()))
        if closer.is_alive():
            self._note_stuck(describe(self.flow.source), limit_s)

    def _wait_alone(self, until: float) -> bool:
        with self._lock:
            self._alone.wait_for(lambda: not self._alive, timeout=max(0.0, until - time.monotonic()))
            return not self._alive

    def _close_source(self) -> None:
        """Frees capture from a `read` that blocks; it has a thread of its own because it may block too."""
        try:
            self.flow.close_source()
        except BaseException as error:
            self.failed(error, self.flow.source)

    def _leave_behind(self, limit_s: float) -> None:
        with self._lock:
            stuck = sorted(self._alive, key=lambda worker: worker.thread.name)
        for worker in stuck:
            line = self._note_stuck(describe(worker.part), limit_s)
            worker.left_behind(OutputError(f"{line}; its output may be incomplete"))
        self._finish()

    def _note_stuck(self, name: str, limit_s: float) -> str:
        line = f"{name} did not end within {limit_s:g} s and was left behind"
        if name not in self.stuck:
            self.stuck += (name,)
            log.warning("%s", line)
        return line

    def _finish(self) -> None:
        self.flow.stats.finish()
        self.finished.set()


def _start(thread: threading.Thread) -> None:
    """Starts a thread, or does its work here where no thread can be had (the interpreter is going down)."""
    try:
        thread.start()
    except RuntimeError:
        thread.run()
