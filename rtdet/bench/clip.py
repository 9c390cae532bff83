"""The demo as a film, for who has none at hand: drawing it would take longer than to decode one."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from rtdet.demo import DemoScene
from rtdet.types import Detections, Frame, FrameResult, SourceInfo, Tracks
from rtdet.video.recording import open_recording


def write_demo(folder: Path, seconds: float) -> Path:
    """So many seconds of the demo, 1280x720 in H.264; returns the file."""
    scene = DemoScene(duration_s=seconds)
    path = folder / "demo.mp4"
    first = scene.render(0)
    height, width = first.shape[:2]
    sink = open_recording(path, SourceInfo("demo", width, height, fps=25.0, frame_count=scene.frame_count))
    try:
        for index in range(scene.frame_count):
            frame = Frame(scene.render(index), index / 25, index, pts=index, time_base=Fraction(1, 25))
            sink.write(FrameResult(frame, Detections(), Tracks()))
    finally:
        sink.close()
    return path
