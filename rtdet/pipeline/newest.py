"""The frame of a source that does not wait, for a detector that others use too: the newest there is, in its turn."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rtdet.pipeline.cadence import Cadence
from rtdet.pipeline.flow import Flow, Job
from rtdet.types import Frame


class NewestFrame:
    """`jobs` are the frames in hand, of which the last is to be looked at. When its turn comes, what has come in
    since is put after them, and the last of that is looked at instead: those before it are carried where the
    `cadence` carries, else dropped. look: is told of the frames that are put in.

    `take` is called by the detector's thread, `end` by the one that waits for the answer and then uses `jobs` again.
    """

    def __init__(
        self, jobs: list[Job], flow: Flow, cadence: Cadence, look: Callable[[list[Job]], None]
    ) -> None:
        self._jobs, self._flow, self._cadence, self._look = jobs, flow, cadence, look
        self._lock = threading.Lock()
        self._is_over = False

    def take(self) -> Frame:
        with self._lock:
            # Where the run stands still somebody has asked for each frame.
            if not (self._is_over or self._flow.control.is_paused):
                self._take_newer()
            return self._jobs[-1].frame

    def end(self) -> None:
        """From now on the frames are those that they are."""
        with self._lock:
            self._is_over = True

    def _take_newer(self) -> None:
        flow, jobs = self._flow, self._jobs
        newer = flow.frames.take_what_is_there(flow.frames.capacity)
        flow.drop([job for job in newer if flow.is_stale(job)], "seek")
        newer = [job for job in newer if not flow.is_stale(job)]
        if not newer:
            return
        if flow.is_stale(jobs[-1]):
            flow.drop(jobs, "seek")
            jobs.clear()
        if not self._cadence.carries:
            flow.drop([*jobs, *newer[:-1]], "detector_busy")
            jobs.clear()
            newer = newer[-1:]
        self._look(newer)
        self._cadence.look_later(jobs, newer)
        jobs += newer
