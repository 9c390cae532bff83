"""A detector that looks at the next pictures of a file while those before are tracked."""

from __future__ import annotations

import threading
from contextlib import suppress

import numpy as np
import pytest

from rtdet.errors import ModelError
from rtdet.pipeline import Pipeline, Policy
from rtdet.pipeline.requests import Picture, Request, is_wide_enough
from rtdet.pipeline.shared_detector import SharedDetector
from rtdet.types import Detections, Thresholds


def run_of(parts, detector, frames: int = 40, sink=None, **settings) -> Pipeline:
    settings = {"policy": Policy.WAIT, "batch_size": 4} | settings
    return Pipeline(parts.Source(frames), detector, parts.Tracker(), [sink or parts.Sink()], **settings)


def indices(pipeline: Pipeline) -> list[int]:
    return [result.frame.index for result in pipeline.results()]


@pytest.mark.parametrize("every", [1, 2, 3])
def test_every_frame_comes_out_once_and_in_order(parts, every):
    detector = parts.AheadDetector()
    pipeline = run_of(parts, detector, 41, every=every)
    results = list(pipeline.results())
    assert [result.frame.index for result in results] == list(range(41))
    assert [result.is_carried for result in results] == [index % every != 0 for index in range(41)]
    assert detector.images == pipeline.stats().detected == len(range(0, 41, every))


def test_frames_that_are_carried_do_not_wait_for_the_next_answer(parts):
    detector, sink = parts.AheadDetector(gated=True), parts.Sink()
    pipeline = run_of(parts, detector, sink=sink, every=4)
    pipeline.start()
    detector.allow()
    parts.until(lambda: sink.indices == [0, 1, 2, 3], "the detector is still busy with frame 4")
    detector.allow(100)
    assert pipeline.join()
    assert sink.indices == list(range(40))


def test_it_is_given_more_while_it_looks_at_what_it_has(parts):
    detector = parts.AheadDetector(gated=True)
    pipeline = run_of(parts, detector)
    pipeline.start()
    detector.entered.acquire()
    parts.until(lambda: pipeline.stats().frames_in >= 6, "frames wait while it looks at the first")
    detector.allow(100)
    assert pipeline.join()
    assert pipeline.stats().processed == 40
    assert detector.most_ahead == 4
    assert detector.streams < 10, "else it was asked for four at a time and stood still between"


def test_what_it_found_is_handed_on_though_nothing_more_comes(parts):
    source, detector, sink = parts.Source(9, live=True), parts.AheadDetector(), parts.Sink()
    pipeline = Pipeline(source, detector, parts.Tracker(), [sink], policy=Policy.WAIT, batch_size=4)
    pipeline.start()
    for frame in range(9):
        source.feed()
        parts.until(lambda frame=frame: len(sink.indices) == frame + 1, "each before the next is there")
    assert pipeline.join()


def test_one_frame_at_a_time_is_asked_for_where_that_is_wanted(parts):
    detector = parts.AheadDetector()
    assert indices(run_of(parts, detector, batch_size=1)) == list(range(40))
    assert detector.streams == 0


def test_another_detector_takes_over_from_the_next_frame_on(parts):
    first, second = parts.AheadDetector(gated=True), parts.AheadDetector()
    second.boxes = np.array([[0.0, 0, 9, 9]])
    pipeline = run_of(parts, first)
    pipeline.start()
    first.entered.acquire()
    pipeline.swap_detector(second)
    first.allow(100)
    found = [len(result.detections.boxes) and result.detections.boxes[0, 2] for result in pipeline.results()]
    assert first.closes == 1
    assert found == [24.0] * first.images + [9.0] * second.images
    assert first.images <= 8, "what it had been given, and no more"
    assert second.images == 40 - first.images


def test_it_goes_on_streaming_after_settings_have_changed(parts):
    detector = parts.AheadDetector(gated=True)
    pipeline = run_of(parts, detector, 400)
    pipeline.start()
    detector.entered.acquire()
    pipeline.set_thresholds(Thresholds(0.4))
    for _ in range(60):  # the source is quicker
        parts.until(lambda: len(pipeline._flow.frames) == pipeline._flow.frames.capacity)
        detector.allow()
        detector.entered.acquire()
    detector.allow(1000)
    assert pipeline.join()
    assert detector.longest > 50


def test_one_that_goes_by_frames_is_asked_for_frames(parts):
    class ByFrame(parts.AheadDetector):
        def detect_frames(self, frames):
            return self.detect([frame.bgr for frame in frames])

        def carries(self, frame):
            return False

        def camera_step(self, frame):
            return None

    detector = ByFrame()
    assert indices(run_of(parts, detector)) == list(range(40))
    assert detector.streams == 0


def test_a_jump_ends_what_was_ahead(parts):
    detector = parts.AheadDetector(gated=True)
    pipeline = run_of(parts, detector)
    pipeline.start()
    detector.entered.acquire()
    pipeline.seek(1.2)
    detector.allow(100)
    seen = indices(pipeline)
    assert seen[-10:] == list(range(30, 40))
    assert set(seen[:-10]) <= set(range(8))
    assert detector.images <= 18


def test_its_error_ends_the_run_and_what_it_had_is_counted(parts):
    pipeline = run_of(parts, parts.AheadDetector(parts.Trouble("raise", 5)))
    pipeline.start()
    with pytest.raises(parts.Boom):
        pipeline.join()
    stats = pipeline.stats()
    assert stats.processed == 5
    assert stats.dropped["error"] == stats.frames_in - 5


def test_it_stops_within_what_it_was_given(parts):
    detector = parts.AheadDetector(gated=True)
    pipeline = run_of(parts, detector, frames=10**6)
    pipeline.start()
    detector.allow(20)
    parts.until(lambda: detector.images == 20)
    detector.allow(8)
    assert pipeline.stop()
    stats = pipeline.stats()
    assert stats.processed <= 28
    assert stats.processed + sum(stats.dropped.values()) == stats.frames_in


@pytest.mark.parametrize(("surplus", "said"), [(-1, "no result for 1 pictures"), (1, "more results than")])
@pytest.mark.parametrize("is_shared", [False, True])
def test_another_number_of_results_is_an_error(parts, surplus, said, is_shared):
    class Miscounting(parts.AheadDetector):
        def detect_each(self, images):
            found = list(super().detect_each(images))
            yield from found[:surplus] if surplus < 0 else [*found, found[0]]

    detector = Miscounting()
    if is_shared:
        with SharedDetector(detector) as hub:
            client = hub.client("door")
            if surplus > 0:
                client.detect([parts.picture()] * 3)
                parts.until(lambda: hub.error)
            with pytest.raises(ModelError, match=said):
                client.detect([parts.picture()] * 3)
        return
    pipeline = run_of(parts, detector)
    pipeline.start()
    with pytest.raises(ModelError, match=said):
        pipeline.join()


def test_shared_it_goes_on_with_pictures_of_whoever_waits(parts):
    detector = parts.AheadDetector(gated=True)
    with SharedDetector(detector, batch_size=4) as hub:
        runs = [run_of(parts, hub.client(name), batch_size=2) for name in ("door", "yard", "gate")]
        for run in runs:
            run.start()
        detector.entered.acquire()
        parts.until(lambda: all(run.stats().frames_in > 3 for run in runs))
        detector.allow(1000)
        for run in runs:
            assert run.join()
            assert run.stats().processed == 40
        assert detector.images == 120
        assert detector.streams < 60


def test_shared_by_a_file_and_a_camera_no_more_is_in_hand_than_a_turn(parts):
    detector = parts.AheadDetector(gated=True)
    with SharedDetector(detector, batch_size=4) as hub:
        file, camera = run_of(parts, hub.client("file"), 60), hub.client("camera")
        asking = threading.Thread(target=lambda: [camera.detect([parts.picture()]) for _ in range(20)])
        asking.start()
        file.start()
        detector.allow(1000)
        asking.join()
        assert file.join()
    assert detector.longest <= 4


def test_shared_pictures_of_a_client_that_has_left_are_not_looked_at(parts):
    detector = parts.AheadDetector(gated=True)
    with SharedDetector(detector) as hub:
        stays, leaves = hub.client("stays"), hub.client("leaves")
        first = threading.Thread(target=stays.detect, args=([parts.picture()],))
        first.start()
        detector.entered.acquire()
        second = threading.Thread(target=suppressed, args=(leaves.detect, [parts.picture()] * 5))
        second.start()
        parts.until(lambda: leaves._request is not None)
        leaves.close()
        detector.allow(100)
        for thread in (first, second):
            thread.join()
        stays.detect([parts.picture()])
    assert detector.images == 2


def suppressed(call, *arguments) -> None:
    with suppress(ModelError):
        call(*arguments)


@pytest.mark.parametrize(
    ("asked", "suppression", "is_enough"),
    [
        (Thresholds(0.2), "nms", True),
        (Thresholds(0.2), "none", True),
        (Thresholds(0.7), "nms", True),
        (Thresholds(0.7), "none", False),
        (Thresholds(0.1), "nms", False),
        (Thresholds(0.7, iou=0.7), "nms", False),
        (Thresholds(0.7, classes=frozenset({"car"})), "diou", False),
        (Thresholds(0.7, max_detections=10_000), "nms", False),
    ],
)
def test_shared_it_goes_on_where_the_thresholds_do_for_the_next_too(parts, asked, suppression, is_enough):
    with SharedDetector(parts.AheadDetector()) as hub:
        request = Request(hub.client("door"), [parts.picture()])
        assert is_wide_enough(Thresholds(0.2), [Picture(request, 0, asked)], suppression) is is_enough


def test_shared_it_begins_anew_where_other_thresholds_hold(parts):
    class Telling(parts.AheadDetector):
        def detect(self, images):
            return [
                Detections(self.boxes, np.array([self.thresholds.confidence]), class_names=self.class_names)
                for _ in images
            ]

    with SharedDetector(Telling()) as hub:
        low, high = hub.client("low", Thresholds(0.1)), hub.client("high", Thresholds(0.7))
        sinks = [parts.Sink(), parts.Sink()]
        runs = [run_of(parts, one, sink=sink) for one, sink in zip((low, high), sinks, strict=True)]
        for run in runs:
            run.start()
        assert all(run.join() for run in runs)
    assert [{float(one.detections.scores[0]) for one in sink.results} for sink in sinks] == [{0.1}, {0.7}]
