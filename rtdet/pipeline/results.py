"""The results of a run, one after the other, for a Python loop."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from rtdet.pipeline.buffers import Buffer

Item = TypeVar("Item")


class Run(Protocol):
    """What results come from: a pipeline, or several."""

    def join(self) -> bool: ...

    def stop(self) -> bool: ...


class Results(Iterator[Item], Generic[Item]):
    """Every processed frame in order. At the end of the run it stops, or raises the run's first error.

    Leaving the loop early, `close` and garbage collection stop the pipeline: no thread runs for nobody.
    """

    def __init__(self, buffer: Buffer[Item], run: Run) -> None:
        self._buffer = buffer
        self._run: Run | None = run

    def __next__(self) -> Item:
        if self._run is None:
            raise StopIteration
        results = self._buffer.take()
        if results:
            return results[0]
        run, self._run = self._run, None
        run.join()
        raise StopIteration

    def close(self) -> None:
        """Stops the pipeline if it is still running."""
        run, self._run = self._run, None
        if run is not None:
            self._buffer.abort()
            run.stop()

    def __del__(self) -> None:
        if not sys.is_finalizing():
            self.close()
