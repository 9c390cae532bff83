"""What of a batch runs on the nodes of a Ray cluster: an actor that looks after one worker's process.

The model and the decoder are in that process, so that what crashes them does not end the actor, which says how it
went; and when the actor is ended, so is the process.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rtdet.batch.facts import machine_name, own_version
from rtdet.batch.process import READY, Limits, WorkerProcess, worker_command
from rtdet.batch.tasks import Outcome, Progress, Task

_LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Greeting:
    """What a node says of itself: its name, the version of rtdet there, and whether it sees the batch's folder."""

    machine: str
    version: str
    sees_folder: bool


class RayWorker:
    """The actor; `greet` and `progress` may be asked while `do` is at work."""

    def __init__(self, limits: Limits, command: Callable[[int], Sequence[str]] = worker_command) -> None:
        self._limits, self._command = limits, command
        self._answers: queue.SimpleQueue[tuple[WorkerProcess, Outcome | Progress | str]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._worker: WorkerProcess | None = None

    def greet(self, folder: str) -> Greeting:
        return Greeting(machine_name(), own_version(), os.path.isdir(folder))

    def do(self, task: Task) -> Outcome | str:
        """What came of the task; a text says how the process died over it."""
        with self._lock:
            if self._worker is None:
                self._worker = WorkerProcess(self._limits, self._answers, self._command)
            worker = self._worker
        worker.give(task)
        while True:
            try:
                of, message = self._answers.get(timeout=_LOOK_EVERY_S)
            except queue.Empty:
                worker.look_after()
                continue
            if of is not worker:
                continue
            if message == READY:
                worker.became_ready()
                continue
            if isinstance(message, Progress):
                worker.note(message)
                worker.look_after()
                continue
            worker.task = None
            if not isinstance(message, Outcome):
                worker.end()
                self._worker = None
            return message

    def progress(self) -> Progress:
        worker = self._worker
        return Progress() if worker is None else worker.progress
