"""Parts for pipelines that do what they are told, misbehaving included.

`parts` gives the classes below to a test; whatever they block on is released at its end, and no thread of
a pipeline may be left then.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rtdet.protocols import SourceState
from rtdet.types import Detections, Frame, FrameResult, SourceInfo, Thresholds, Tracks

# Far beyond what any condition takes on a busy machine; nothing ever waits for it to pass.
PATIENCE_S = 30.0
_release = threading.Event()


class Boom(Exception):
    """The error that a part raises when told to."""


class Trouble:
    """What goes wrong in a part: `kind` is raise, block (until closed) or deaf (until the test ends); `at`
    is the number of the call, or close. `struck_at` is when it happened."""

    def __init__(self, kind: str = "", at: int | str = 0) -> None:
        self.kind, self.at = kind, at
        self.struck_at: float | None = None
        self.struck = threading.Event()
        self.closed = threading.Event()

    def strike(self, moment: int | str) -> None:
        if not self.kind or moment != self.at or self.struck.is_set():
            return
        self.struck_at = time.monotonic()
        self.struck.set()
        if self.kind == "raise":
            raise Boom(f"{moment}")
        _wait(_release if self.kind == "deaf" else self.closed)


def _wait(event: threading.Event) -> None:
    while not (event.wait(0.05) or _release.is_set()):
        pass


def picture(number: int = 0) -> np.ndarray:
    return np.full((48, 64, 3), number % 256, np.uint8)


class FakeSource:
    """`count` frames, `fps` of them in a second of its own time. A live one waits for `feed`."""

    def __init__(
        self,
        count: int = 10,
        *,
        fps: float = 25.0,
        live: bool = False,
        trouble: Trouble | None = None,
        after: Callable[[int], None] | None = None,
    ) -> None:
        self.info = SourceInfo("fake", 64, 48, fps, count, count / fps, is_live=live, is_seekable=not live)
        self.state = SourceState.OPEN
        self.trouble = trouble or Trouble()
        self.count, self.fps, self.position = count, fps, 0
        self.after = after or (lambda _index: None)
        self.closes = 0
        self.fed = threading.Semaphore(0)
        self.seeks: list[float] = []

    def feed(self, frames: int = 1) -> None:
        self.fed.release(frames)

    def read(self) -> Frame | None:
        index = self.position
        self.trouble.strike(index)
        if self.closes or index >= self.count:
            return None
        if self.info.is_live:
            while not self.fed.acquire(timeout=0.05):
                if self.closes:
                    return None
        self.position += 1
        self.after(index)
        return Frame(picture(index), index / self.fps, index, time.monotonic())

    def seek(self, t: float) -> None:
        self.seeks.append(t)
        self.position = round(t * self.fps)

    def close(self) -> None:
        self.closes += 1
        self.trouble.closed.set()
        self.trouble.strike("close")


class FakeTracker:
    """One track for each box, its ID the number of frames seen; predicts by moving right 10 px a second."""

    def __init__(self, trouble: Trouble | None = None) -> None:
        self.trouble = trouble or Trouble()
        self.updates: list[float] = []
        self.resets = 0
        self._boxes, self._t = np.zeros((0, 4)), 0.0

    def update(self, detections: Detections, t: float) -> Tracks:
        self.trouble.strike(len(self.updates))
        self.updates.append(t)
        self._boxes, self._t = detections.boxes, t
        return self.predict(t)

    def predict(self, t: float) -> Tracks:
        self.trouble.strike("predict")
        moved = self._boxes + np.array([10.0, 0, 10.0, 0]) * (t - self._t)
        return Tracks(
            moved, ids=np.full(len(moved), len(self.updates)), since_update_s=np.full(len(moved), t - self._t)
        )

    def reset(self) -> None:
        self.trouble.strike("reset")
        self.resets += 1
        self._boxes = np.zeros((0, 4))


class FakeSink:
    """Remembers what it was given."""

    def __init__(self, trouble: Trouble | None = None, name: str = "out.mp4") -> None:
        self.trouble = trouble or Trouble()
        self.name = name
        self.results: list[FrameResult] = []
        self.closes = 0

    @property
    def indices(self) -> list[int]:
        return [result.frame.index for result in self.results]

    def write(self, result: FrameResult) -> None:
        self.trouble.strike(len(self.results))
        assert not self.closes, "written after close"
        self.results.append(result)

    def close(self) -> None:
        self.trouble.strike("close")
        self.closes += 1


class TroubledDetector:
    """One box in every picture, and trouble. `gate`: each call waits for one `allow`."""

    class_names = ("person", "car")

    def __init__(self, trouble: Trouble | None = None, *, gated: bool = False) -> None:
        self.trouble = trouble or Trouble()
        self.thresholds = Thresholds()
        self.calls, self.images, self.closes = 0, 0, 0
        self.entered = threading.Semaphore(0)
        self._gate = threading.Semaphore(0) if gated else None
        self.boxes = np.array([[8.0, 8, 24, 40]])

    def allow(self, calls: int = 1) -> None:
        assert self._gate is not None
        self._gate.release(calls)

    def detect(self, images):
        assert not self.closes, "used after close"
        self.entered.release()
        if self._gate is not None:
            while not self._gate.acquire(timeout=0.05):
                if _release.is_set():
                    break
        for _ in images:
            self.trouble.strike(self.images)
            self.images += 1
        self.calls += 1
        return [Detections(self.boxes, class_names=self.class_names) for _ in images]

    def close(self) -> None:
        self.trouble.strike("close")
        self.closes += 1


class AheadDetector(TroubledDetector):
    """One that takes up to three pictures more before it gives what is in the first; each is a call."""

    def __init__(self, trouble: Trouble | None = None, *, gated: bool = False) -> None:
        super().__init__(trouble, gated=gated)
        self.streams = 0
        self.most_ahead = self.longest = 0

    def detect_each(self, images: Iterable[Any]) -> Iterator[Detections]:
        self.streams += 1
        ahead, began = deque[Any](), self.images
        for image in images:
            ahead.append(image)
            self.longest = max(self.longest, self.images - began + len(ahead))
            self.most_ahead = max(self.most_ahead, len(ahead))
            if len(ahead) > 3:
                yield from self.detect([ahead.popleft()])
        while ahead:
            yield from self.detect([ahead.popleft()])


def until(condition: Callable[[], object], what: str = "") -> None:
    """Waits for a condition; fails if it never holds."""
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up, f"never happened: {what or condition}"
        time.sleep(0.002)


def pipeline_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("rtdet-")]


@pytest.fixture
def parts() -> Iterator[SimpleNamespace]:
    _release.clear()
    yield SimpleNamespace(
        Boom=Boom,
        Trouble=Trouble,
        Source=FakeSource,
        Tracker=FakeTracker,
        Sink=FakeSink,
        Detector=TroubledDetector,
        AheadDetector=AheadDetector,
        until=until,
        threads=pipeline_threads,
        picture=picture,
        release=_release.set,
    )
    _release.set()
    until(lambda: not pipeline_threads(), "every thread of the pipeline ends")
