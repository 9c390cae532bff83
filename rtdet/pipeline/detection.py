"""The thread that runs the detector."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from rtdet.errors import ModelError
from rtdet.pipeline.buffers import Policy
from rtdet.pipeline.cadence import Cadence
from rtdet.pipeline.camera import UNMOVED
from rtdet.pipeline.flow import Flow, Job
from rtdet.pipeline.found import Found, split
from rtdet.pipeline.keeping import chosen, kept_of, widened
from rtdet.pipeline.newest import NewestFrame
from rtdet.pipeline.sanitize import sanitize
from rtdet.pipeline.stats import DETECTOR_PARTS
from rtdet.pipeline.streaming import answers
from rtdet.pipeline.supervisor import Supervisor, Worker, describe
from rtdet.protocols import Detector, FrameDetector, QueuingDetector, StreamingDetector
from rtdet.types import Detections, Frame, Image, Thresholds

log = logging.getLogger("rtdet.pipeline")


class DetectWorker(Worker):
    """Gives the detector what has come in since its last call, up to `batch_size` frames at once, or, of a file, one
    frame after another for as long as there are some (protocols.StreamingDetector); hands on what the `cadence`
    carries."""

    part: Detector

    def __init__(
        self,
        detector: Detector,
        flow: Flow,
        supervisor: Supervisor,
        batch_size: int,
        cadence: Cadence,
        *,
        keep: bool,
    ) -> None:
        super().__init__("detect", detector, flow, supervisor)
        self._batch_size, self._cadence = batch_size, cadence
        self._keep = keep
        # As the user wants them; the detector may be asked for more, for the tracker and to be kept.
        self._wanted = detector.thresholds
        self._lock = threading.RLock()
        self._next: Detector | None = None
        self._has_left = False
        self._redo = threading.Event()
        self._in_hand: list[Job] = []
        self._has_warned = False

    def swap(self, detector: Detector) -> None:
        """Uses another detector from the next frame on. The old one is closed by the thread that used it."""
        with self._lock:
            if not self._has_left:
                unused, self._next = self._next, detector
            elif self._keep:  # the last detector is the caller's to use again
                unused, self.part = self.part, detector
            else:
                unused = detector
        if unused is not None:
            unused.close()

    @property
    def wanted(self) -> Thresholds:
        """The thresholds of the user."""
        return self._wanted

    def set_thresholds(self, thresholds: Thresholds) -> None:
        with self._lock:
            self._wanted = replace(thresholds, low=self.flow.tracking.low)
            self.part.thresholds = self._asked_of(self.part)
            if self._next is not None:
                self._next.thresholds = self._wanted

    def redo(self) -> None:
        """Has the detector process the frame on screen again, if the picture stands still."""
        self._redo.set()
        self.flow.frames.nudge()

    def work(self) -> None:
        flow = self.flow
        while (jobs := flow.frames.take(flow.make_room(self._batch_size, self._cadence))) is not None:
            self._in_hand = jobs
            self._take_next_detector()
            if jobs:
                self._in_hand = self._fresh(jobs)
            else:
                self._in_hand = self._jobs_to_redo()
            if not self._in_hand:
                continue
            if self._streams():
                self._detect_each(self._in_hand)
            else:
                self._detect(self._in_hand)

    def wake_neighbors(self) -> None:
        self.flow.drop(self._in_hand, self.end_reason)
        self.flow.frames.abort(self.end_reason)
        self.flow.detected.end(self.end_reason)

    def close(self) -> None:
        with self._lock:
            self._has_left = True
            pending, self._next = self._next, None
            old = self.part
            if pending is not None:
                self.part = pending
        try:
            self.flow.camera.close()
            if pending is not None:
                old.close()
        finally:
            if not self._keep:
                self.part.close()
            else:
                self.part.thresholds = replace(self._wanted, low=None)

    def _take_next_detector(self) -> None:
        with self._lock:
            if self._next is None:
                return
            old, self.part, self._next = self.part, self._next, None
            self._wanted = self.part.thresholds
            self._has_warned = False
        old.close()

    def _fresh(self, jobs: list[Job]) -> list[Job]:
        """Those from where the user is now; the others are dropped."""
        fresh: list[Job] = []
        stale: list[Job] = []
        for job in jobs:
            (stale if self.flow.is_stale(job) else fresh).append(job)
        self.flow.drop(stale, "seek")
        return fresh

    def _jobs_to_redo(self) -> list[Job]:
        wanted = self._redo.is_set()
        # Cleared before anything is looked at: what is asked for from here on nudges once more.
        self._redo.clear()
        job = self.flow.newest_job
        if not wanted or job is None or not self.flow.control.is_paused or self.flow.is_stale(job):
            return []
        return [Job(job.frame, job.epoch, job.released_at, redo=True)]

    def _detect(self, jobs: list[Job]) -> None:
        self._look_where_the_camera_goes(jobs)
        wanted = self._wanted_of(jobs)
        self._hand_on_carried(jobs)
        if not wanted:
            return
        began = time.monotonic()
        self._reach_low()
        if self._may_be_newer(jobs):
            found: Sequence[Detections | None] = [self._ask_for_newest(jobs)]
            self._hand_on_carried(jobs)
            wanted = jobs[:1]
        else:
            found = self._ask(wanted)
        if len(found) != len(wanted):
            raise ModelError(f"{describe(self.part)} gave {len(found)} results for {len(wanted)} pictures")
        self.flow.detector = self.part
        self._cadence.took((time.monotonic() - began) / len(wanted))
        detect_ms, detector_ms = self._times(began, len(wanted))
        for job, detections in zip(wanted, found, strict=True):
            if detections is None:
                self.flow.drop([jobs.pop(0)], "not_kept")
            else:
                job.found = self._found(self._checked(detections, job.frame))
                job.detect_ms, job.detector_ms = detect_ms, detector_ms
                self._hand_on(jobs)
            self._hand_on_carried(jobs)

    def _streams(self) -> bool:
        """Whether more frames are given to the detector while it looks at these."""
        is_file = self.flow.policy is Policy.WAIT and self._batch_size > 1 and not self._in_hand[0].redo
        is_able = isinstance(self.part, StreamingDetector) and not isinstance(self.part, FrameDetector)
        return is_file and is_able

    def _detect_each(self, jobs: list[Job]) -> None:
        """Keeps the detector busy with these frames and those that come meanwhile, until there is none at hand."""
        detector = self.part
        assert isinstance(detector, StreamingDetector)
        began = time.monotonic()
        with closing(answers(detector, self._pictures(jobs))) as found:
            for job, detections in found:
                job.found = self._found(self._checked(detections, job.frame))
                job.detect_ms, job.detector_ms = self._times(began, 1)
                self.flow.detector = detector
                self._hand_on_carried(jobs)
                self._hand_on(jobs)
                self._hand_on_carried(jobs)
                began = time.monotonic()
        self._hand_on_carried(jobs)

    def _pictures(self, jobs: list[Job]) -> Iterator[tuple[Job, Image]]:
        """Those that the detector is to look at, of `jobs` and of what comes in, which is added to them, for as long
        as nobody wants something else."""
        fresh = list(jobs)
        while fresh:
            self._look_where_the_camera_goes(fresh)
            for job in self._wanted_of(fresh):
                self._reach_low()
                yield job, self._picture_of(job.frame)
            fresh = []
            if self._next is None and not (self._redo.is_set() and self.flow.control.is_paused):
                fresh = self._fresh(self.flow.frames.take_what_is_there())
                jobs += fresh

    def _wanted_of(self, jobs: list[Job]) -> list[Job]:
        """Those that the detector is to look at; the others are carried."""
        if jobs[0].redo:
            return list(jobs)
        if isinstance(self.part, FrameDetector):
            for job in jobs:
                if self.part.carries(job.frame):
                    job.is_carried, job.camera_step = True, UNMOVED
                else:
                    job.camera_step = self.part.camera_step(job.frame)
        return self._cadence.divide(jobs)

    def _hand_on_carried(self, jobs: list[Job]) -> None:
        """Gives the tracker the frames until the next that the detector is to look at."""
        while jobs and jobs[0].is_carried:
            nothing = Detections(class_names=self.part.class_names)
            jobs[0].found = Found(nothing, nothing, self._wanted.confidence)
            self._hand_on(jobs)

    def _hand_on(self, jobs: list[Job]) -> None:
        self.flow.detector_waits = True
        self.flow.detected.put(jobs.pop(0))
        self.flow.detector_waits = False

    def _ask(self, jobs: list[Job]) -> Sequence[Detections | None]:
        frames = [job.frame for job in jobs]
        if isinstance(self.part, FrameDetector):
            return self.part.detect_frames(frames)
        return self.part.detect([self._picture_of(frame) for frame in frames])

    def _picture_of(self, frame: Frame) -> Image:
        if getattr(self.part, "takes_pictures", False):
            return frame.picture  # type: ignore[return-value]  # as it says
        return frame.bgr

    def _may_be_newer(self, jobs: list[Job]) -> bool:
        """Whether the one frame that is left may give way to one that comes while it waits for its turn."""
        return (
            self.flow.policy is Policy.LATEST
            and len(jobs) == 1
            and not (jobs[0].redo or jobs[0].single)
            and isinstance(self.part, QueuingDetector)
        )

    def _ask_for_newest(self, jobs: list[Job]) -> Detections:
        detector = self.part
        assert isinstance(detector, QueuingDetector)
        newest = NewestFrame(jobs, self.flow, self._cadence, self._look_where_the_camera_goes)
        try:
            return detector.detect_newest(lambda: self._picture_of(newest.take()))
        finally:
            newest.end()

    def _times(self, began: float, pictures: int) -> tuple[float, Mapping[str, float]]:
        """What the call that `began` took for each picture, and its parts. What is not in the parts was waiting: for
        the other pictures of a detector that several sources share."""
        of_parts: Mapping[str, float] = getattr(self.part, "last_ms", {})
        detector_ms = {part: of_parts[part] for part in DETECTOR_PARTS if part in of_parts}
        if detector_ms:
            return sum(detector_ms.values()), detector_ms
        return (time.monotonic() - began) * 1e3 / pictures, {}

    def _found(self, detections: Detections) -> Found:
        """What a detector's answer is to the run, and to the one that keeps it."""
        if self.flow.kept is None:
            return split(detections, self._wanted)
        used = chosen(detections, self._wanted, _suppression(self.part))
        return split(used, self._wanted)._replace(kept=kept_of(detections, used))

    def _reach_low(self) -> None:
        """Makes the detector return scores as low as the tracker uses, and whatever is to be kept."""
        with self._lock:
            self._wanted = replace(self._wanted, low=self.flow.tracking.low)
            asked = self._asked_of(self.part)
            if self.part.thresholds != asked:
                self.part.thresholds = asked

    def _asked_of(self, detector: Detector) -> Thresholds:
        if self.flow.kept is None:
            return self._wanted
        expected = frozenset(self.flow.source.info.class_names) & frozenset(detector.class_names)
        return widened(self._wanted, _suppression(detector), expected)

    def _look_where_the_camera_goes(self, jobs: list[Job]) -> None:
        flow = self.flow
        for job in jobs:
            if not job.redo:
                is_wanted = flow.tracking.compensates_camera
                job.camera_points = flow.camera.look(job.frame, job.epoch, is_wanted=is_wanted)

    def _checked(self, detections: Detections, frame: Frame) -> Detections:
        checked, invalid = sanitize(detections, frame.size)
        if invalid:
            self.flow.stats.invalid_boxes(invalid)
            if not self._has_warned:
                self._has_warned = True
                log.warning(
                    "%s returns invalid boxes (not finite, inverted, empty or outside the picture), "
                    "first in frame %d; they are dropped and counted",
                    describe(self.part),
                    frame.index,
                )
        return checked


def _suppression(detector: Detector) -> str:
    """How the detector thins out boxes (protocols.Detector)."""
    suppression: str = getattr(detector, "suppression", "none")
    return suppression
