"""The thread that runs the tracker, and those that write: one for each output."""

from __future__ import annotations

import time
from collections.abc import Callable

from rtdet.pipeline.buffers import Buffer
from rtdet.pipeline.flow import Flow, Job
from rtdet.pipeline.supervisor import Supervisor
from rtdet.pipeline.worker import Worker
from rtdet.protocols import Sink
from rtdet.types import FrameResult


class TrackWorker(Worker):
    """Brings the tracker up to date and hands the results on."""

    def __init__(self, flow: Flow, supervisor: Supervisor) -> None:
        super().__init__("track", flow.tracking, flow, supervisor)
        self._in_hand: list[Job] = []

    def work(self) -> None:
        while (jobs := self.flow.detected.take()) is not None:
            for job in jobs:
                self._in_hand = jobs
                self._track(job)
                self._in_hand = []

    def wake_neighbours(self) -> None:
        self.flow.drop(self._in_hand, self.end_reason)
        self.flow.detected.abort(self.end_reason)
        self.flow.outputs.end(self.end_reason)
        self.flow.listeners.end(self.end_reason)

    def close(self) -> None:
        """A tracker holds nothing that needs closing."""

    def _track(self, job: Job) -> None:
        flow = self.flow
        if flow.is_stale(job):
            flow.drop([job], "seek")
            return
        began = time.monotonic()
        self.part = flow.tracking.tracker or flow.tracking
        if job.redo:
            tracks = flow.tracking.redo(job.found, job.frame.t, job.epoch)
        else:
            step = flow.camera.transform(job.following, job.found.candidates.boxes)
            tracks = flow.tracking.update(job.found, job.frame.t, job.epoch, step, pin=job.single)
        ended = time.monotonic()
        stage_ms = {
            "capture": job.decode_ms,
            "queue": job.queue_ms,
            "detect": job.detect_ms,
            "track": (ended - began) * 1e3,
        }
        result = FrameResult(job.frame, job.found.detections, tracks, stage_ms)
        flow.newest_result = job.epoch, result
        if job.redo:
            return
        self._in_hand = []
        flow.stats.processed(stage_ms, (ended - job.released_at) * 1e3)
        if not flow.sink_shown:
            flow.outputs.put(result)
        flow.listeners.put(result)


class OutputWorker(Worker):
    """Writes to one sink. A slow or broken output has a thread of its own, so it harms no other one.

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
        self.buffer: Buffer[FrameResult] = flow.output_buffer()
        self._on_failure = on_failure

    def work(self) -> None:
        while (results := self.buffer.take()) is not None:
            for result in results:
                began = time.monotonic()
                self.part.write(result)
                ms = (time.monotonic() - began) * 1e3
                self.flow.stats.written(ms, is_result=not self.flow.sink_shown)

    def wake_neighbours(self) -> None:
        self.flow.outputs.remove(self.buffer)
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
