"""What the window's picture costs: processor milliseconds a painted frame, and the longest that painting one takes.

A clip of each size, H.264 of the demo's street, is decoded beforehand; then a view of the given size takes each frame
as it does in the window and paints it with ten tracks: conversion, scaling, boxes. Times are of the processor, and of
the whole process, so that another program on the machine decides little; the longest is by the clock, so it may.
30 frames a second leave 33 ms for each, and a quarter of a core is 8.3 ms.

    QT_QPA_PLATFORM=offscreen python benchmarks/painting.py [--view 1280x720] [--rounds 5]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from rtdet.demo import DemoScene
from rtdet.types import Frame, FrameResult, Tracks
from rtdet.video.sources import open_source

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "4K": (3840, 2160)}
FRAMES = 16


class Given:
    """A feed of frames that are there already."""

    def __init__(self) -> None:
        self.frame: Frame | None = None

    def newest_frame(self) -> Frame | None:
        return self.frame

    def newest_result(self) -> FrameResult | None:
        return None

    def tracks_at(self, t: float) -> Tracks:
        assert self.frame is not None
        width, height = self.frame.size
        corners = np.array([[0.08 * i, 0.07 * i, 0.08 * i + 0.1, 0.07 * i + 0.25] for i in range(10)])
        return Tracks((corners + 0.02 * t) * [width, height, width, height], ids=np.arange(1, 11))

    def note_shown(self, frame: Frame, paint_ms: float | None = None) -> None: ...


def clip(path: Path, size: tuple[int, int]) -> Path:
    scene = DemoScene(seed=0, width=1280, height=720)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(30), options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(FRAMES):
            picture = cv2.resize(scene.render(index), size, interpolation=cv2.INTER_CUBIC)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        container.mux(stream.encode())
    return path


def frames_of(path: Path) -> list[Frame]:
    """All frames, not yet converted; the decoder's threads have ended."""
    source = open_source(path)
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    source.close()
    return frames


def paint_all(view: object, feed: Given, frames: list[Frame]) -> tuple[float, float]:
    """Processor milliseconds a frame, and the longest by the clock."""
    longest, began = 0.0, time.process_time()
    for frame in frames:
        feed.frame = frame
        started = time.perf_counter()
        view.tick(feed)  # type: ignore[attr-defined]
        view.repaint()  # type: ignore[attr-defined]
        longest = max(longest, time.perf_counter() - started)
    return 1e3 * (time.process_time() - began) / len(frames), 1e3 * longest


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--view", default="1280x720")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PyQt6.QtWidgets import QApplication

    from rtdet.ui.video_view import VideoView
    from rtdet.viewer.player import PlayerState
    from rtdet.viewer.window import WindowState

    app = QApplication([])
    view, feed = VideoView(PlayerState(), WindowState()), Given()
    view.resize(*(int(side) for side in chosen.view.split("x")))
    view.show()
    app.processEvents()
    with tempfile.TemporaryDirectory() as folder:
        for name, size in SIZES.items():
            path = clip(Path(folder) / f"{name}.mp4", size)
            paint_all(view, feed, frames_of(path))
            rounds = [paint_all(view, feed, frames_of(path)) for _ in range(chosen.rounds)]
            # The least: what else runs on the machine makes caches cold and times longer, never shorter.
            cpu_ms, longest = min(one for one, _ in rounds), statistics.median(one for _, one in rounds)
            share = cpu_ms * 30 / 1000
            print(
                f"{name:6} in {chosen.view}: {cpu_ms:5.2f} core-ms a frame, {share:.2f} of a core at 30 frames/s; "
                f"longest {longest:.1f} ms"
            )


if __name__ == "__main__":
    main()
