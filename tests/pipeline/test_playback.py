"""Pausing, stepping, seeking and playing at the source's own speed."""

from __future__ import annotations

import time

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.pipeline import Pipeline, Policy
from rtdet.types import Detections, Thresholds, Tracks
from tests.fake_detector import FakeDetector

BOTH = pytest.mark.parametrize("policy", list(Policy))


@pytest.fixture
def paused(parts):
    """Makes a pipeline that starts paused; stops it at the end."""
    made = []

    def make(count=20, *, detector=None, tracker=None, policy=Policy.LATEST, live=False, **settings):
        source, sink = parts.Source(count, live=live), parts.Sink()
        pipeline = Pipeline(
            source,
            detector or parts.Detector(),
            tracker,
            [sink],
            policy=policy,
            **{"paced": True, **settings},
        )
        pipeline.pause()
        pipeline.start()
        made.append(pipeline)
        return pipeline, source, sink

    yield make
    for pipeline in made:
        pipeline.stop()


def processed(pipeline, count):
    return lambda: pipeline.stats().processed == count


@BOTH
def test_a_paused_file_shows_nothing_until_asked(parts, paused, policy):
    pipeline, source, _ = paused(policy=policy)
    assert pipeline.is_paused
    assert pipeline.newest_frame() is None
    assert source.position == 0
    assert not pipeline.is_finished


@BOTH
def test_each_step_shows_and_processes_exactly_one_frame(parts, paused, policy):
    tracker = parts.Tracker()
    pipeline, source, sink = paused(policy=policy, tracker=tracker)
    for number in range(4):
        assert pipeline.step()
        parts.until(processed(pipeline, number + 1))
        parts.until(lambda number=number: len(sink.results) == number + 1)
        assert pipeline.newest_frame().index == pipeline.newest_result().frame.index == number
    assert source.position == 4
    assert tracker.updates == [0.0, 0.04, 0.08, 0.12]
    assert pipeline.stats().dropped == {}


@BOTH
def test_steps_in_quick_succession_are_all_processed(parts, paused, policy):
    pipeline, _, sink = paused(policy=policy)
    for _ in range(6):
        pipeline.step()
    parts.until(processed(pipeline, 6))
    parts.until(lambda: sink.indices == list(range(6)))


def test_a_step_while_playing_pauses(parts):
    source = parts.Source(10**6)
    with Pipeline(source, parts.Detector(), policy=Policy.WAIT) as pipeline:
        pipeline.start()
        parts.until(lambda: pipeline.stats().processed > 3)
        pipeline.step()
        assert pipeline.is_paused
        parts.until(lambda: pipeline.newest_result().frame is pipeline.newest_frame())
        pipeline.resume()
        at = pipeline.newest_frame().index
        parts.until(lambda: pipeline.newest_frame().index > at + 3)


@BOTH
def test_a_seek_while_paused_shows_and_processes_exactly_the_frame_there(parts, paused, policy):
    tracker = parts.Tracker()
    pipeline, source, sink = paused(policy=policy, tracker=tracker)
    pipeline.step()
    parts.until(processed(pipeline, 1))
    assert pipeline.seek(0.4)
    parts.until(processed(pipeline, 2))
    assert pipeline.newest_frame().index == pipeline.newest_result().frame.index == 10
    assert tracker.resets == 1
    assert pipeline.tracks_at(0.4).ids.tolist() == [3]
    parts.until(lambda: sink.indices == [0, 10])
    assert pipeline.is_paused
    assert source.position == 11


def test_after_a_seek_no_tracks_of_before_are_shown(parts, paused):
    detector = parts.Detector(gated=True)
    pipeline, _, _ = paused(detector=detector, tracker=parts.Tracker())
    detector.allow()
    pipeline.step()
    parts.until(processed(pipeline, 1))
    assert len(pipeline.tracks_at(0.0)) == 1
    pipeline.seek(0.4)
    parts.until(lambda: pipeline.newest_frame().index == 10)
    assert len(pipeline.tracks_at(0.4)) == 0
    detector.allow()
    parts.until(lambda: len(pipeline.tracks_at(0.4)) == 1)


def test_a_paused_seek_shows_detections_that_the_tracker_has_not_confirmed_yet(parts, paused):
    class Careful(parts.Tracker):
        def update(self, detections, t):
            super().update(detections, t)
            return Tracks()

        def predict(self, t):
            return Tracks()

    pipeline, _, sink = paused(tracker=Careful())
    pipeline.seek(0.4)
    parts.until(processed(pipeline, 1))
    assert pipeline.tracks_at(0.4).boxes.tolist() == [[8, 8, 24, 40]]
    assert pipeline.tracks_at(0.4).ids.tolist() == [0]
    parts.until(lambda: len(sink.results) == 1)
    assert len(sink.results[0].tracks) == 0  # what is written is the tracker's own


@BOTH
def test_of_many_seeks_the_last_one_wins(parts, paused, policy):
    detector = parts.Detector(gated=True)
    pipeline, _, _ = paused(100, policy=policy, detector=detector)
    pipeline.seek(0.4)
    detector.entered.acquire()
    for t in np.linspace(0.5, 2.0, 20):
        pipeline.seek(float(t))
    detector.allow(100)
    parts.until(lambda: pipeline.newest_result() is not None and pipeline.newest_result().frame.index == 50)
    stats = pipeline.stats()
    parts.until(
        lambda: pipeline.stats().frames_in == pipeline.stats().processed + pipeline.stats().dropped["seek"]
    )
    assert stats.processed == 1  # the frame of the first seek came too late
    assert set(stats.dropped) == {"seek"}
    assert detector.images == 2  # and the frames of those in between were never looked at


def test_a_seek_shows_its_frame_though_the_detector_still_has_the_old_one_and_many_wait(parts):
    detector, source = parts.Detector(gated=True), parts.Source(100)
    with Pipeline(source, detector, parts.Tracker(), policy=Policy.WAIT) as pipeline:
        pipeline.start()
        detector.entered.acquire()
        parts.until(lambda: source.position == 1 + pipeline._flow.frames.capacity + 1)
        pipeline.pause()
        pipeline.seek(2.0)
        parts.until(lambda: pipeline.newest_frame().index == 50)
        detector.allow(100)
        parts.until(lambda: pipeline.newest_result() is not None)
        assert pipeline.newest_result().frame.index == 50
        assert detector.images == 2  # the frames in between were never looked at


def test_a_seek_while_playing_goes_on_from_there_in_order(parts):
    source, sink, tracker = parts.Source(10**6), parts.Sink(), parts.Tracker()
    with Pipeline(source, parts.Detector(), tracker, [sink], policy=Policy.WAIT) as pipeline:
        pipeline.start()
        parts.until(lambda: len(sink.results) > 5)
        pipeline.seek(20000.0)
        parts.until(lambda: sink.results[-1].frame.index > 500_010)
    split = next(place for place, index in enumerate(sink.indices) if index >= 500_000)
    assert sink.indices[:split] == list(range(split))
    assert sink.indices[split:] == list(range(500_000, 500_000 + len(sink.indices) - split))
    assert tracker.resets == 1


def test_a_live_source_cannot_be_searched(parts, paused):
    pipeline, _, _ = paused(live=True)
    with pytest.raises(UsageError, match="cannot seek in"):
        pipeline.seek(1.0)


def test_a_paused_live_source_is_read_on_and_fresh_when_resumed(parts, paused):
    pipeline, source, sink = paused(live=True)
    source.feed(5)
    parts.until(lambda: pipeline.stats().dropped.get("paused") == 5)
    assert pipeline.newest_frame() is None
    pipeline.resume()
    source.feed()
    parts.until(lambda: len(sink.results) == 1 or pipeline.stats().dropped.get("paused") == 6)
    source.feed()
    parts.until(lambda: len(sink.results) >= 1)
    assert sink.indices[0] in (5, 6)


def test_seek_and_step_after_the_end_say_so(parts):
    pipeline = Pipeline(parts.Source(2), parts.Detector(), policy=Policy.WAIT)
    pipeline.start()
    pipeline.join()
    assert not pipeline.seek(0.0)
    assert not pipeline.step()
    pipeline.resume()


def scored(*scores):
    boxes = [[10 * row, 10, 10 * row + 8, 30] for row in range(len(scores))]
    found = Detections(boxes, scores, class_names=("person",))
    return FakeDetector(lambda _image: found, class_names=("person",))


def test_thresholds_act_at_once_on_a_paused_frame_and_the_tracker_is_not_updated_again(parts, paused):
    tracker = parts.Tracker()
    pipeline, source, sink = paused(detector=scored(0.9, 0.4), tracker=tracker)
    pipeline.step()
    parts.until(processed(pipeline, 1))
    # Outputs have threads of their own.
    parts.until(lambda: len(pipeline.tracks_at(0.0)) == 2 and sink.results)
    pipeline.set_thresholds(Thresholds(confidence=0.5))
    parts.until(lambda: len(pipeline.tracks_at(0.0)) == 1)
    parts.until(lambda: len(pipeline.newest_result().detections) == 1)
    assert pipeline.tracks_at(0.0).ids.tolist() == [1]
    pipeline.set_thresholds(Thresholds(confidence=0.1))
    parts.until(lambda: len(pipeline.tracks_at(0.0)) == 2)
    assert tracker.updates == [0.0]
    assert len(sink.results) == pipeline.stats().processed == source.position == 1


def test_a_swapped_detector_looks_at_the_paused_frame_at_once(parts, paused):
    first = scored(0.9)
    pipeline, _, _ = paused(detector=first, tracker=parts.Tracker())
    pipeline.step()
    parts.until(processed(pipeline, 1))
    pipeline.swap_detector(scored(0.9, 0.8, 0.7))
    parts.until(lambda: len(pipeline.tracks_at(0.0)) == 3)
    assert first.is_closed


def test_a_swapped_tracker_gives_the_paused_frame_its_ids_at_once(parts, paused):
    pipeline, _, _ = paused(tracker=None)
    pipeline.step()
    parts.until(processed(pipeline, 1))
    parts.until(lambda: pipeline.tracks_at(0.0).ids.tolist() == [0])
    pipeline.swap_tracker(parts.Tracker())
    parts.until(lambda: pipeline.tracks_at(0.0).ids.tolist() == [1])


@BOTH
def test_a_paced_file_takes_its_own_time(parts, policy):
    source = parts.Source(12, fps=50.0)
    pipeline = Pipeline(source, parts.Detector(), policy=policy, paced=True)
    began = time.monotonic()
    pipeline.start()
    assert pipeline.join()
    assert time.monotonic() - began >= 11 / 50
    stats = pipeline.stats()
    assert stats.frames_in == 12 == stats.processed + stats.dropped.get("detector_busy", 0)


def test_the_picture_of_a_paced_file_runs_on_while_the_detector_is_busy(parts):
    detector = parts.Detector(gated=True)
    pipeline = Pipeline(parts.Source(12, fps=100.0), detector, policy=Policy.LATEST, paced=True)
    pipeline.start()
    detector.entered.acquire()
    parts.until(lambda: pipeline.newest_frame().index == 11)
    assert pipeline.newest_result() is None
    detector.allow(2)
    assert pipeline.join()
    assert pipeline.newest_result().frame.index == 11
    assert pipeline.stats().dropped == {"detector_busy": 10}


def test_a_paced_file_waits_for_its_next_frame_only_until_something_is_asked(parts, paused):
    source = parts.Source(5, fps=1 / 3600)  # an hour between frames
    pipeline = Pipeline(source, parts.Detector(), policy=Policy.LATEST, paced=True)
    pipeline.start()
    parts.until(lambda: pipeline.newest_frame() is not None)
    parts.until(lambda: source.position == 2)
    pipeline.step()
    parts.until(lambda: pipeline.newest_frame().index == 1)
    pipeline.resume()
    parts.until(lambda: pipeline.newest_frame().index == 2)
    pipeline.seek(4 * 3600.0)
    parts.until(lambda: pipeline.newest_frame().index == 4)
    assert pipeline.join()


def test_a_file_plays_as_fast_as_it_is_told_to_also_while_it_waits_for_a_frame(parts):
    source = parts.Source(10**6, fps=0.01)
    with Pipeline(source, parts.Detector(), policy=Policy.LATEST, paced=True) as pipeline:
        pipeline.start()
        parts.until(lambda: pipeline.newest_frame() is not None)
        pipeline.set_speed(1e5)  # else the next frame would be due in a hundred seconds
        parts.until(lambda: pipeline.newest_frame().index > 50)
        for speed in (0.0, -1.0, float("nan"), float("inf")):
            with pytest.raises(UsageError, match="speed"):
                pipeline.set_speed(speed)


def test_a_frame_whose_source_cannot_say_when_it_is_is_at_the_nominal_rate(parts):
    source = parts.Source(10)
    with Pipeline(source, parts.Detector(), policy=Policy.LATEST) as pipeline:
        assert pipeline.time_of(5) == pytest.approx(0.2)
