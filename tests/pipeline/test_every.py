"""Frames that the detector does not look at: the tracker carries its tracks to them, and every output has them."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.pipeline import Pipeline, Policy
from rtdet.pipeline.camera import UNMOVED, CarriedSteps
from rtdet.pipeline.found import Found
from rtdet.pipeline.shared_tracker import SharedTracker
from rtdet.types import Detections, Tracks


@pytest.mark.parametrize("batch_size", [1, 8])
def test_of_a_file_every_second_frame_is_detected_and_all_are_written(parts, batch_size):
    sink, detector, tracker = parts.Sink(), parts.Detector(), parts.Tracker()
    pipeline = Pipeline(
        parts.Source(41), detector, tracker, [sink], policy=Policy.WAIT, batch_size=batch_size, every=2
    )
    results = list(pipeline.results())
    assert [result.frame.index for result in results] == sink.indices == list(range(41))
    assert [result.is_carried for result in results] == [False, True] * 20 + [False]
    assert detector.images == len(tracker.updates) == 21
    stats = pipeline.stats()
    assert (stats.processed, stats.detected, stats.carried) == (41, 21, 20)
    for before, carried in zip(results[::2], results[1::2], strict=False):
        assert len(carried.detections) == 0
        assert carried.detections.class_names == before.detections.class_names
        assert carried.tracks.ids.tolist() == before.tracks.ids.tolist()
        np.testing.assert_allclose(carried.tracks.boxes, before.tracks.boxes + np.array([0.4, 0, 0.4, 0]))
        assert carried.tracks.since_update_s.tolist() == pytest.approx([1 / 25])
        assert "detect" not in carried.stage_ms


def test_without_a_tracker_the_last_boxes_stay(parts):
    pipeline = Pipeline(parts.Source(5), parts.Detector(), policy=Policy.WAIT, every=3)
    since = [result.tracks.since_update_s.tolist() for result in pipeline.results()]
    assert since == [[0], pytest.approx([0.04]), pytest.approx([0.08]), [0], pytest.approx([0.04])]


def test_while_the_detector_is_busy_frames_of_a_live_source_are_carried_and_none_is_lost(parts):
    source, detector, sink = parts.Source(12, live=True), parts.Detector(gated=True), parts.Sink()
    pipeline = Pipeline(source, detector, parts.Tracker(), [sink], policy=Policy.LATEST, every=None)
    pipeline.start()
    source.feed()
    detector.entered.acquire()
    source.feed(6)
    parts.until(lambda: pipeline.stats().frames_in == 7)
    assert sink.indices == []
    detector.allow()
    parts.until(lambda: sink.indices == [0, 1, 2, 3, 4, 5], "the others need not wait for the next detection")
    detector.allow(9)
    source.feed(5)
    assert pipeline.join()
    assert sink.indices == list(range(12))
    assert pipeline.stats().dropped == {}
    assert [result.frame.index for result in sink.results if not result.is_carried][:2] == [0, 6]


def test_a_detector_that_stalls_keeps_no_more_frames_than_there_is_room_for(parts):
    source, detector, sink = parts.Source(200, live=True), parts.Detector(gated=True), parts.Sink()
    pipeline = Pipeline(source, detector, parts.Tracker(), [sink], policy=Policy.LATEST, every=2)
    pipeline.start()
    source.feed()
    detector.entered.acquire()
    source.feed(150)
    parts.until(lambda: pipeline.stats().frames_in == 151)
    assert len(pipeline._flow.frames) == pipeline._flow.frames.capacity == 12
    detector.allow(500)
    parts.until(lambda: len(sink.indices) > 1, "what was kept is seen before more comes")
    source.feed(49)
    assert pipeline.join()
    assert sink.indices[:2] == [0, 139]
    assert sink.indices == sorted(sink.indices)
    assert pipeline.stats().dropped["detector_busy"] >= 138
    assert sum(pipeline.stats().dropped.values()) + len(sink.indices) == 200


def test_a_step_of_a_paused_run_is_always_looked_at(parts):
    detector = parts.Detector()
    pipeline = Pipeline(
        parts.Source(30), detector, parts.Tracker(), policy=Policy.LATEST, paced=True, every=9
    )
    pipeline.pause()
    pipeline.start()
    for count in (1, 2, 3):
        pipeline.step()
        parts.until(lambda count=count: pipeline.stats().detected == count)
    assert pipeline.newest_result().frame.index == 2
    pipeline.stop()


def test_the_newest_result_is_the_newest_detection(parts):
    pipeline = Pipeline(parts.Source(6), parts.Detector(), parts.Tracker(), policy=Policy.WAIT, every=4)
    list(pipeline.results())
    assert pipeline.newest_result().frame.index == 4
    assert len(pipeline.newest_result().detections) == 1


def test_a_number_that_makes_no_sense_is_refused(parts):
    with pytest.raises(UsageError, match="not every 0"):
        Pipeline(parts.Source(1), parts.Detector(), policy=Policy.WAIT, every=0)


class Predicts:
    """Gives out its first track only, but predicts two."""

    def update(self, detections: Detections, t: float) -> Tracks:
        return self.predict(t)[:1]

    def predict(self, t: float) -> Tracks:
        return Tracks([[0, 0, 9, 9], [20, 0, 29, 9]], ids=[1, 2], class_names=("a",))

    def reset(self) -> None: ...


def test_only_tracks_that_were_given_out_are_carried_and_none_to_another_scene():
    shared = SharedTracker(Predicts())
    seen = Detections([[0, 0, 9, 9]], class_names=("a",))
    assert len(shared.carry(0.0, 1)) == 0
    shared.update(Found(seen, seen, 0.25), 0.0, 1, size=(64, 48))
    assert shared.carry(0.04, 1, (64, 48)).ids.tolist() == [1]
    assert len(shared.carry(0.04, 2, (64, 48))) == 0
    assert len(shared.carry(0.04, 1, (32, 24))) == 0
    assert len(SharedTracker(None, carries_over=False).carry(0.04, 0)) == 0


def test_steps_of_the_camera_to_frames_between_become_one():
    shift, zoom = np.array([[1.0, 0, 5], [0, 1, 0]]), np.array([[2.0, 0, 0], [0, 2, 0]])
    steps = CarriedSteps()
    assert steps.arrive(shift) is shift
    steps.carry(shift)
    np.testing.assert_allclose(steps.arrive(zoom), [[2, 0, 10], [0, 2, 0]])
    steps.carry(zoom)
    steps.carry(shift)
    np.testing.assert_allclose(steps.arrive(shift), [[2, 0, 10], [0, 2, 0]])
    steps.carry(None)
    assert steps.arrive(shift) is None, "one of the steps is not known"
    steps.carry(UNMOVED)
    assert steps.arrive(shift) is shift, "the step goes beyond the frame between"
    assert steps.arrive(None) is None


def test_boxes_as_detected_stay_where_they_were_found_with_the_ids_of_their_tracks(parts):
    source = parts.Source(20, live=True)
    pipeline = Pipeline(source, parts.Detector(), parts.Tracker(), policy=Policy.LATEST, every=9)
    assert len(pipeline.detected_tracks()) == 0
    pipeline.start()
    source.feed()
    parts.until(lambda: pipeline.stats().processed == 1)
    source.feed(3)
    parts.until(lambda: pipeline.stats().processed == 4)
    assert pipeline.newest_frame().index == 3
    shown = pipeline.detected_tracks()
    assert shown.boxes.tolist() == [[8, 8, 24, 40]]
    assert shown.ids.tolist() == [1]
    assert pipeline.tracks_at(3 / 25).boxes == pytest.approx(np.array([[9.2, 8, 25.2, 40]]))
    pipeline.stop()


def test_while_the_detector_stalls_the_picture_goes_on_and_its_boxes_say_how_old_they_are(parts):
    source, detector = parts.Source(500, live=True), parts.Detector(gated=True)
    pipeline = Pipeline(
        source, detector, parts.Tracker(), policy=Policy.LATEST, every=None, max_latency_ms=50.0
    )
    pipeline.start()
    source.feed()
    detector.allow()
    parts.until(lambda: pipeline.stats().processed == 1)
    ages = []
    for count in range(2, 92):  # three seconds of a stall
        source.feed()
        parts.until(lambda count=count: pipeline.stats().frames_in == count)
        frame = pipeline.newest_frame()
        assert frame.index == count - 1
        assert len(pipeline.tracks_at(frame.t)) == 1
        pipeline.note_shown(frame, 1.0)
        live = pipeline.stats().live
        ages.append(live.boxes_age_ms - live.shown_age_ms)
    assert ages == pytest.approx([40 * n for n in range(1, 91)])
    assert len(pipeline._flow.frames) == pipeline._flow.frames.capacity
    assert len(pipeline._flow.detected) <= pipeline._flow.detected.capacity
    detector.allow(500)
    parts.until(lambda: pipeline.stats().processed + sum(pipeline.stats().dropped.values()) == 91)
    pipeline.note_shown(pipeline.newest_frame(), 1.0)
    source.feed()
    parts.until(lambda: pipeline.newest_frame().index == 91)
    pipeline.tracks_at(pipeline.newest_frame().t)
    pipeline.note_shown(pipeline.newest_frame(), 1.0)
    live = pipeline.stats().live
    assert live.boxes_age_ms - live.shown_age_ms < 100, "the boxes are by the newest frames again"
    pipeline.stop()
