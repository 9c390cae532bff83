"""The state that the workers of a run share: buffers, requests, counts, the newest frame and result."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rtdet.pipeline.buffers import Buffer, Policy
from rtdet.pipeline.camera import Camera, PendingPoints
from rtdet.pipeline.control import Control
from rtdet.pipeline.found import Found, with_ids
from rtdet.pipeline.kept_frame import KeptFrame
from rtdet.pipeline.shared_tracker import SharedTracker
from rtdet.pipeline.stats import Behind, StatsCollector
from rtdet.protocols import CameraMotion, Source, Tracker, TrackMeter
from rtdet.types import Detections, FloatArray, Frame, FrameResult, Tracks

if TYPE_CHECKING:
    from rtdet.pipeline.cadence import Cadence
    from rtdet.pipeline.governor import Governor

# A recording of what is shown may fall behind by this many frames before it misses some.
_SHOWN_CAPACITY = 16
# Frames that may wait to be kept, without their pictures: some seconds of a slow disk.
_KEPT_CAPACITY = 512
# Frames of a source that does not wait, with their pictures, that wait to be carried while the detector is busy.
_CARRIED_CAPACITY = 12
# Of a source that waits so many times as many frames as the detector takes at once, so that it gets enough of them.
_CARRIED_A_BATCH = 2

_NOTHING = Found(Detections(), Detections(), 0.0)

# Why a run ends early, and why frames were dropped then.
STOP, ERROR = "stop", "error"


@dataclass(slots=True, eq=False)
class Job:
    """A frame on its way. `single`: the picture stands still on it. `redo`: it has been through before and
    is looked at again with other settings; nobody but the screen wants to know. detect_ms: what the detector took for
    it; detector_ms: its parts, where it measures them. is_carried: the detector does not look at it."""

    frame: Frame
    epoch: int
    released_at: float
    decode_ms: float = 0.0
    detect_ms: float = 0.0
    detector_ms: Mapping[str, float] = field(default_factory=dict)
    single: bool = False
    redo: bool = False
    is_carried: bool = False
    found: Found = _NOTHING
    camera_points: PendingPoints | None = None
    camera_step: FloatArray | None = None


class Outlets:
    """The buffers of all consumers of results; may be changed while frames flow."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._buffers: tuple[Buffer[FrameResult], ...] = ()
        self._ended = False

    def __bool__(self) -> bool:
        return bool(self._buffers)

    def add(self, buffer: Buffer[FrameResult]) -> bool:
        """Adds a buffer; returns False when the run is over and nothing will come."""
        with self._lock:
            if self._ended:
                return False
            self._buffers += (buffer,)
            return True

    def remove(self, buffer: Buffer[FrameResult]) -> None:
        with self._lock:
            self._buffers = tuple(other for other in self._buffers if other is not buffer)

    def put(self, result: FrameResult) -> None:
        """Puts the result into every buffer, waiting for those that are full."""
        for buffer in self._buffers:
            buffer.put(result)

    def offer(self, result: FrameResult) -> None:
        """Puts the result into every buffer that has room."""
        for buffer in self._buffers:
            buffer.offer(result)

    def end(self, reason: str) -> None:
        with self._lock:
            self._ended = True
        for buffer in self._buffers:
            buffer.end(reason)

    def abort(self, reason: str) -> None:
        self.end(reason)
        for buffer in self._buffers:
            buffer.abort(reason)


class Flow:
    """source -> `frames` -> detector -> `detected` -> tracker -> `outputs` (sinks) and `listeners` (results).

    With `sink_shown` the outputs hang on capture instead: they get every captured frame, with the tracks
    predicted to it.
    """

    def __init__(
        self,
        source: Source,
        tracker: Tracker | None,
        policy: Policy,
        batch_size: int,
        *,
        sink_shown: bool,
        camera_motion: CameraMotion | None = None,
        meter: TrackMeter | None = None,
        is_kept: bool = False,
    ) -> None:
        self.source = source
        self.policy = policy
        self.sink_shown = sink_shown
        self.control = Control()
        self.stats = StatsCollector()
        self.tracking = SharedTracker(tracker, carries_over=not source.info.are_pictures, meter=meter)
        self.camera = Camera(camera_motion)
        self.outputs, self.listeners = Outlets(), Outlets()
        self.newest_job: Job | None = None
        self.newest_result: tuple[int, FrameResult] | None = None
        self.detector_waits = False
        # Epoch and time of the newest frame that the tracker was told of, and of the one behind a window's boxes.
        self.updated_by: tuple[int, float] | None = None
        self._shown_by: tuple[int, float] | None = None
        # The one that looked at a frame last, and who keeps results fresh, if anybody.
        self.detector: object = None
        self.governor: Governor | None = None
        self._source_is_open = threading.Lock()
        capacity = 1 if policy is Policy.LATEST else batch_size + 2  # see make_room
        self.frames: Buffer[Job] = Buffer(capacity, policy, self._count_drop, self._busy_reason)
        self.detected: Buffer[Job] = Buffer(batch_size + 1, on_drop=self._count_drop)
        self.kept: Buffer[KeptFrame] | None = Buffer(_KEPT_CAPACITY) if is_kept else None

    def make_room(self, batch_size: int, cadence: Cadence) -> int:
        """Sees to it that so many frames may wait as the detector can do something with, also of those that are
        carried; returns how many it takes at once."""
        if self.policy is Policy.LATEST:
            self.frames.capacity = _CARRIED_CAPACITY if cadence.carries else 1
            return self.frames.capacity if cadence.carries else batch_size
        at_once = batch_size * min(cadence.every, _CARRIED_A_BATCH)
        self.frames.capacity = at_once + 2
        return at_once

    def output_buffer(self) -> Buffer[FrameResult]:
        if self.sink_shown and self.policy is Policy.LATEST:
            return Buffer(_SHOWN_CAPACITY, on_drop=self._count_unwritten, busy_reason=lambda: "busy")
        return Buffer(4)

    def listener_buffer(self) -> Buffer[FrameResult]:
        return Buffer(1 if self.policy is Policy.LATEST else 8)

    def is_stale(self, job: Job) -> bool:
        """Whether the user has jumped elsewhere since this frame was captured."""
        return job.epoch != self.control.epoch

    def drop(self, jobs: Sequence[Job], reason: str) -> None:
        self._count_drop(jobs, reason)

    def drop_frames(self, frames: Sequence[Frame], reason: str) -> None:
        if frames:
            self.stats.dropped(len(frames), reason)
        if self.kept is not None:
            for frame in frames:
                self.kept.offer(KeptFrame.of(frame, dropped=reason))

    def missed(self, first: int, end: int) -> None:
        """The frames `first` to `end` - 1 of a live source came while nothing had time to take them."""
        self.stats.missed(end - first)
        if self.kept is not None:
            self.kept.offer(KeptFrame.missed(first, end))

    def tracks_at(self, t: float) -> Tracks:
        """The tracks for a window: what they come from is remembered until the window has painted them."""
        job, self._shown_by = self.newest_job, self.updated_by
        return self.tracking.at(t, 0) if job is None else self.tracking.at(t, job.epoch, job.frame.size)

    def detected_tracks(self) -> Tracks:
        """The newest detections, with the IDs of their tracks; none where they say nothing of the newest frame."""
        job, newest, self._shown_by = self.newest_job, self.newest_result, self.updated_by
        if job is None or newest is None or newest[0] != job.epoch or newest[1].frame.size != job.frame.size:
            return Tracks()
        result = newest[1]
        if not self.tracking.says_of(result.frame.t, job.frame.t):
            return Tracks(class_names=result.detections.class_names)
        return with_ids(result.detections, result.tracks)

    def note_shown(self, frame: Frame, paint_ms: float | None) -> None:
        """A window painted `frame`, with what `tracks_at` said last."""
        behind, job = None, self.newest_job
        if self._shown_by is not None and job is not None and self._shown_by[0] == job.epoch:
            behind = Behind(self._shown_by[1], 1.0 if self.source.info.is_live else self.control.speed)
        self.stats.shown(frame, paint_ms=paint_ms, behind=behind)

    def shown_result(self, job: Job) -> FrameResult:
        """The result that a viewer shows for a frame captured just now: tracks predicted to its time."""
        newest = self.newest_result
        known = Detections()
        if (
            newest is not None
            and newest[0] == job.epoch
            and self.tracking.says_of(newest[1].frame.t, job.frame.t)
        ):
            known = newest[1].detections
        tracks = self.tracking.at(job.frame.t, job.epoch, job.frame.size)
        return FrameResult(job.frame, known, tracks, {"capture": job.decode_ms})

    def close_source(self) -> None:
        """Closes the source unless another thread has done so. May block for as long as the source does."""
        if self._source_is_open.acquire(blocking=False):
            self.source.close()

    # What the supervisor does to end a run, gentler steps first

    def halt(self, reason: str, *, finish_frames: bool) -> None:
        """No new frames. `finish_frames`: those that are waiting are still processed."""
        self.control.stop()
        if not finish_frames:
            self.frames.abort(reason)
        if reason == STOP:  # who asked for the end does not wait for more results
            self.listeners.end(reason)

    def drain(self, reason: str) -> None:
        """Gives up the frames that a stuck worker holds; the workers after it finish theirs."""
        self.frames.abort(reason)
        self.detected.end(reason)
        self.outputs.end(reason)
        self.listeners.end(reason)
        if self.kept is not None:
            self.kept.end(reason)

    def abandon(self, reason: str) -> None:
        """Gives up all frames that still wait."""
        self.detected.abort(reason)
        self.outputs.abort(reason)
        if self.kept is not None:
            self.kept.abort(reason)
        self.camera.close(wait=False)

    def _count_drop(self, jobs: Sequence[Job], reason: str) -> None:
        self.drop_frames([job.frame for job in jobs if not job.redo], reason)

    def _count_unwritten(self, results: Sequence[FrameResult], _reason: str) -> None:
        self.stats.unwritten(len(results))

    def _busy_reason(self) -> str:
        return "output_busy" if self.detector_waits else "detector_busy"
