"""The pieces of the pipeline, each alone."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtdet.pipeline.buffers import Buffer, Policy
from rtdet.pipeline.clock import MAX_LATE_S, PlaybackClock
from rtdet.pipeline.found import with_ids
from rtdet.pipeline.measures import Histogram, Meter, StageTimes
from rtdet.pipeline.sanitize import sanitize
from rtdet.pipeline.stats import Behind, StatsCollector
from rtdet.types import Detections, Frame, Tracks


class Drops(list):
    def __call__(self, items, reason):
        self.append((list(items), reason))


def test_a_buffer_that_waits_gives_every_item_in_order_to_a_slow_consumer():
    buffer = Buffer(2)
    producer = threading.Thread(target=lambda: [buffer.put(n) for n in range(200)] and buffer.end())
    producer.start()
    taken = []
    while (items := buffer.take(3)) is not None:
        assert len(items) <= 2
        taken += items
    producer.join()
    assert taken == list(range(200))


def test_a_buffer_of_the_latest_keeps_the_freshest_and_counts_the_others():
    drops = Drops()
    buffer = Buffer(1, Policy.LATEST, drops, lambda: "detector_busy")
    for number in range(4):
        assert buffer.put(number)
    assert buffer.take() == [3]
    assert drops == [([0], "detector_busy"), ([1], "detector_busy"), ([2], "detector_busy")]


def test_what_is_in_a_buffer_at_its_end_can_still_be_taken():
    drops = Drops()
    buffer = Buffer(3, on_drop=drops)
    buffer.put(1)
    buffer.end("stop")
    assert not buffer.put(2)
    assert buffer.take() == [1]
    assert buffer.take() is None
    assert buffer.take() is None
    assert drops == [([2], "stop")]


def test_an_aborted_buffer_frees_a_waiting_producer_and_drops_what_it_holds():
    drops = Drops()
    buffer = Buffer(1, on_drop=drops)
    buffer.put(1)
    answers = []
    producer = threading.Thread(target=lambda: answers.append(buffer.put(2)))
    producer.start()
    buffer.abort("error")
    producer.join()
    assert answers == [False]
    assert sorted(drops) == [([1], "error"), ([2], "error")]
    assert buffer.take() is None


def test_a_nudge_wakes_a_consumer_once_and_loses_nothing():
    buffer = Buffer(2)
    buffer.nudge()
    buffer.put(1)
    assert buffer.take() == [1]
    assert buffer.take() == []
    buffer.put(2)
    assert buffer.take() == [2]


def test_an_offer_never_waits():
    drops = Drops()
    buffer = Buffer(1, on_drop=drops)
    assert buffer.offer(1)
    assert not buffer.offer(2)
    assert drops == [([2], "busy")]


def test_playback_does_not_drift_and_catches_up_small_delays():
    clock = PlaybackClock()
    assert clock.due(5.0, 100.0) == 100.0
    assert clock.due(5.04, 100.01) == pytest.approx(100.04)
    assert clock.due(5.08, 100.2) == pytest.approx(100.08)  # late, but within reach
    assert clock.due(65.0, 100.3) == pytest.approx(160.0)


def test_playback_that_is_far_behind_goes_on_at_normal_speed_and_does_not_race():
    clock = PlaybackClock()
    clock.due(0.0, 100.0)
    late = 100.04 + MAX_LATE_S + 1
    assert clock.due(0.04, late) == late
    assert clock.due(0.08, late + 0.01) == pytest.approx(late + 0.04)


def test_after_a_pause_or_a_jump_back_the_next_frame_is_due_at_once():
    clock = PlaybackClock()
    clock.due(10.0, 100.0)
    clock.reset()
    assert clock.due(10.04, 200.0) == 200.0
    assert clock.due(3.0, 200.1) == 200.1


@given(st.lists(st.floats(0.002, 1e6), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 1.0]))
def test_percentiles_are_right_within_half_a_per_cent(values, fraction):
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[int(np.ceil(fraction * len(values))) - 1]
    assert histogram.percentile(fraction) == pytest.approx(exact, rel=0.0051)


def test_the_memory_of_times_does_not_grow_with_the_run():
    histogram, meter = Histogram(), Meter()
    for value in np.random.default_rng(0).lognormal(2, 3, 20_000):
        histogram.add(value)
        meter.tick(value)
    assert len(histogram._counts) < 2800
    assert len(meter._recent) <= 256


def test_rates_are_of_the_whole_run_and_of_the_last_seconds():
    meter = Meter()
    for number in range(11):
        meter.tick(100 + number * 0.1)
    assert meter.rate() == pytest.approx(10)
    assert meter.recent_rate(101.0) == pytest.approx(10)
    assert meter.recent_rate(200.0) == 0
    assert Meter().rate() == Meter().recent_rate(1.0) == 0


def test_painting_a_frame_twice_counts_once():
    stats = StatsCollector()
    frames = [Frame(np.zeros((2, 2, 3), np.uint8), index / 25, index) for index in range(2)]
    for frame in [frames[0], frames[0], frames[1], frames[1]]:
        stats.released(frame, 1.0)
        stats.shown(frame)
    assert stats.snapshot().shown == 2


def test_the_age_of_boxes_is_that_of_the_detection_behind_them_by_the_clock_of_the_source():
    stats = StatsCollector()
    frames = [Frame(np.zeros((2, 2, 3), np.uint8), index / 25, index) for index in range(10)]
    for frame, behind in zip(frames[4:], [Behind(0.0), Behind(0.0, speed=2.0), None], strict=False):
        stats.released(frame, time.monotonic())
        stats.shown(frame, paint_ms=3.0, behind=behind)
        live = stats.snapshot().live
        if behind is None:
            assert live.boxes_age_ms is None
        else:
            assert live.boxes_age_ms == live.shown_age_ms + frame.t / behind.speed * 1e3
    assert stats.snapshot(percentiles=False).stages_ms == {}
    stages = stats.snapshot().stages_ms
    assert stages["paint"]["p99"] == pytest.approx(3.0, rel=0.0051)
    assert stages["boxes_age"]["p99"] >= stages["boxes_age"]["p50"] > stages["picture_age"]["p50"]


def test_recent_times_are_those_of_the_last_moments():
    times = StageTimes()
    assert times.recent() == {}
    for ms in [500.0] * 200 + [2.0] * 55 + [7.0] * 5:
        times.add(ms)
    assert times.recent() == {"p50": 2.0, "p95": 7.0}
    assert times.whole.percentile(0.5) == pytest.approx(500, rel=0.0051)


BOXES = st.lists(
    st.tuples(*[st.floats(-1e4, 1e4, width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 64.0])] * 4),
    max_size=8,
)


@given(BOXES, st.integers(1, 4000), st.integers(1, 4000))
def test_only_boxes_with_area_inside_the_picture_pass(boxes, width, height):
    detections = Detections(np.array(boxes).reshape(-1, 4), class_names=("thing",))
    checked, invalid = sanitize(detections, (width, height))
    assert len(checked) + invalid == len(boxes)
    left, top, right, bottom = checked.boxes.T
    assert ((left >= 0) & (top >= 0) & (right <= width) & (bottom <= height)).all()
    assert ((left < right) & (top < bottom)).all()
    assert checked.class_names == ("thing",)


def test_sound_detections_pass_with_the_values_that_they_have():
    detections = Detections([[0, 0.7, 63.999, 48]], [0.3], [2], ("a", "b", "c"))
    sound, invalid = sanitize(detections, (64, 48))
    np.testing.assert_array_equal(sound.boxes, detections.boxes)
    np.testing.assert_array_equal(sound.scores, detections.scores)
    np.testing.assert_array_equal(sound.labels, detections.labels)
    assert (sound.class_names, invalid) == (("a", "b", "c"), 0)


def test_boxes_are_counted_in_thousandths_of_a_pixel_and_scores_in_millionths():
    detections = Detections([[1.00049, 2.00051, 30, 40]], [0.25000049], points=[[[5.12345, 6, 0.12345678]]])
    sound, _ = sanitize(detections, (64, 48))
    assert sound.boxes.tolist() == [[1.0, 2.001, 30.0, 40.0]]
    assert sound.scores.tolist() == [0.25]
    assert sound.points.tolist() == [[[5.123, 6.0, 0.123457]]]
    assert sanitize(Detections(), (64, 48))[0].boxes.shape == (0, 4)


def test_scores_are_made_real():
    detections = Detections([[0, 0, 9, 9]] * 3, [np.nan, 1.0001, -0.5])
    checked, invalid = sanitize(detections, (64, 48))
    assert checked.scores.tolist() == [1.0, 0.0]
    assert invalid == 1


def test_detections_get_the_id_of_the_track_of_their_class_that_they_cover_best():
    detections = Detections(
        [[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60], [100, 0, 110, 10]],
        [0.9, 0.8, 0.7, 0.6],
        [0, 0, 0, 1],
    )
    tracks = Tracks([[1, 0, 11, 10], [2, 0, 12, 10], [100, 0, 110, 10]], ids=[7, 8, 9], labels=[0, 0, 0])
    assert with_ids(detections, tracks).ids.tolist() == [7, 8, 0, 0]
    assert with_ids(Detections(), tracks).boxes.shape == (0, 4)
    assert with_ids(detections, Tracks()).ids.tolist() == [0, 0, 0, 0]
