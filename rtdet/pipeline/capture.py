"""The thread that reads the source."""

from __future__ import annotations

import logging
import time
from typing import NamedTuple

from rtdet.pipeline.buffers import Policy
from rtdet.pipeline.clock import PlaybackClock
from rtdet.pipeline.control import Order
from rtdet.pipeline.flow import Flow, Job
from rtdet.pipeline.supervisor import Supervisor, Worker
from rtdet.protocols import SeekableSource
from rtdet.types import Frame

log = logging.getLogger("rtdet.pipeline")

# Times are sums of floats: a frame this close to the end of the run's duration is beyond it.
_ROUNDING_S = 1e-6


class Limits(NamedTuple):
    """The limits at which a run ends by itself: a number of frames, or of seconds of the source."""

    max_frames: int | None = None
    duration_s: float | None = None


class CaptureWorker(Worker):
    """Reads the source, at the pace of its consumers or at the source's own (`paced`).

    rests_at_end: after the last frame the run does not end, but is paused there; whoever seeks goes on with it.
    """

    def __init__(
        self, flow: Flow, supervisor: Supervisor, limits: Limits, *, paced: bool, rests_at_end: bool = False
    ) -> None:
        super().__init__("capture", flow.source, flow, supervisor)
        self._limits, self._rests_at_end = limits, rests_at_end
        self._is_live = flow.source.info.is_live
        self._clock = PlaybackClock() if paced and not self._is_live else None
        self._held: tuple[Frame, float] | None = None
        self._version = -1
        self._released = 0
        self._first_t: float | None = None
        self._last_index: int | None = None

    def work(self) -> None:
        limit = self._limits.max_frames
        while limit is None or self._released < limit:
            order = self.flow.control.next_order(is_live=self._is_live)
            if order is None:
                return
            self._look_at(order)
            if self._held is None:
                self._held = self._read()
            if self._held is None:
                if not self._rests_at_end or not self._rest(order):
                    return
            elif order.discard:
                self._drop_held("paused")
            elif order.single or self._is_due(self._held[0], order):
                self._release(order)

    def wake_neighbors(self) -> None:
        self._drop_held(self.end_reason)
        self.flow.frames.end(self.end_reason)
        if self.flow.sink_shown:
            self.flow.outputs.end(self.end_reason)

    def close(self) -> None:
        self.flow.close_source()

    def failed(self, error: BaseException) -> None:
        # What was read before the source failed is whole, and worth finishing.
        self.supervisor.failed(error, self.part, finish_frames=True)

    def _look_at(self, order: Order) -> None:
        if order.version != self._version:
            self._version = order.version
            if self._clock is not None:
                self._clock.set_pace(1 / self.flow.control.speed)
        if order.seek_to is not None:
            self._drop_held("seek")
            assert isinstance(self.flow.source, SeekableSource)
            self.flow.source.seek(order.seek_to)

    def _rest(self, order: Order) -> bool:
        """Pauses the run once the time of the last frame is over; False where none was ever there."""
        job, fps = self.flow.newest_job, self.flow.source.info.fps
        if job is None:
            return False
        now = time.monotonic()
        over = self._clock.due(job.frame.t + 1 / fps, now) if self._clock is not None and fps else now
        if order.single or self.flow.control.wait_until(over, order):
            self.flow.control.pause()
        return True

    def _read(self) -> tuple[Frame, float] | None:
        """The next frame and the milliseconds that it took; None at the end, and at the user's limit."""
        began = time.monotonic()
        try:
            frame = self.flow.source.read()
        except BaseException as error:
            if self.flow.control.is_stopped:  # it was closed under its own read
                log.debug("the source ended with %r", error)
                return None
            raise
        if frame is None:
            return None
        if self._first_t is None:
            self._first_t = frame.t
        duration_s = self._limits.duration_s
        if duration_s is not None and frame.t - self._first_t >= duration_s - _ROUNDING_S:
            return None
        if self._is_live:
            self._count_missed(frame.index)
        decode_ms = (time.monotonic() - began) * 1e3
        self.flow.stats.captured(decode_ms)
        return frame, decode_ms

    def _count_missed(self, index: int) -> None:
        """Counts the frames that a live source dropped while capture waited for its consumers, by the gap in its
        frame numbers."""
        if self._last_index is not None and index > self._last_index + 1:
            self.flow.missed(self._last_index + 1, index)
        self._last_index = index

    def _is_due(self, frame: Frame, order: Order) -> bool:
        """Waits until the frame is due; returns False if a new request came in the meantime."""
        control = self.flow.control
        if self._clock is None:
            return control.stands(order)
        return control.wait_until(self._clock.due(frame.t, time.monotonic()), order)

    def _release(self, order: Order) -> None:
        assert self._held is not None
        (frame, decode_ms), self._held = self._held, None
        flow = self.flow
        released_at = time.monotonic()
        if self._clock is None and frame.captured_at:
            released_at = min(released_at, frame.captured_at)
        job = Job(frame, order.epoch, released_at, decode_ms, single=order.single)
        self._released += 1
        flow.stats.released(frame, released_at)
        flow.newest_job = job
        if flow.sink_shown and flow.outputs:
            shown = flow.shown_result(job)
            (flow.outputs.put if flow.policy is Policy.WAIT else flow.outputs.offer)(shown)
        # A step is always processed; a seek may be overtaken by the next one.
        is_step = order.single and order.seek_to is None
        flow.frames.put(job, Policy.WAIT if is_step else None)

    def _drop_held(self, reason: str) -> None:
        if self._held is not None:
            frame, self._held = self._held[0], None
            self.flow.drop_frames([frame], reason)
