"""A worker's process, as whoever gives it its tasks sees it."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rtdet.batch.tasks import Outcome, Progress, Task
from rtdet.batch.worker import READY

# A model may have to be fetched, and compiled.
_STALLED_LOADING_S = 1800.0


@dataclass(frozen=True)
class Limits:
    """What a worker may take: `cores` threads for each of inference and decoding, `memory_bytes` (None: all there
    is), `stalled_s` seconds without a new frame."""

    cores: int = 1
    memory_bytes: int | None = None
    stalled_s: float = 600.0


def worker_command(cores: int) -> list[str]:
    """The command that starts a worker."""
    return [sys.executable, "-m", "rtdet.batch.worker", str(cores)]


class WorkerProcess:
    """Starts a worker and gives it one task at a time.

    answers: gets (this, message) for each message: READY, Progress, Outcome, and, once it has ended, a text that says
    how. command: starts it (the tests' workers do what they are told to).
    """

    def __init__(
        self,
        limits: Limits,
        answers: queue.SimpleQueue[tuple[WorkerProcess, Outcome | Progress | str]],
        command: Callable[[int], Sequence[str]] = worker_command,
    ) -> None:
        self._limits, self._answers = limits, answers
        self.task: Task | None = None
        self.progress = Progress()
        self.began_at = self._moved_at = time.monotonic()
        self.is_ready = False
        self._why_killed = ""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            list(command(limits.cores)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            # Not in the user's folder, whose files Python would take for its own modules.
            cwd=Path(__file__).parents[2],
            # A group of its own: Ctrl-C is the driver's.
            start_new_session=os.name != "nt",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        threading.Thread(target=self._read, name="rtdet-batch-worker", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def give(self, task: Task) -> None:
        """Has the worker do a task. One that has died in the meantime says so by its answer."""
        self.task, self.progress = task, Progress()
        self.began_at = self._moved_at = time.monotonic()
        with suppress(OSError):
            assert self._process.stdin is not None
            pickle.dump(task, self._process.stdin)
            self._process.stdin.flush()

    def became_ready(self) -> None:
        """The worker has said that it takes tasks."""
        self.is_ready = True
        self._moved_at = time.monotonic()

    def note(self, progress: Progress) -> None:
        """The worker said how far it is."""
        if progress.frames > self.progress.frames or progress.is_loading != self.progress.is_loading:
            self._moved_at = time.monotonic()
        self.progress = progress

    def look_after(self) -> None:
        """Kills a worker that takes too much memory or stands still."""
        if self._why_killed:
            return
        most = self._limits.memory_bytes
        if most is not None and (used := _memory_of(self.pid)) > most:
            self._kill(
                f"it took {used / 1e9:.1f} GB of memory, more than the {most / 1e9:.1f} GB of a worker"
            )
        elif self.task is not None:
            limit_s = max(self._limits.stalled_s, _STALLED_LOADING_S if self.progress.is_loading else 0.0)
            if self.is_ready and time.monotonic() - self._moved_at > limit_s:
                self._kill(f"no frame came for {self._limits.stalled_s:g} s")

    def end(self) -> None:
        """Ends the process, whatever it does. May be called twice."""
        self._why_killed = self._why_killed or "it was no longer needed"
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        self._process.kill()
        self._process.wait()

    def _kill(self, why: str) -> None:
        self._why_killed = why
        self._process.kill()

    def _read(self) -> None:
        """The thread that takes in the answers."""
        output = self._process.stdout
        assert output is not None
        with output, suppress(Exception):  # what a process leaves of an answer when it dies is no pickle
            while True:
                self._answers.put((self, pickle.load(output)))
        code = self._process.wait()
        how = self._how_it_ended(code)
        self._errors.close()
        self._answers.put((self, how))

    def _how_it_ended(self, code: int) -> str:
        if self._why_killed:
            return f"its process was ended: {self._why_killed}"
        said = _last_line(self._errors)
        said = f" ({said})" if said else ""
        if code < 0:
            with suppress(ValueError):
                name = signal.Signals(-code).name
                maybe = ", as where memory runs out" if -code == getattr(signal, "SIGKILL", 9) else ""
                return f"its process was ended by {name}{maybe}{said}"
        return f"its process ended with the code {code}{said}"


def _memory_of(pid: int) -> int:
    """Bytes that a process has in memory; 0 where that cannot be known."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0


def _last_line(file: BinaryIO) -> str:
    """The last line that a process has printed."""
    with suppress(OSError, ValueError):
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 4000))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1][:200] if lines else ""
    return ""


__all__ = ["READY", "Limits", "WorkerProcess", "worker_command"]
