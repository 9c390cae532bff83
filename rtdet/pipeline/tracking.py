"""The thread that runs the tracker."""

from __future__ import annotations

import time

from rtdet.pipeline.flow import Flow, Job
from rtdet.pipeline.kept_frame import KeptFrame
from rtdet.pipeline.supervisor import Supervisor, Worker
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

    def wake_neighbors(self) -> None:
        self.flow.drop(self._in_hand, self.end_reason)
        self.flow.detected.abort(self.end_reason)
        if self.flow.kept is not None:
            self.flow.kept.end(self.end_reason)
        self.flow.outputs.end(self.end_reason)
        self.flow.listeners.end(self.end_reason)

    def close(self) -> None:
        """Does nothing: a tracker holds nothing that needs closing."""

    def _track(self, job: Job) -> None:
        flow = self.flow
        if flow.is_stale(job):
            flow.drop([job], "seek")
            return
        began = time.monotonic()
        self.part = flow.tracking.tracker or flow.tracking
        if job.redo:
            tracks = flow.tracking.redo(job.found, job.frame.t, job.epoch, size=job.frame.size)
        else:
            step = job.camera_step
            if step is None:
                step = flow.camera.transform(job.camera_points, job.found.candidates.boxes)
            tracks = flow.tracking.update(
                job.found, job.frame.t, job.epoch, step, size=job.frame.size, pin=job.single
            )
            if flow.kept is not None:
                flow.kept.put(KeptFrame.of(job.frame, job.found.kept, camera_step=step))
        ended = time.monotonic()
        stage_ms = {
            "capture": job.decode_ms,
            "queue": max((began - job.released_at) * 1e3 - job.detect_ms, 0.0),
            **job.detector_ms,
            "detect": job.detect_ms,
            "track": (ended - began) * 1e3,
        }
        result = FrameResult(job.frame, job.found.detections, tracks, stage_ms)
        flow.newest_result = job.epoch, result
        if job.redo:
            return
        self._in_hand = []
        flow.updated_by = job.epoch, job.frame.t
        flow.stats.processed(
            stage_ms,
            (ended - job.released_at) * 1e3,
            detections=len(result.detections),
            tracked=len(tracks),
        )
        if not flow.sink_shown:
            flow.outputs.put(result)
        flow.listeners.put(result)
