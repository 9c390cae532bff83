"""Runs a source, a detector, a tracker and sinks, each in a thread, as one unit to start and stop."""

from __future__ import annotations

import atexit
import logging
import math
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

from rtdet.errors import UsageError
from rtdet.pipeline.buffers import Policy
from rtdet.pipeline.cadence import Cadence
from rtdet.pipeline.capture import CaptureWorker, Limits
from rtdet.pipeline.delivery import OutputWorker
from rtdet.pipeline.detection import DetectWorker
from rtdet.pipeline.flow import STOP, Flow
from rtdet.pipeline.governor import Governor
from rtdet.pipeline.keeping import Keeper, KeepWorker
from rtdet.pipeline.results import Results
from rtdet.pipeline.stats import Stats
from rtdet.pipeline.supervisor import END_LIMIT_S, Supervisor, Worker, describe
from rtdet.pipeline.tracking import TrackWorker
from rtdet.protocols import (
    CameraMotion,
    Detector,
    NumberedSource,
    SeekableSource,
    Sink,
    Source,
    Tracker,
    TrackMeter,
)
from rtdet.types import Frame, FrameResult, Thresholds, Tracks

log = logging.getLogger("rtdet.pipeline")


class Pipeline:
    """Runs `source` through `detector` and `tracker` into `sinks`.

    The pipeline owns its parts and closes them, also when it is stopped before it was started.

    policy:      WAIT takes every frame in order; LATEST drops what the detector has no time for.
    paced:       the frames of a file leave capture at the file's own times, as a viewer plays it.
    batch_size:  the detector gets up to so many waiting frames at once. With more than one under WAIT, a detector
                 that streams (protocols.StreamingDetector) gets one after another, without a pause.
    sink_shown:  sinks get every captured frame with the tracks predicted to it (what a viewer shows), not
                 the frames that the detector saw. Under LATEST a sink that is too slow for that misses
                 frames (Stats.unwritten).
    max_frames, duration_s: the run ends after so many frames, so many seconds of the source's time.
    rests_at_end: after the last frame the run is paused and not over, for somebody who looks through pictures.
    every:       the detector looks at every so many frames, and the tracker carries its tracks to the others, which
                 are then results too; None: chosen where frames do not wait for the detector (`cadence`).
    max_latency_ms: results are kept younger than this (`governor`); None: they are as old as they come.
    keep_detector: the last detector is left open at the end, for another pipeline.
    keeper: gets every candidate of the detector, far below the user's thresholds (`keeping`).
    camera_motion: reads the camera's motion from the pictures once `compensate_camera` asks for it.
    meter: measures further values of the tracks, as their speeds.
    zone_marks: what is drawn of lines and zones now; whoever counts there sets it.

    A run that fails or is stopped ends within two seconds, whatever its parts do. A detector or an output
    that never returns is left behind in its daemon thread, named in `stuck`. Everything here may be called
    from any thread; only `stop`, `join`, `remove_sink` and a result's `next` wait. Raises UsageError for
    numbers that make no sense; the parts then remain the caller's.
    """

    def __init__(
        self,
        source: Source,
        detector: Detector,
        tracker: Tracker | None = None,
        sinks: Sequence[Sink] = (),
        *,
        policy: Policy,
        paced: bool = False,
        batch_size: int = 1,
        sink_shown: bool = False,
        max_frames: int | None = None,
        duration_s: float | None = None,
        rests_at_end: bool = False,
        keep_detector: bool = False,
        camera_motion: CameraMotion | None = None,
        meter: TrackMeter | None = None,
        keeper: Keeper | None = None,
        every: int | None = 1,
        max_latency_ms: float | None = None,
    ) -> None:
        _check(batch_size, max_frames, duration_s, every)
        self.source = source
        self.sink_errors: list[tuple[Sink, BaseException]] = []
        self.on_sink_failed: Callable[[Sink, BaseException], None] | None = None
        self.zone_marks: Callable[[], tuple[Any, ...]] = tuple
        self._lock = threading.RLock()
        self._is_started = False
        self._flow = flow = Flow(
            source,
            tracker,
            policy,
            batch_size,
            sink_shown=sink_shown,
            camera_motion=camera_motion,
            meter=meter,
            is_kept=keeper is not None,
        )
        self._supervisor = supervisor = Supervisor(flow)
        limits = Limits(max_frames, duration_s)
        self._capture = CaptureWorker(flow, supervisor, limits, paced=paced, rests_at_end=rests_at_end)
        self._cadence = Cadence(every, takes_newest=policy is Policy.LATEST)
        flow.make_room(batch_size, self._cadence)
        if max_latency_ms is not None:
            flow.governor = Governor(max_latency_ms, self._cadence)
        self._detect = DetectWorker(detector, flow, supervisor, batch_size, self._cadence, keep=keep_detector)
        self._track = TrackWorker(flow, supervisor)
        self._kept = (
            [KeepWorker(keeper, flow.kept, flow, supervisor)]
            if keeper is not None and flow.kept is not None
            else []
        )
        self._outputs: list[OutputWorker] = []
        self._output_count = 0
        for sink in sinks:
            self.add_sink(sink)

    # Life and death

    def start(self) -> None:
        """Starts the threads; nothing if they run already. Raises RuntimeError once stopped."""
        with self._lock:
            if self._is_started:
                return
            if self.is_finished:
                raise RuntimeError("this pipeline was stopped; make a new one")
            self._is_started = True
            _running.add(self)
            self._flow.stats.start()
            # Capture comes last: until it starts nobody has anything to do or an end to see.
            workers = [*self._outputs, *self._kept, self._track, self._detect, self._capture]
            for worker in workers:
                self._supervisor.register(worker)
            for worker in workers:
                worker.start()

    def stop(self, timeout_s: float = END_LIMIT_S) -> bool:
        """Ends the run: frames that wait for the detector are dropped, what it has seen is written, all is
        closed. Back within `timeout_s`; False if a thread, the source's own too, was still busy then. Raises
        nothing: see `join`."""
        with self._lock:
            if not self._is_started:
                self._close_parts()
                return True
        self._supervisor.end(STOP, timeout_s)
        if any(worker.thread is threading.current_thread() for worker in self._workers()):
            return False  # a worker that stops its own run cannot wait for itself
        give_up = time.monotonic() + timeout_s
        has_ended = self._supervisor.wait(timeout_s) and not self.stuck
        while not getattr(self.source, "is_released", True):
            if time.monotonic() > give_up:
                return False
            time.sleep(0.01)
        return has_ended

    def join(self, timeout_s: float | None = None) -> bool:
        """Waits for the end of the run and raises its first error, with the traceback of the thread where
        it happened. False if the run goes on after `timeout_s`."""
        if not self._is_started and not self.is_finished:
            raise RuntimeError("this pipeline was never started")
        if not self._supervisor.wait(timeout_s):
            return False
        self._supervisor.raise_first_error()
        return True

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def is_finished(self) -> bool:
        return self._supervisor.finished.is_set()

    @property
    def error(self) -> BaseException | None:
        """The first one."""
        return self._supervisor.error

    @property
    def stuck(self) -> tuple[str, ...]:
        """The parts that did not return in time and were left behind."""
        return self._supervisor.stuck

    # Playing

    @property
    def is_paused(self) -> bool:
        return self._flow.control.is_paused

    def pause(self) -> None:
        """No more frames after this one. A live source goes on being read, and its frames dropped."""
        self._flow.control.pause()

    def resume(self) -> None:
        self._flow.control.resume()

    def step(self) -> bool:
        """Pauses, and shows and processes exactly one more frame. False when the run is over."""
        self._flow.control.step()
        return not self.is_finished

    def seek(self, t: float) -> bool:
        """Goes to `t` seconds; the tracker starts over there. When paused, exactly one frame is shown and
        processed. False when the run is over. Raises UsageError when the source cannot seek."""
        if not (self.source.info.is_seekable and isinstance(self.source, SeekableSource)):
            raise UsageError(f"cannot seek in {self.source.info.name}: it is live or has no timestamps")
        self._flow.control.seek(t)
        self._flow.frames.clear("seek")
        return not self.is_finished

    def set_speed(self, speed: float) -> None:
        """A paced file plays so many times as fast, from the next frame on; everything else goes as it comes. Times
        in outputs stay the source's own. Raises UsageError for a speed that is not above 0."""
        if not 0 < speed < math.inf:
            raise UsageError(f"a speed must be above 0, not {speed:g}")
        self._flow.control.set_speed(speed)

    def time_of(self, index: int) -> float:
        """The time of a frame by its number from 0: as the source knows it, else by its nominal rate. May take a
        second. Raises UsageError where neither is known."""
        known = self.source.time_of(index) if isinstance(self.source, NumberedSource) else None
        if known is not None:
            return known
        if not self.source.info.fps:
            raise UsageError(
                f"{self.source.info.name} does not tell where its frames are; go to a time instead"
            )
        return index / self.source.info.fps

    # Changing parts

    def swap_detector(self, detector: Detector) -> None:
        """Goes on with another detector from the next frame; the old one is closed. When paused, the frame
        on screen is looked at again. If its classes differ the tracker starts over."""
        self._detect.swap(detector)
        self._detect.redo()

    def swap_tracker(self, tracker: Tracker | None) -> None:
        """Goes on with another tracker, or none, from the next frame."""
        self._flow.tracking.swap(tracker)
        self._warn_if_nobody_compensates(tracker)
        self._detect.redo()

    def swap_meter(self, meter: TrackMeter | None) -> None:
        """Measures the tracks by another meter, or no more, from the next frame on. Never waits."""
        self._flow.tracking.measure(meter)
        self._detect.redo()

    def compensate_camera(self, is_on: bool) -> None:
        """From the next frame on the tracker is told, or no longer, how the camera itself moved. A tracker that has
        no use for it is told nothing, which is said once, as a warning."""
        self._flow.camera.is_on = is_on
        self._warn_if_nobody_compensates(self._flow.tracking.tracker)

    @property
    def thresholds(self) -> Thresholds:
        """What the run goes by; the detector may be asked for more."""
        return self._detect.wanted

    def set_thresholds(self, thresholds: Thresholds) -> None:
        """Holds from the next frame. When paused, the frame on screen is looked at again at once: its boxes
        are then the detector's own, with the IDs of the tracks that they fit; the tracker is not updated."""
        self._detect.set_thresholds(thresholds)
        self._detect.redo()

    def add_sink(self, sink: Sink) -> None:
        """Gives what comes from now on to `sink` too: what is shown, where sinks get that, unless it
        `wants_results`. The error of a sink that was added while running ends only that sink: it is closed, kept in
        `sink_errors` and told to `on_sink_failed` (from its thread). Raises UsageError, and closes the sink, when the
        run is over."""
        with self._lock:
            on_failure = self._sink_failed if self._is_started else None
            self._output_count += 1
            worker = OutputWorker(self._output_count, sink, self._flow, self._supervisor, on_failure)
            if self._is_started:
                self._supervisor.register(worker)
            if self.is_finished or not worker.outlets.add(worker.buffer):
                self._supervisor.done(worker)
                sink.close()
                raise UsageError(f"the run has ended; {describe(sink)} would receive nothing")
            self._outputs = [other for other in self._outputs if not self._has_left(other)] + [worker]
            if self._is_started:
                worker.start()

    def remove_sink(self, sink: Sink, timeout_s: float = 5.0) -> bool:
        """Takes `sink` out, lets it finish what it has and closes it. False if that takes longer than
        `timeout_s`. Nothing happens if it is not there (any more)."""
        with self._lock:
            workers = [worker for worker in self._outputs if worker.part is sink]
            self._outputs = [worker for worker in self._outputs if worker.part is not sink]
            is_started = self._is_started
        for worker in workers:
            worker.outlets.remove(worker.buffer)
            worker.buffer.end()
            if not is_started:
                sink.close()
            elif worker.thread is not threading.current_thread():
                worker.thread.join(timeout_s)
        return not any(worker.thread.is_alive() for worker in workers)

    # What came of it

    def newest_frame(self) -> Frame | None:
        """The newest captured frame: what a viewer paints. Never waits."""
        job = self._flow.newest_job
        return None if job is None else job.frame

    def newest_result(self) -> FrameResult | None:
        """The newest processed frame. Never waits."""
        newest = self._flow.newest_result
        return None if newest is None else newest[1]

    def tracks_at(self, t: float) -> Tracks:
        """Where the objects are at `t` seconds of the source, for painting; answers within some
        milliseconds even if the tracker hangs. Without a tracker: the last detections, id 0. A tracker that
        fails here ends the run."""
        try:
            return self._flow.tracks_at(t)
        except Exception as error:
            self._supervisor.failed(error, self._flow.tracking.tracker)
            return Tracks()

    def detected_tracks(self) -> Tracks:
        """What was detected last in this source, where it was detected, with the IDs of its tracks: for painting
        boxes as they were found, and not as they should be by now. Never waits."""
        return self._flow.detected_tracks()

    def results(self) -> Results[FrameResult]:
        """Every frame processed from now on, in order; starts the run if need be. Under WAIT a slow loop
        slows the run; under LATEST it makes it skip frames. Leaving the loop stops the pipeline."""
        buffer = self._flow.listener_buffer()
        if not self._flow.listeners.add(buffer) or self.is_finished:
            buffer.end()
        with self._lock:
            if not self.is_finished:
                self.start()
        return Results(buffer, self)

    def stats(self, *, percentiles: bool = True) -> Stats:
        """Counts, rates and times up to now. Without `percentiles` those of the whole run are left out, which take
        most of the time that this takes."""
        stats, governor = self._flow.stats.snapshot(percentiles=percentiles), self._flow.governor
        stats = replace(stats, decoder=self.source.info.decoder)
        if governor is None:
            return stats
        gave_up = str(governor.setting) if governor.gave_up else ""
        return replace(stats, governor=governor.as_dict(), live=replace(stats.live, gave_up=gave_up))

    def flush_kept(self) -> None:
        """Has what is to be kept written soon, also where no more frames come. Never waits."""
        if self._flow.kept is not None:
            self._flow.kept.nudge()

    def note_shown(self, frame: Frame, paint_ms: float | None = None) -> None:
        """The viewer painted this frame, with what `tracks_at` said last, in so many milliseconds: counts for the
        display rate, and for the ages of the picture and of the detection behind its boxes."""
        self._flow.note_shown(frame, paint_ms)

    def _warn_if_nobody_compensates(self, tracker: Tracker | None) -> None:
        if self._flow.camera.is_on and not self._flow.tracking.compensates_camera:
            who = "none" if tracker is None else type(tracker).__name__
            log.warning("the camera's motion is not compensated: the tracker %s does not support it", who)

    def _workers(self) -> list[Worker]:
        return [self._capture, self._detect, self._track, *self._kept, *self._outputs]

    def _has_left(self, worker: OutputWorker) -> bool:
        return self._is_started and not worker.thread.is_alive()

    def _sink_failed(self, sink: Sink, error: BaseException) -> None:
        self.sink_errors.append((sink, error))
        log.warning("%s failed and was closed: %s", describe(sink), error)
        if self.on_sink_failed is not None:
            self.on_sink_failed(sink, error)

    def _close_parts(self) -> None:
        """For a pipeline that never ran."""
        if self.is_finished:
            return
        self._flow.outputs.end(STOP)
        self._flow.listeners.end(STOP)
        self._supervisor.finished.set()
        for worker in self._workers():
            try:
                worker.close()
            except Exception as error:
                self._supervisor.failed(error, worker.part)


def _check(batch_size: int, max_frames: int | None, duration_s: float | None, every: int | None) -> None:
    if batch_size < 1:
        raise UsageError(f"a batch must have at least one picture, not {batch_size}")
    if every is not None and every < 1:
        raise UsageError(
            f"a detector looks at every frame, or at every 2nd, 3rd and so on, not every {every}"
        )
    if max_frames is not None and max_frames < 1:
        raise UsageError(f"a run must have at least one frame, not {max_frames}")
    if duration_s is not None and not duration_s > 0:
        raise UsageError(f"a run must take more than 0 seconds, not {duration_s}")


# An interpreter that exits while native code runs in a daemon thread may crash.
_running: weakref.WeakSet[Pipeline] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    for pipeline in list(_running):
        if not pipeline.is_finished:
            pipeline.stop()
