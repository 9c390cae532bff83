"""What a run does when all goes well."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.pipeline import Pipeline, Policy
from rtdet.trackers.registry import TRACKERS, load_tracker
from rtdet.types import Detections, Thresholds
from tests.fake_detector import FakeDetector


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_every_frame_of_a_file_is_processed_and_written_in_order(parts, batch_size):
    sinks = [parts.Sink(), parts.Sink()]
    tracker, detector = parts.Tracker(), parts.Detector()
    pipeline = Pipeline(parts.Source(50), detector, tracker, sinks, policy=Policy.WAIT, batch_size=batch_size)
    pipeline.start()
    assert pipeline.join()
    assert sinks[0].indices == sinks[1].indices == list(range(50))
    assert tracker.updates == [index / 25 for index in range(50)]
    assert pipeline.stats().processed == pipeline.stats().frames_in == 50
    assert pipeline.stats().dropped == {}
    assert detector.closes == 1
    assert sinks[0].results[0] is sinks[1].results[0]


def test_the_detector_gets_what_has_come_in_and_never_waits_for_a_full_batch(parts):
    detector = parts.Detector(gated=True)
    source = parts.Source(20, live=True)
    pipeline = Pipeline(source, detector, policy=Policy.WAIT, batch_size=4)
    pipeline.start()
    source.feed()
    detector.entered.acquire()
    source.feed(6)
    parts.until(lambda: source.position == 7)
    parts.until(lambda: len(pipeline._flow.frames) == 6)
    detector.allow()
    detector.entered.acquire()
    assert detector.images == 1
    detector.allow()
    parts.until(lambda: detector.images == 5)
    pipeline.stop()


def test_a_slow_detector_holds_up_a_file_so_that_memory_stays_bounded(parts):
    detector = parts.Detector(gated=True)
    source = parts.Source(1000)
    with Pipeline(source, detector, policy=Policy.WAIT, batch_size=2) as pipeline:
        pipeline.start()
        detector.entered.acquire()
        parts.until(lambda: len(pipeline._flow.frames) == pipeline._flow.frames.capacity)
        assert source.position < 12
        threading.Timer(0.05, detector.allow, [1000]).start()


def test_of_a_live_source_the_detector_gets_the_freshest_frame_and_drops_are_counted(parts):
    detector, tracker, sink = parts.Detector(gated=True), parts.Tracker(), parts.Sink()
    source = parts.Source(10, live=True)
    pipeline = Pipeline(source, detector, tracker, [sink], policy=Policy.LATEST)
    pipeline.start()
    source.feed()
    detector.entered.acquire()
    source.feed(6)
    parts.until(lambda: pipeline.newest_frame() is not None and pipeline.newest_frame().index == 6)
    parts.until(lambda: sum(pipeline.stats().dropped.values()) == 5)
    detector.allow(2)
    parts.until(lambda: sink.indices == [0, 6])
    assert pipeline.stats().dropped == {"detector_busy": 5}
    assert pipeline.stop()
    assert pipeline.join()
    assert pipeline.stats().frames_in == 7


def test_a_slow_output_of_a_live_run_is_named_as_the_reason_of_drops(parts):
    sink = parts.Sink(parts.Trouble("deaf", 0))
    source = parts.Source(60, live=True)
    pipeline = Pipeline(source, parts.Detector(), None, [sink], policy=Policy.LATEST)
    pipeline.start()
    for count in range(60):
        source.feed()
        parts.until(lambda count=count: pipeline.stats().frames_in > count)
        parts.until(lambda: pipeline._flow.detector_waits or not len(pipeline._flow.frames))
    assert pipeline.stats().dropped["output_busy"] > 0
    parts.release()
    pipeline.stop()


@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_run_ends_after_so_many_frames(parts, batch_size):
    source, sink = parts.Source(50), parts.Sink()
    pipeline = Pipeline(
        source, parts.Detector(), None, [sink], policy=Policy.WAIT, batch_size=batch_size, max_frames=7
    )
    pipeline.start()
    assert pipeline.join()
    assert sink.indices == list(range(7))
    assert source.position == pipeline.stats().frames_in == 7


def test_a_run_ends_after_so_many_seconds_of_the_source(parts):
    source, sink = parts.Source(50), parts.Sink()
    source.seek(0.4)  # the first frame is at 0.4 s
    pipeline = Pipeline(source, parts.Detector(), None, [sink], policy=Policy.WAIT, duration_s=0.2)
    pipeline.start()
    assert pipeline.join()
    assert sink.indices == [10, 11, 12, 13, 14]
    assert pipeline.stats().frames_in == 5
    assert pipeline.stats().dropped == {}


def test_without_a_tracker_the_tracks_are_the_detections_with_id_0(parts):
    sink = parts.Sink()
    pipeline = Pipeline(parts.Source(3), parts.Detector(), None, [sink], policy=Policy.WAIT)
    pipeline.start()
    pipeline.join()
    tracks = sink.results[0].tracks
    assert tracks.boxes.tolist() == [[8, 8, 24, 40]]
    assert tracks.ids.tolist() == [0]
    assert tracks.name_of(0) == "person"
    held = pipeline.tracks_at(2 / 25 + 0.5)
    assert held.boxes.tolist() == [[8, 8, 24, 40]]
    assert held.since_update_s.tolist() == pytest.approx([0.5])


def test_boxes_that_are_none_are_dropped_counted_and_said_once(parts, caplog):
    bad = Detections(
        [
            [1, 1, 9, 9],
            [np.nan, 0, 5, 5],
            [9, 9, 1, 1],
            [5, 5, 5, 9],
            [900, 900, 950, 950],
            [-5, -5, 500, 20],
        ],
        scores=[0.9, 0.9, 0.9, 0.9, 0.9, 0.5],
        class_names=("thing",),
    )
    sink = parts.Sink()
    detector = FakeDetector(lambda _image: bad, raw=True)
    pipeline = Pipeline(parts.Source(4), detector, parts.Tracker(), [sink], policy=Policy.WAIT)
    pipeline.start()
    pipeline.join()
    assert sink.results[0].detections.boxes.tolist() == [[1, 1, 9, 9], [0, 0, 64, 20]]
    assert sink.results[0].detections.scores.tolist() == [0.9, 0.5]
    assert pipeline.stats().invalid_boxes == 16
    warnings = [
        record.message for record in caplog.records if "FakeDetector returns invalid boxes" in record.message
    ]
    assert len(warnings) == 1


@pytest.mark.skipif(not TRACKERS, reason="no tracker is registered")
@pytest.mark.parametrize("name", sorted(TRACKERS))
def test_a_real_tracker_survives_whatever_a_detector_says(parts, name):
    random = np.random.default_rng(0)
    script = []
    for _ in range(60):
        boxes = random.normal(30, 40, (random.integers(0, 6), 4))
        boxes[random.random(boxes.shape) < 0.1] = np.nan
        boxes[random.random(boxes.shape) < 0.05] = np.inf
        script.append(Detections(boxes, random.random(len(boxes)), class_names=("thing",)))
    sink = parts.Sink()
    detector = FakeDetector(script, raw=True)
    pipeline = Pipeline(parts.Source(60), detector, load_tracker(name), [sink], policy=Policy.WAIT)
    pipeline.start()
    assert pipeline.join()
    assert all(np.isfinite(result.tracks.boxes).all() for result in sink.results)


def test_a_sink_can_come_and_go_while_frames_flow(parts):
    source = parts.Source(30, live=True)
    stays, sink = parts.Sink(), parts.Sink()
    with Pipeline(source, parts.Detector(), None, [stays], policy=Policy.WAIT) as pipeline:
        pipeline.start()
        source.feed(5)
        parts.until(lambda: len(stays.results) == 5)
        pipeline.add_sink(sink)
        source.feed(5)
        parts.until(lambda: len(sink.results) == 5)
        assert pipeline.remove_sink(sink)
        assert sink.closes == 1
        assert pipeline.remove_sink(sink)
        source.feed(5)
        parts.until(lambda: pipeline.stats().processed == 15)
    assert sink.indices == [5, 6, 7, 8, 9]
    assert sink.closes == 1


def test_a_sink_that_comes_after_the_end_is_closed_and_refused(parts):
    pipeline = Pipeline(parts.Source(2), parts.Detector(), None, policy=Policy.WAIT)
    pipeline.start()
    pipeline.join()
    sink = parts.Sink()
    with pytest.raises(UsageError, match="the run has ended"):
        pipeline.add_sink(sink)
    assert sink.closes == 1


def test_sinks_of_what_is_shown_get_every_captured_frame_with_predicted_tracks(parts):
    detector, sink = parts.Detector(gated=True), parts.Sink()
    source = parts.Source(10, live=True)
    pipeline = Pipeline(source, detector, parts.Tracker(), [sink], policy=Policy.LATEST, sink_shown=True)
    pipeline.start()
    source.feed()
    detector.entered.acquire()
    detector.allow()
    parts.until(lambda: pipeline.newest_result() is not None)
    source.feed(9)  # while the detector is busy with the second frame
    assert pipeline.join(0.1) is False
    parts.until(lambda: sink.indices == list(range(10)))
    assert len(sink.results[0].tracks) == 0
    # 10 px a second to the right of where frame 0 had it
    assert sink.results[5].tracks.boxes[0, 0] == pytest.approx(8 + 10 * 5 / 25)
    assert sink.results[5].detections.boxes.tolist() == [[8, 8, 24, 40]]
    detector.allow(10)
    assert pipeline.join()


def test_a_recording_that_cannot_keep_up_never_slows_the_picture_and_its_misses_are_counted(parts):
    sink = parts.Sink(parts.Trouble("deaf", 0))
    source = parts.Source(40, live=True)
    pipeline = Pipeline(source, parts.Detector(), None, [sink], policy=Policy.LATEST, sink_shown=True)
    pipeline.start()
    source.feed()
    assert sink.trouble.struck.wait(30)
    source.feed(39)
    parts.until(lambda: pipeline.newest_frame().index == 39)
    parts.until(lambda: pipeline.stats().unwritten == 40 - 1 - 16)
    parts.release()
    assert pipeline.join()
    assert sink.indices == list(range(17))


def test_results_come_in_order_and_a_slow_loop_holds_up_the_file(parts):
    source = parts.Source(60)
    pipeline = Pipeline(source, parts.Detector(), parts.Tracker(), policy=Policy.WAIT)
    results = pipeline.results()
    first = next(results)
    parts.until(lambda: len(pipeline._flow.frames) == pipeline._flow.frames.capacity)
    assert source.position < 30
    indices = [first.frame.index, *(result.frame.index for result in results)]
    assert indices == list(range(60))
    assert next(results, None) is None
    assert set(first.stage_ms) == {"capture", "queue", "detect", "track"}


def test_after_a_stop_the_results_so_far_can_still_be_taken(parts):
    pipeline = Pipeline(parts.Source(10**6), parts.Detector(), policy=Policy.WAIT)
    results = pipeline.results()
    next(results)
    assert pipeline.stop()
    rest = [result.frame.index for result in results]
    assert rest == list(range(1, 1 + len(rest)))


def test_results_of_a_run_that_is_over_are_none(parts):
    pipeline = Pipeline(parts.Source(2), parts.Detector(), policy=Policy.WAIT)
    pipeline.start()
    pipeline.join()
    assert list(pipeline.results()) == []


def test_the_detector_is_swapped_between_frames_and_the_old_one_closed(parts):
    first, second = parts.Detector(), parts.Detector()
    source, sink = parts.Source(10, live=True), parts.Sink()
    pipeline = Pipeline(source, first, None, [sink], policy=Policy.WAIT)
    pipeline.start()
    source.feed(3)
    parts.until(lambda: len(sink.results) == 3)
    second.boxes = np.array([[1.0, 1, 2, 2]])
    pipeline.swap_detector(second)
    parts.until(lambda: first.closes == 1)
    source.feed(7)
    assert pipeline.join()
    assert first.images == 3
    assert second.images == 7
    assert second.closes == 1
    assert sink.indices == list(range(10))


def test_a_detector_with_other_classes_makes_the_tracker_start_over(parts):
    tracker = parts.Tracker()
    source = parts.Source(10, live=True)
    pipeline = Pipeline(source, parts.Detector(), tracker, policy=Policy.WAIT)
    pipeline.start()
    source.feed(3)
    parts.until(lambda: len(tracker.updates) == 3)
    other = parts.Detector()
    other.class_names = ("dog",)
    pipeline.swap_detector(other)
    source.feed(3)
    parts.until(lambda: len(tracker.updates) == 6)
    assert tracker.resets == 1
    pipeline.stop()


def test_a_detector_that_never_got_its_turn_is_closed_too(parts):
    used, unused, late = parts.Detector(gated=True), parts.Detector(), parts.Detector()
    pipeline = Pipeline(parts.Source(5), used, None, policy=Policy.WAIT)
    pipeline.start()
    used.entered.acquire()
    pipeline.swap_detector(unused)
    threading.Timer(0.05, used.allow).start()
    pipeline.stop()
    pipeline.swap_detector(late)
    assert (used.closes, unused.closes, late.closes) == (1, 1, 1)


def test_a_detector_can_be_kept_for_the_next_run(parts):
    detector = parts.Detector()
    for _ in range(2):
        pipeline = Pipeline(parts.Source(5), detector, None, policy=Policy.WAIT, keep_detector=True)
        pipeline.start()
        pipeline.join()
    assert detector.images == 10
    assert detector.closes == 0


def test_thresholds_hold_from_the_next_frame(parts):
    source, sink = parts.Source(4, live=True), parts.Sink()
    found = Detections([[0, 0, 9, 9], [20, 20, 30, 30]], [0.9, 0.4], [0, 1], ("person", "car"))
    detector = FakeDetector(lambda _image: found, class_names=("person", "car"))
    pipeline = Pipeline(source, detector, None, [sink], policy=Policy.WAIT)
    pipeline.start()
    source.feed()
    parts.until(lambda: len(sink.results) == 1)
    pipeline.set_thresholds(Thresholds(confidence=0.5))
    source.feed()
    parts.until(lambda: len(sink.results) == 2)
    pipeline.set_thresholds(Thresholds(confidence=0.1, classes=frozenset({"car"})))
    source.feed(2)
    assert pipeline.join()
    assert [result.detections.labels.tolist() for result in sink.results] == [[0, 1], [0], [1], [1]]


def test_the_tracker_is_swapped_between_frames(parts):
    first, second = parts.Tracker(), parts.Tracker()
    source, sink = parts.Source(6, live=True), parts.Sink()
    pipeline = Pipeline(source, parts.Detector(), first, [sink], policy=Policy.WAIT)
    pipeline.start()
    source.feed(2)
    parts.until(lambda: len(sink.results) == 2)
    pipeline.swap_tracker(second)
    source.feed(2)
    parts.until(lambda: len(sink.results) == 4)
    pipeline.swap_tracker(None)
    source.feed(2)
    assert pipeline.join()
    assert [result.tracks.ids.tolist() for result in sink.results] == [[1], [2], [3], [4], [0], [0]]
    assert pipeline.tracks_at(9.0).ids.tolist() == [0]


def test_start_twice_is_one_run_and_join_wants_a_start(parts):
    pipeline = Pipeline(parts.Source(5), parts.Detector(), policy=Policy.WAIT)
    with pytest.raises(RuntimeError, match="never started"):
        pipeline.join()
    pipeline.start()
    pipeline.start()
    assert pipeline.join()


def test_the_stats_of_a_run_say_what_the_command_line_promises(parts):
    pipeline = Pipeline(
        parts.Source(20), parts.Detector(), parts.Tracker(), [parts.Sink()], policy=Policy.WAIT
    )
    pipeline.start()
    pipeline.join()
    for _ in range(2):
        pipeline.note_shown(pipeline.newest_frame())
    stats = json.loads(json.dumps(pipeline.stats().as_dict()))
    counts = {
        "in": 20,
        "processed": 20,
        "detected": 20,
        "carried": 0,
        "shown": 1,
        "dropped": {},
        "unwritten": 0,
    }
    assert stats["frames"] == counts
    assert stats["fps"]["capture"] > 0
    assert stats["fps"]["inference"] > 0
    assert stats["fps"]["display"] == 0
    assert list(stats["stages_ms"]) == ["capture", "queue", "track", "output", "detect", "age", "picture_age"]
    assert all(set(times) == {"p50", "p95", "p99"} for times in stats["stages_ms"].values())
    assert stats["elapsed_s"] == json.loads(json.dumps(pipeline.stats().as_dict()))["elapsed_s"] > 0
    assert pipeline.stats().live.shown_age_ms > 0


def test_the_parts_of_a_detector_are_stages_and_their_sum_is_its_time(parts):
    detector = parts.Detector()
    detector.last_ms = {"preprocess": 1.0, "infer": 5.0, "suppress": 2.0}
    pipeline = Pipeline(parts.Source(9), detector, parts.Tracker(), policy=Policy.WAIT)
    results = list(pipeline.results())
    assert results[0].stage_ms["infer"] == 5.0
    assert results[0].stage_ms["detect"] == 8.0
    stages = pipeline.stats().stages_ms
    assert list(stages)[:6] == ["capture", "queue", "preprocess", "infer", "suppress", "track"]
    assert stages["suppress"]["p95"] == pytest.approx(2.0, rel=0.0051)
    assert stages["detect"]["p50"] == pytest.approx(8.0, rel=0.0051)


def test_what_a_window_painted_has_the_age_of_the_detection_behind_its_boxes(parts):
    source, detector = parts.Source(10, live=True), parts.Detector(gated=True)
    pipeline = Pipeline(source, detector, parts.Tracker(), policy=Policy.LATEST)
    pipeline.start()
    source.feed()
    detector.allow()
    parts.until(lambda: pipeline.stats().processed == 1)
    source.feed(5)  # the detector is busy with the second
    parts.until(lambda: pipeline.newest_frame().index == 5)
    frame = pipeline.newest_frame()
    pipeline.tracks_at(frame.t)
    pipeline.note_shown(frame, 4.0)
    live = pipeline.stats().live
    assert live.boxes_age_ms == pytest.approx(live.shown_age_ms + 5 / 25 * 1e3)
    assert set(pipeline.stats().stages_ms) >= {"paint", "picture_age", "boxes_age"}
    pipeline.stop()


def test_frames_that_a_live_source_lost_while_nobody_came_are_counted(parts):
    source = parts.Source(20, live=True)
    pipeline = Pipeline(source, parts.Detector(), policy=Policy.WAIT)

    def lose_three(index):
        if index == 4:
            source.position += 3

    source.after = lose_three
    source.feed(20)
    pipeline.start()
    assert pipeline.join()
    stats = pipeline.stats()
    assert (stats.frames_in, stats.processed, stats.dropped) == (20, 17, {"capture_busy": 3})


@pytest.mark.parametrize("keep", [True, False])
def test_a_swap_that_comes_too_late_leaves_open_only_the_detector_that_is_kept(parts, keep):
    first, second, third = (FakeDetector(lambda image: Detections()) for _ in range(3))
    pipeline = Pipeline(parts.Source(5), first, None, policy=Policy.WAIT, keep_detector=keep)
    pipeline.swap_detector(second)
    pipeline.stop()
    pipeline.swap_detector(third)
    assert first.is_closed
    assert second.is_closed
    assert third.is_closed is not keep


@pytest.mark.parametrize("takes", [False, True])
def test_a_detector_gets_pictures_as_the_source_gave_them_if_it_takes_them(parts, takes):
    class Given:
        size = (40, 48)

        def bgr(self):
            return np.zeros((48, 40, 3), np.uint8)

    class GivingSource(parts.Source):
        def read(self):
            frame = super().read()
            return frame and replace(frame, picture=Given())

    class Noting(parts.Detector):
        takes_pictures = takes
        got = ()

        def detect(self, images):
            self.got = {*self.got, *(type(image) for image in images)}
            return super().detect(images)

    detector = Noting()
    with Pipeline(GivingSource(4), detector, parts.Tracker(), policy=Policy.WAIT) as pipeline:
        pipeline.start()
        assert pipeline.join()
    assert detector.got == {Given if takes else np.ndarray}
