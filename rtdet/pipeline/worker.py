"""What the threads of a run have in common: one way out.

Whatever happens in a worker, the error is kept, its neighbours are woken and what it owns is closed.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from rtdet.pipeline.flow import ERROR, STOP, Flow
from rtdet.pipeline.supervisor import Supervisor

log = logging.getLogger("rtdet.pipeline")


class Worker(ABC):
    """A thread that does `work`, then wakes its neighbours, then closes its `part`."""

    def __init__(self, name: str, part: object, flow: Flow, supervisor: Supervisor) -> None:
        self.part, self.flow, self.supervisor = part, flow, supervisor
        self.thread = threading.Thread(target=self._main, name=f"rtdet-{name}", daemon=True)

    def start(self) -> None:
        """Starts the thread of a registered worker; where none can be had the worker fails and leaves."""
        try:
            self.thread.start()
        except RuntimeError as error:
            self.failed(error)
            self._do(self.wake_neighbours, self.close)

    def _main(self) -> None:
        self._do(self.work, self.wake_neighbours, self.close)

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
    def wake_neighbours(self) -> None: ...

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
