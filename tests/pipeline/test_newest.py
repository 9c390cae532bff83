"""A source that does not wait hands over its newest frame when its turn at a shared detector has come."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rtdet.errors import ModelError, SourceError
from rtdet.pipeline import Pipeline, Policy, SharedDetector
from rtdet.types import Image
from tests.fake_detector import FakeDetector

_OTHERS = np.full((20, 20, 3), 255, np.uint8)


class Queue:
    """A pipeline whose frames wait for their turn: the detector, which it shares, is in a call for somebody else, and
    comes back from it once it is let go. seen: the frames of the pipeline that were looked at."""

    def __init__(self, parts: Any) -> None:
        self._parts, self.seen = parts, list[int]()
        seen = self.seen

        class Notes(parts.Detector):
            def detect(self, images):
                found = super().detect(images)
                seen.extend(int(image[0, 0, 0]) for image in images if image.shape != _OTHERS.shape)
                return found

        self.detector, self.sink = Notes(gated=True), parts.Sink()
        self.hub = SharedDetector(self.detector)
        self.client = self.hub.client("camera")
        self._other = threading.Thread(target=self.hub.client("other").detect, args=([_OTHERS],))

    def start(self, source: Any, *, is_step: bool = False, **settings: Any) -> Pipeline:
        """The first frame of the source waits for its turn; `is_step`: the run is paused on it."""
        self._other.start()
        assert self.detector.entered.acquire(timeout=20)
        self.pipeline = Pipeline(
            source, self.client, self._parts.Tracker(), [self.sink], policy=Policy.LATEST, **settings
        )
        if is_step:
            self.pipeline.step()
        self.pipeline.start()
        self.feed(1)
        self._parts.until(lambda: self.client._place.waiting)
        return self.pipeline

    def feed(self, frames: int) -> None:
        expected = self.pipeline.stats().frames_in + frames
        self.pipeline.source.feed(frames)
        self._parts.until(lambda: self.pipeline.stats().frames_in == expected)

    def let_go(self) -> None:
        self.detector.allow(1000)
        self._other.join(20)

    def close(self) -> None:
        self.let_go()
        self.pipeline.stop()
        self.hub.close()


def _fed(parts: Any) -> Any:
    class Fed(parts.Source):
        """A file whose frames come when they are fed."""

        def read(self):
            while not self.fed.acquire(timeout=0.05):
                if self.closes:
                    return None
            return super().read()

    return Fed(200)


@pytest.fixture
def queue(parts) -> Iterator[Queue]:
    made = Queue(parts)
    yield made
    made.close()


def test_what_came_while_a_frame_waited_for_its_turn_is_looked_at_in_its_place(parts, queue: Queue) -> None:
    pipeline = queue.start(parts.Source(6, live=True))
    queue.feed(5)
    queue.let_go()
    assert pipeline.join(20)
    assert queue.seen == queue.sink.indices == [5]
    assert queue.sink.results[0].tracks.boxes.tolist() == [[8, 8, 24, 40]]
    assert pipeline.stats().dropped == {"detector_busy": 5}


def test_where_frames_are_carried_those_before_the_newest_are(parts, queue: Queue) -> None:
    pipeline = queue.start(parts.Source(6, live=True), every=None)
    queue.feed(5)
    queue.let_go()
    assert pipeline.join(20)
    assert queue.seen == [5]
    assert queue.sink.indices == list(range(6))
    assert [result.is_carried for result in queue.sink.results] == [True] * 5 + [False]
    assert pipeline.stats().dropped == {}


def test_a_frame_from_before_a_jump_gives_way_to_one_from_after_it(parts, queue: Queue) -> None:
    source = _fed(parts)
    pipeline = queue.start(source)
    pipeline.seek(2.0)
    source.feed(1)  # the frame that was being read
    parts.until(lambda: source.seeks)
    source.feed(1)
    parts.until(lambda: pipeline.newest_frame().index == 50)
    queue.let_go()
    parts.until(lambda: queue.sink.indices)
    assert queue.seen == queue.sink.indices == [50]
    assert pipeline.stats().dropped == {"seek": 2}


def test_a_step_is_looked_at_whatever_comes_after_it(parts, queue: Queue) -> None:
    pipeline = queue.start(_fed(parts), is_step=True)
    pipeline.resume()
    queue.feed(1)
    queue.let_go()
    parts.until(lambda: queue.sink.indices == [0, 1])
    assert pipeline.stats().dropped == {}


class _Damaged:
    """A picture that turns out to be damaged when its colours are asked for."""

    size = (64, 48)

    def bgr(self) -> Image:
        raise SourceError("the picture is damaged")


def test_a_picture_that_cannot_be_handed_over_ends_its_own_run_alone(parts, queue: Queue) -> None:
    class Breaks(parts.Source):
        def read(self):
            frame = super().read()
            return frame and replace(frame, picture=_Damaged())

    pipeline = queue.start(Breaks(6, live=True))
    queue.let_go()
    with pytest.raises(SourceError, match="the picture is damaged"):
        pipeline.join(20)
    assert len(queue.hub.client("later").detect([_OTHERS])) == 1


def test_who_ends_while_its_frame_waits_counts_it_once(parts, queue: Queue) -> None:
    pipeline = queue.start(parts.Source(6, live=True))
    queue.feed(2)
    queue.client.close()
    with pytest.raises(ModelError, match="camera"):
        pipeline.join(20)
    queue.let_go()
    stats = pipeline.stats()
    assert stats.frames_in == 3 == sum(stats.dropped.values())


def test_eight_live_sources_of_different_rates_get_equal_shares(parts) -> None:
    class Camera(parts.Source):
        def __init__(self, number: int) -> None:
            super().__init__(10**6, live=True, after=lambda _index: time.sleep(0.003 + 0.001 * number))
            self.feed(self.count)

    detector = FakeDetector(class_names=("person",), latency_s=0.005)
    with SharedDetector(detector, batch_size=3) as hub:
        clients = [hub.client(f"camera {n}") for n in range(8)]
        runs = [Pipeline(Camera(n), clients[n], policy=Policy.LATEST) for n in range(8)]
        for run in runs:
            run.start()
        parts.until(lambda: min(client.served for client in clients) >= 30)
        served = [client.served for client in clients]
        for run in runs:
            run.stop()
        assert max(served) - min(served) <= 0.1 * np.mean(served)
        for run in runs:
            stats = run.stats()
            assert stats.frames_in == stats.processed + sum(stats.dropped.values())
            assert stats.dropped["detector_busy"] > 0
