"""What the driver of a batch expects of whatever does the work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rtdet.batch.tasks import Outcome, Progress, Task


@dataclass(frozen=True)
class Event:
    """A task has ended. crash: why the worker died over it; "" where it did not, and there is an outcome. is_lost:
    the machine that it was on is gone, through no fault of the source."""

    task: Task
    outcome: Outcome | None = None
    crash: str = ""
    machine: str = ""
    is_lost: bool = False


@dataclass(frozen=True)
class Running:
    """A task that is being done: where, how far it is, for how many seconds."""

    task: Task
    machine: str
    progress: Progress
    seconds: float


class Engine(Protocol):
    """Does tasks. `free` says for how many more there are workers; `start` gives a task to one of them. `wait` gives
    what has ended, after `timeout_s` at most. `close` ends everything at once, whatever is under way.

    about: a line for people. Raises RtdetError where nothing can be done any more."""

    about: str

    def free(self) -> int: ...

    def workers(self) -> int: ...

    def start(self, task: Task) -> None: ...

    def wait(self, timeout_s: float) -> Sequence[Event]: ...

    def running(self) -> Sequence[Running]: ...

    def close(self) -> None: ...
