"""Estimates the camera's own motion from the pictures, while the detector works."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from rtdet.protocols import CameraMotion, FollowedPoints
from rtdet.types import FloatArray, Frame

PendingPoints = Future[FollowedPoints | None]


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
