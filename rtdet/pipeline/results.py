"""The results of a run, one after the other, for a Python loop."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rtdet.pipeline.buffers import Buffer
from rtdet.types import FrameResult

if TYPE_CHECKING:
    from rtdet.pipeline.pipeline import Pipeline


class Results(Iterator[FrameResult]):
    """Every processed frame in order. At the end of the run it stops, or raises the run's first error.

    Leaving the loop early, `close` and garbage collection stop the pipeline: no thread runs for nobody.
    """

    def __init__(self, pipeline: Pipeline, buffer: Buffer[FrameResult]) -> None:
        self._pipeline: Pipeline | None = pipeline
        self._buffer = buffer

    def __next__(self) -> FrameResult:
        if self._pipeline is None:
            raise StopIteration
        results = self._buffer.take()
        if results:
            return results[0]
        pipeline, self._pipeline = self._pipeline, None
        pipeline.join()
        raise StopIteration

    def close(self) -> None:
        """Stops the pipeline if it is still running."""
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            self._buffer.abort()
            pipeline.stop()

    def __del__(self) -> None:
        if not sys.is_finalizing():
            self.close()
