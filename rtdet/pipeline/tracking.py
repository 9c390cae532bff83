"""The thread that runs the tracker."""

from __future__ import annotations

import time

from rtdet.pipeline.camera import CarriedSteps
from rtdet.pipeline.flow import Flow, Job
from rtdet.pipeline.kept_frame import CARRIED, KeptFrame
from rtdet.pipeline.supervisor import Supervisor, Worker
from rtdet.types import FloatArray, FrameResult, Tracks


class TrackWorker(Worker):
    """Brings the tracker up to date and hands the results on."""

    def __init__(self, flow: Flow, supervisor: Supervisor) -> None:
        super().__init__("track", flow.tracking, flow, supervisor)
        self._in_hand: list[Job] = []
        self._steps = CarriedSteps()

    def work(self) -> None:
        while (jobs := self.flow.detected.take()) is not None:
            for job in jobs:
                self._in_hand = jobs
                self._track(job)
                self._in_hand = []

    def wake_neighbors(self) -> None:
        self.flow.drop(self._in_hand, self.end_reason)
        self.flow.detected.abort(self.end_reason)
        if self.flow.kept is not None:
            self.flow.kept.end(self.end_reason)
        self.flow.outputs.end(self.end_reason)
        self.flow.listeners.end(self.end_reason)

    def close(self) -> None:
        """A tracker holds nothing that needs closing, but the governor's levers go back."""
        if self.flow.governor is not None:
            self.flow.governor.close()

    def _track(self, job: Job) -> None:
        flow = self.flow
        if flow.is_stale(job):
            flow.drop([job], "seek")
            return
        began = time.monotonic()
        self.part = flow.tracking.tracker or flow.tracking
        if job.redo:
            tracks = flow.tracking.redo(job.found, job.frame.t, job.epoch, size=job.frame.size)
        elif job.is_carried:
            tracks = self._carry(job)
        else:
            tracks = self._update(job)
        ended = time.monotonic()
        stage_ms = {
            "capture": job.decode_ms,
            "queue": max((began - job.released_at) * 1e3 - job.detect_ms, 0.0),
            **job.detector_ms,
            **({} if job.is_carried else {"detect": job.detect_ms}),
            "track": (ended - began) * 1e3,
        }
        result = FrameResult(job.frame, job.found.detections, tracks, stage_ms, job.is_carried)
        if not job.is_carried:
            flow.newest_result = job.epoch, result
        if job.redo:
            return
        self._in_hand = []
        if not job.is_carried:
            flow.updated_by = job.epoch, job.frame.t
        age_ms = (ended - job.released_at) * 1e3
        if flow.governor is not None and not job.single:
            flow.governor.note(ended, age_ms, None if job.is_carried else job.detect_ms, flow.detector)
        flow.stats.processed(
            stage_ms,
            age_ms,
            detections=len(result.detections),
            tracked=len(tracks),
            is_carried=job.is_carried,
        )
        if not flow.sink_shown:
            flow.outputs.put(result)
        flow.listeners.put(result)

    def _update(self, job: Job) -> Tracks:
        flow = self.flow
        step = self._steps.arrive(self._step(job, job.found.candidates.boxes))
        tracks = flow.tracking.update(
            job.found, job.frame.t, job.epoch, step, size=job.frame.size, pin=job.single
        )
        if flow.kept is not None:
            flow.kept.put(KeptFrame.of(job.frame, job.found.kept, camera_step=step))
        return tracks

    def _carry(self, job: Job) -> Tracks:
        flow = self.flow
        tracks = flow.tracking.carry(job.frame.t, job.epoch, job.frame.size)
        self._steps.carry(self._step(job, tracks.boxes))
        if flow.kept is not None:
            flow.kept.put(KeptFrame.of(job.frame, dropped=CARRIED))
        return tracks

    def _step(self, job: Job, boxes: FloatArray) -> FloatArray | None:
        """The camera's step to the frame, whose objects are at the boxes, from the one before it."""
        if job.camera_step is not None:
            return job.camera_step
        return self.flow.camera.transform(job.camera_points, boxes)
