"""A recording made while watching."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtdet.types import Detections, Frame, FrameResult, Tracks
from rtdet.viewer.viewer_sink import ViewerSink


class Collected:
    def __init__(self) -> None:
        self.times: list[float] = []

    def write(self, result: FrameResult) -> None:
        self.times.append(result.frame.t)

    def close(self) -> None:
        pass


def test_recorded_time_begins_at_zero_and_never_jumps() -> None:
    inside = Collected()
    sink = ViewerSink(inside, Path("x.mp4"), interval_s=0.1)
    image = np.zeros((2, 2, 3), np.uint8)
    for t in (7.0, 7.1, 7.2, 1.0, 1.1, 50.0, 50.1):
        sink.write(FrameResult(Frame(image, t, 0), Detections(), Tracks()))
    np.testing.assert_allclose(inside.times, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_a_files_frames_keep_the_times_and_numbers_of_their_source() -> None:
    inside = Collected()
    sink = ViewerSink(inside, Path("x.mp4"), keeps_times=True)
    image = np.zeros((2, 2, 3), np.uint8)
    for t in (7.0, 7.1, 1.0):
        sink.write(FrameResult(Frame(image, t, 0), Detections(), Tracks()))
    assert inside.times == [7.0, 7.1, 1.0]
