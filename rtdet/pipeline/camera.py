"""Estimates the camera's own motion from the pictures, while the detector works."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from rtdet.protocols import CameraMotion, FollowedPoints
from rtdet.types import FloatArray, Frame

PendingPoints = Future[FollowedPoints | None]
# The step to a frame that is carried, where the step to the next one that is not is from before it.
UNMOVED: FloatArray = np.eye(2, 3)


class CarriedSteps:
    """The camera's steps to frames that the tracker is not told of, made into one with the step to the next one."""

    def __init__(self) -> None:
        self._steps: list[FloatArray | None] = []

    def carry(self, step: FloatArray | None) -> None:
        """The step (2, 3) to a frame that is carried; None where it is not known."""
        if step is not UNMOVED:
            self._steps.append(step)

    def arrive(self, step: FloatArray | None) -> FloatArray | None:
        """The step to a frame that the tracker is told of, from the last one of those; `step` is from the frame just
        before it. None where one of the steps is not known."""
        steps, self._steps = [*self._steps, step], []
        whole = steps[0]
        for later in steps[1:]:
            if whole is None or later is None:
                return None
            turned = later[:, :2] @ whole
            turned[:, 2] += later[:, 2]
            whole = turned
        return whole


class Camera:
    """Has `motion` follow each picture, in a thread of its own that exists once it is asked for.

    `is_on` may be changed at any moment. `look` is for one thread, `transform` for another.
    """

    def __init__(self, motion: CameraMotion | None) -> None:
        self.is_on = False
        self._motion = motion
        self._thread: ThreadPoolExecutor | None = None
        self._epoch: int | None = None  # of the picture before; None: there is none to go on from

    def look(self, frame: Frame, epoch: int, *, is_wanted: bool) -> PendingPoints | None:
        """Starts work on the next picture, in order; None when switched off or where no tracker uses the result."""
        motion = self._motion
        if motion is None or not (self.is_on and is_wanted):
            self._epoch = None
            return None
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="rtdet-camera")
        if epoch != self._epoch:
            self._thread.submit(motion.reset)
        self._epoch = epoch
        return self._thread.submit(lambda: motion.read(frame.bgr))

    @staticmethod
    def transform(pending: PendingPoints | None, boxes: FloatArray) -> FloatArray | None:
        """The camera's step (2, 3) to this picture, once the boxes (N, 4) of its objects are known. Waits for what
        `look` began."""
        points = pending.result() if pending is not None else None
        return points.transform(boxes) if points is not None else None

    def close(self, *, wait: bool = True) -> None:
        """Finishes the work that was begun and starts no more."""
        self._motion = None
        if self._thread is not None:
            self._thread.shutdown(wait)
