"""Gives the detections of a file to a tracker as late as a detector would have returned them."""

from __future__ import annotations

from collections.abc import Iterator

from rtdet.evaluation.streaming.latency import Latency
from rtdet.protocols import Tracker
from rtdet.tracks.motchallenge import DetectionRows
from rtdet.types import Tracks

# What is shown between two results: where the tracker says that things are by now, or the last result.
SHOW = ("predict", "hold")
# n / fps + latency may miss the frame that it meets by a last bit.
_SAME_TIME_S = 1e-9


def replay(
    tracker: Tracker, rows: DetectionRows, *, fps: float, frames: int, latency: Latency, show: str = "predict"
) -> Iterator[Tracks]:
    """The tracks on screen in each of the frames 1 to `frames`; frame n is at (n - 1) / fps seconds.

    Until the first result there are no tracks. With a latency of 0 every frame is taken, and shown at once.
    """
    shown, newest = Tracks(), 0
    for frame, finished in enumerate(results(fps, frames, latency), start=1):
        for newest in finished:
            shown = tracker.update(rows.at(newest), (newest - 1) / fps)
        if show == "hold" or newest in (0, frame):
            yield shown
        else:
            yield tracker.predict((frame - 1) / fps)


def results(fps: float, frames: int, latency: Latency) -> Iterator[list[int]]:
    """For each of the frames 1 to `frames`: the earlier frames (or itself) whose results have come since the last.

    A frame that comes while the detector is free is taken. Its result is there `latency()` seconds later, and the
    detector is free again. Frames that come meanwhile are dropped.
    """
    taken, ready_s = 0, 0.0
    for frame in range(1, frames + 1):
        now_s = (frame - 1) / fps + _SAME_TIME_S
        finished = []
        if taken and ready_s <= now_s:
            finished.append(taken)
            taken = 0
        if not taken:
            taken, ready_s = frame, (frame - 1) / fps + latency()
            if ready_s <= now_s:
                finished.append(taken)
                taken = 0
        yield finished
