"""The threads that write the outputs, one for each."""

from __future__ import annotations

import time
from collections.abc import Callable

from rtdet.pipeline.buffers import Buffer
from rtdet.pipeline.flow import Flow
from rtdet.pipeline.supervisor import Supervisor, Worker
from rtdet.protocols import Sink
from rtdet.types import FrameResult

# Results that wait for a sink which counts.
_RESULTS = 16


class OutputWorker(Worker):
    """Writes to one sink, in a thread of its own, so that a slow or broken output does not affect the others.

    `on_failure`: for a sink that was added while running; its error is told there and the run goes on.
    """

    part: Sink

    def __init__(
        self,
        number: int,
        sink: Sink,
        flow: Flow,
        supervisor: Supervisor,
        on_failure: Callable[[Sink, BaseException], None] | None = None,
    ) -> None:
        super().__init__(f"output-{number}", sink, flow, supervisor)
        # A sink that counts wants what the tracker says, also where others get what a window shows.
        wants_results = flow.sink_shown and getattr(sink, "wants_results", False)
        self.outlets = flow.listeners if wants_results else flow.outputs
        self.buffer: Buffer[FrameResult] = Buffer(_RESULTS) if wants_results else flow.output_buffer()
        self._on_failure = on_failure

    def work(self) -> None:
        while (results := self.buffer.take()) is not None:
            for result in results:
                began = time.monotonic()
                self.part.write(result)
                ms = (time.monotonic() - began) * 1e3
                self.flow.stats.written(ms, is_result=not self.flow.sink_shown)

    def wake_neighbors(self) -> None:
        self.outlets.remove(self.buffer)
        self.buffer.abort(self.end_reason)

    def close(self) -> None:
        self.part.close()

    def failed(self, error: BaseException) -> None:
        if self._on_failure is None:
            super().failed(error)
        else:
            self._on_failure(self.part, error)

    def left_behind(self, error: BaseException) -> None:
        self.failed(error)
