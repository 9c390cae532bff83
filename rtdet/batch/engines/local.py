"""Work done by processes of this machine."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence

from rtdet.batch.engines.engine import Event, Running
from rtdet.batch.facts import machine_name
from rtdet.batch.process import READY, Limits, WorkerProcess, worker_command
from rtdet.batch.tasks import Outcome, Progress, Task
from rtdet.errors import RtdetError

_LOOK_EVERY_S = 0.2
# So many workers in a row that end before they can do anything are no fault of what they were to do.
_MOST_STILLBORN = 3


class LocalEngine:
    """`count` workers on this machine, each a process (engine.Engine). note: what else there is to say of them."""

    def __init__(
        self,
        count: int,
        limits: Limits,
        command: Callable[[int], Sequence[str]] = worker_command,
        note: str = "",
    ) -> None:
        self._count, self._limits, self._command = count, limits, command
        self._answers: queue.SimpleQueue[tuple[WorkerProcess, Outcome | Progress | str]] = queue.SimpleQueue()
        self._workers: list[WorkerProcess] = []
        self._machine = machine_name()
        self._looked_at = 0.0
        self._stillborn = 0
        each = f"{limits.cores} core{'s' if limits.cores > 1 else ''}"
        self.about = f"{count} worker{'s' if count > 1 else ''} on this machine, {each} each"
        self.about += f"; {note}" if note else ""

    def free(self) -> int:
        return self._count - sum(worker.task is not None for worker in self._workers)

    def workers(self) -> int:
        return self._count

    def start(self, task: Task) -> None:
        worker = next((one for one in self._workers if one.task is None), None)
        if worker is None:
            worker = WorkerProcess(self._limits, self._answers, self._command)
            self._workers.append(worker)
        worker.give(task)

    def wait(self, timeout_s: float) -> list[Event]:
        until = time.monotonic() + timeout_s
        events: list[Event] = []
        while not events:
            if time.monotonic() - self._looked_at > _LOOK_EVERY_S:
                self._looked_at = time.monotonic()
                for worker in self._workers:
                    worker.look_after()
            left = until - time.monotonic()
            try:
                events = self._take(*self._answers.get(timeout=max(0.0, min(left, _LOOK_EVERY_S))))
            except queue.Empty:
                if left <= 0:
                    break
        return events

    def _take(self, worker: WorkerProcess, message: Outcome | Progress | str) -> list[Event]:
        if worker not in self._workers:
            return []
        if isinstance(message, Progress):
            worker.note(message)
            return []
        if message == READY:
            worker.became_ready()
            self._stillborn = 0
            return []
        task, worker.task = worker.task, None
        if isinstance(message, Outcome):
            return [] if task is None else [Event(task, message, machine=self._machine)]
        self._workers.remove(worker)
        worker.end()
        if not worker.is_ready:
            self._stillborn += 1
            if self._stillborn >= _MOST_STILLBORN:
                raise RtdetError(f"the processes that are to do the work do not start: {message}")
        if task is None:
            return []
        return [Event(task, crash=message, machine=self._machine, is_lost=not worker.is_ready)]

    def running(self) -> list[Running]:
        now = time.monotonic()
        return [
            Running(worker.task, self._machine, worker.progress, now - worker.began_at)
            for worker in self._workers
            if worker.task is not None
        ]

    def pids(self) -> list[int]:
        """The processes of the workers."""
        return [worker.pid for worker in self._workers]

    def close(self) -> None:
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.end()
