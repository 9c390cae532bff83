"""The demo as a source, like a file."""

from __future__ import annotations

import threading
import time
from fractions import Fraction

from rtdet.demo import CLASS_NAMES, DemoScene
from rtdet.protocols import SourceState
from rtdet.types import Frame, SourceInfo


class DemoSource:
    """A seekable source of DemoScene's frames; Frame.t is index / fps, exactly as rendered."""

    def __init__(
        self,
        *,
        width: int = 1280,
        height: int = 720,
        fps: float = 25.0,
        duration_s: float = 20.0,
        seed: int = 0,
        moving_camera: bool = False,
    ) -> None:
        self.scene = DemoScene(seed, width, height, fps, duration_s, moving_camera)
        self.info = SourceInfo(
            "demo", width, height, fps, self.scene.frame_count, self.scene.frame_count / fps,
            is_live=False, is_seekable=True, detail=f"rendered street, seed {seed}",
            class_names=CLASS_NAMES,
        )  # fmt: skip
        self.state = SourceState.OPEN
        self._time_base = 1 / Fraction(fps).limit_denominator(100_000)
        self._next = 0
        self._lock = threading.Lock()
        self._is_closed = False

    def read(self) -> Frame | None:
        with self._lock:
            if self._is_closed or self._next >= self.scene.frame_count:
                self.state = SourceState.ENDED
                return None
            i = self._next
            self._next += 1
        bgr = self.scene.render(i)
        return Frame(bgr, i / self.scene.fps, i, time.monotonic(), pts=i, time_base=self._time_base)

    def seek(self, t: float) -> None:
        """The next `read` gives the first frame at or after `t` seconds (the last one beyond the end)."""
        i = max(0, round(t * self.scene.fps))
        with self._lock:
            self._next = min(i, self.scene.frame_count - 1)
            if not self._is_closed:
                self.state = SourceState.OPEN

    def time_of(self, index: int) -> float:
        return min(index, self.scene.frame_count - 1) / self.scene.fps

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self.state = SourceState.ENDED
