"""How smoothly the window runs on a film, with everything at work: decoder, network, tracker and painting.

The real window, on a film that is rendered at 30 frames a second, 1080p and 4K. A timer in the window's thread is due
every 5 ms: how late it is, so long nothing could be painted or clicked. Printed are the longest time that the thread
was away and the 99th percentile; the longest that it worked meanwhile, by its own processor time, in which other
programs do not count; the pictures shown a second and the gaps between two of them; and what the process and the
window's own thread took of a core.

    QT_QPA_PLATFORM=offscreen python benchmarks/window_stalls.py [--seconds 20] [--size 4K] [--view 1280x800]

With --load N as many other programs keep the cores busy meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from PyQt6.QtCore import QEvent, Qt, QTimer
from PyQt6.QtWidgets import QApplication

from rtdet.build import build_services
from rtdet.config import RunConfig
from rtdet.demo import DemoScene
from rtdet.ui import make_window
from rtdet.ui.theme import apply_theme
from rtdet.ui.video_view import VideoView

SIZES = {"1080p": (1920, 1080), "4K": (3840, 2160)}
DUE_MS = 5


def clip(path: Path, size: tuple[int, int], seconds: float) -> Path:
    """H.264 of the demo's street; its one second is repeated, so that 4K is quickly made."""
    scene = DemoScene(seed=0, width=1280, height=720)
    pictures = [
        av.VideoFrame.from_ndarray(
            cv2.resize(scene.render(i), size, interpolation=cv2.INTER_CUBIC), "bgr24"
        ).reformat(format="yuv420p")
        for i in range(30)
    ]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(30), options={"preset": "ultrafast", "crf": "24"}
        )
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(round(30 * seconds)):
            picture = pictures[index % 30]
            picture.pts, picture.time_base = index, Fraction(1, 30)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


@contextlib.contextmanager
def others(count: int) -> Iterator[None]:
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


class Watch:
    """Notes how late a timer in the window's thread is, and when another picture is shown."""

    def __init__(self, view: VideoView) -> None:
        self.late_ms: list[float] = []
        self.worked_ms: list[float] = []
        self.shown: list[float] = []
        self._view, self._last, self._t = view, 0.0, -1.0
        self._timer = QTimer(view)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def begin(self) -> None:
        self._last = time.perf_counter()
        self._process, self._thread, self._began = time.process_time(), time.thread_time(), self._last
        self._worked, self._wall = self._thread, 0.0
        self._timer.start(DUE_MS)

    def end(self) -> None:
        self._timer.stop()
        self._wall = time.perf_counter() - self._began
        self._process, self._thread = time.process_time() - self._process, time.thread_time() - self._thread

    def _tick(self) -> None:
        now, worked = time.perf_counter(), time.thread_time()
        self.late_ms.append(1e3 * (now - self._last) - DUE_MS)
        self.worked_ms.append(1e3 * (worked - self._worked))
        self._last, self._worked = now, worked
        frame = self._view.frame
        if frame is not None and frame.t != self._t:
            self.shown.append(now)
            self._t = frame.t

    def report(self) -> str:
        wall, process, thread = self._wall, self._process, self._thread
        gaps = 1e3 * np.diff(self.shown)
        return (
            f"window away for at most {max(self.late_ms):.0f} ms (p99 {np.percentile(self.late_ms, 99):.0f}), "
            f"worked for at most {max(self.worked_ms):.0f} (p99 {np.percentile(self.worked_ms, 99):.0f}); "
            f"{len(self.shown) / wall:.1f} pictures/s, gaps p99 {np.percentile(gaps, 99):.0f}, longest "
            f"{gaps.max():.0f} ms; cores: {process / wall:.2f}, of which the window's thread {thread / wall:.2f}"
        )


def watched(film: Path, view_size: str, seconds: float, folder: Path) -> str:
    """Plays the film in the window for so long, and says how it went."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    apply_theme(app)
    window = make_window(RunConfig(source=str(film)), build_services(), settings_path=folder / "viewer.ini")
    window.resize(*(int(side) for side in view_size.split("x")))
    window.show()
    window.session.open(str(film))
    view = window.stage.view
    watch, waits = Watch(view), time.monotonic() + 60

    def end() -> None:
        watch.end()
        window.end()

    def begin_once_it_plays() -> None:
        if view.tracks.ids.size:  # the network is loaded and has seen something
            QTimer.singleShot(2000, watch.begin)
            QTimer.singleShot(2000 + round(1000 * seconds), end)
        elif time.monotonic() > waits:
            raise SystemExit(f"{film}: nothing was seen in it within a minute")
        else:
            QTimer.singleShot(100, begin_once_it_plays)

    begin_once_it_plays()
    app.exec()
    window.deleteLater()
    app.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)
    return watch.report()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--size", choices=list(SIZES), action="append")
    parser.add_argument("--view", default="1280x800")
    parser.add_argument("--load", type=int, default=0, metavar="N")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.size or SIZES:
            film = clip(Path(folder) / f"{name}.mp4", SIZES[name], chosen.seconds + 10)
            with others(chosen.load):
                print(f"{name}: {watched(film, chosen.view, chosen.seconds, Path(folder))}", flush=True)


if __name__ == "__main__":
    main()
