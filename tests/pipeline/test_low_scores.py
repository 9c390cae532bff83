"""What scores below the user's confidence goes to trackers with a use for it, and is never shown as a detection."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.pipeline import Pipeline, Policy
from rtdet.trackers.registry import TRACKERS, load_tracker_for
from rtdet.types import Detections, SourceInfo, Thresholds, Tracks
from tests.fake_detector import FakeDetector

INFO = SourceInfo("fake", 64, 48, 25.0)
TWO_STAGE = pytest.mark.parametrize("name", sorted(set(TRACKERS) & {"bytetrack", "rtdet"}))


@pytest.fixture
def two_stage(parts):
    """A tracker that shows all that it is given, and remembers what that was."""

    class Greedy(parts.Tracker):
        low = 0.1

        def __init__(self):
            super().__init__()
            self.given, self.confidences = [], []

        def set_confidence(self, confidence):
            self.confidences.append(confidence)

        def update(self, detections, t):
            self.given.append(detections.scores.tolist())
            return super().update(detections, t)

    return Greedy()


def scores_at(*rows):
    """A detector that sees so many objects in each frame, with these scores, where they were before."""
    script = []
    for row in rows:
        boxes = [[15.0 * place, 10, 15 * place + 10, 40] for place in range(len(row))]
        script.append(Detections(boxes, row, class_names=("person",)))
    return FakeDetector(script, class_names=("person",))


def run(parts, detector, tracker, count):
    sink = parts.Sink()
    pipeline = Pipeline(parts.Source(count), detector, tracker, [sink], policy=Policy.WAIT, batch_size=4)
    pipeline.start()
    assert pipeline.join()
    return sink.results


def test_a_two_stage_tracker_gets_low_scores_and_the_users_confidence(parts, two_stage):
    results = run(parts, scores_at(*[[0.9, 0.25, 0.2, 0.05]] * 6), two_stage, 6)
    assert two_stage.given == [[0.9, 0.25, 0.2]] * 6
    assert set(two_stage.confidences) == {0.25}
    assert all(result.detections.scores.tolist() == [0.9, 0.25] for result in results)


def test_other_trackers_and_none_see_what_the_user_sees(parts):
    tracker = load_tracker_for("sort", INFO)
    for results in (
        run(parts, scores_at(*[[0.9, 0.25, 0.2]] * 6), tracker, 6),
        run(parts, scores_at(*[[0.9, 0.25, 0.2]] * 6), None, 6),
    ):
        assert all(result.detections.scores.tolist() == [0.9, 0.25] for result in results)
        assert all(len(result.tracks) == 2 for result in results)


def test_a_confidence_below_low_is_what_the_tracker_gets(parts, two_stage):
    detector = scores_at(*[[0.9, 0.07, 0.02]] * 2)
    detector.thresholds = Thresholds(confidence=0.05)
    run(parts, detector, two_stage, 2)
    assert two_stage.given == [[0.9, 0.07]] * 2


@TWO_STAGE
def test_in_the_app_a_track_lives_through_low_scores_that_begin_none(parts, name):
    rows = [[0.9, 0.24]] * 5 + [[0.15, 0.24]] * 5 + [[0.9, 0.24]] * 5
    results = run(parts, scores_at(*rows), load_tracker_for(name, INFO), 15)
    assert [result.tracks.ids.tolist() for result in results] == [[1]] * 15
    assert [len(result.detections) for result in results] == [1] * 5 + [0] * 5 + [1] * 5


@TWO_STAGE
def test_a_raised_confidence_hides_at_once_what_never_scored_as_much_and_a_lowered_one_shows_it_again(
    parts, name
):
    source, sink = parts.Source(100, live=True), parts.Sink()
    detector = scores_at(*[[0.9, 0.4]] * 100)
    pipeline = Pipeline(source, detector, load_tracker_for(name, INFO), [sink], policy=Policy.WAIT)
    pipeline.start()

    def shown_after_ten_frames():
        wanted = len(sink.results) + 10
        source.feed(10)
        parts.until(lambda: len(sink.results) == wanted)
        every = {tuple(sorted(result.tracks.ids.tolist())) for result in sink.results[-9:]}
        assert len(every) == 1
        return every.pop()

    assert shown_after_ten_frames() == (1, 2)
    pipeline.set_thresholds(Thresholds(confidence=0.6))
    assert shown_after_ten_frames() == (1,)
    pipeline.set_thresholds(Thresholds(confidence=0.3))
    assert shown_after_ten_frames() == (1, 2)
    pipeline.stop()


def test_after_a_swap_the_detector_looks_for_what_the_new_tracker_has_a_use_for(parts, two_stage):
    source, sink, plain = parts.Source(10, live=True), parts.Sink(), parts.Tracker()
    detector = scores_at(*[[0.9, 0.2]] * 10)
    pipeline = Pipeline(source, detector, plain, [sink], policy=Policy.WAIT)
    pipeline.start()
    for tracker, count in ((plain, 1), (two_stage, 2), (plain, 1)):
        pipeline.swap_tracker(tracker)
        wanted = len(sink.results) + 1
        source.feed()
        parts.until(lambda wanted=wanted: len(sink.results) == wanted)
        assert len(sink.results[-1].tracks) == count
    pipeline.stop()


def test_a_tracker_and_a_confidence_that_change_during_detection_let_no_low_score_through(parts, two_stage):
    class Interrupted(FakeDetector):
        def detect(self, images):
            found = super().detect(images)
            pipeline.swap_tracker(parts.Tracker())
            pipeline.set_thresholds(Thresholds(confidence=0.3))
            return found

    sink = parts.Sink()
    found = Detections([[0, 10, 10, 40], [20, 10, 30, 40]], [0.9, 0.2], class_names=("person",))
    detector = Interrupted([found], class_names=("person",))
    pipeline = Pipeline(parts.Source(1), detector, two_stage, [sink], policy=Policy.WAIT)
    pipeline.start()
    assert pipeline.join()
    assert [result.detections.scores.tolist() for result in sink.results] == [[0.9]]
    assert [len(result.tracks) for result in sink.results] == [1]


def test_a_detector_that_is_kept_is_given_back_with_the_users_thresholds(parts, two_stage):
    detector = scores_at([0.9, 0.2])
    before = detector.thresholds
    pipeline = Pipeline(parts.Source(1), detector, two_stage, policy=Policy.WAIT, keep_detector=True)
    pipeline.start()
    assert pipeline.join()
    assert two_stage.given == [[0.9, 0.2]]
    assert detector.thresholds == before


def test_a_picture_that_stands_still_shows_tracks_that_go_on_by_low_scores(parts):
    found = Detections([[0, 10, 10, 40], [20, 10, 30, 40]], [0.9, 0.2], class_names=("person",))

    class Continuing(parts.Tracker):
        low, confidence = 0.1, 0.0

        def set_confidence(self, confidence):
            self.confidence = confidence

        def predict(self, t):
            known = Tracks(found.boxes, [7, 8], found.scores, since_update_s=np.zeros(2))
            return known if self.confidence < 0.95 else known[:0]

    source = parts.Source(10)
    detector = FakeDetector(lambda _image: found, class_names=("person",))
    pipeline = Pipeline(source, detector, Continuing(), policy=Policy.LATEST, paced=True)
    pipeline.pause()
    pipeline.start()
    pipeline.step()
    parts.until(lambda: pipeline.newest_result() is not None)
    assert pipeline.tracks_at(0.0).ids.tolist() == [7, 8]
    assert len(pipeline.newest_result().detections) == 1
    pipeline.set_thresholds(Thresholds(confidence=0.15))
    parts.until(lambda: len(pipeline.newest_result().detections) == 2)
    assert pipeline.tracks_at(0.0).ids.tolist() == [7, 8]
    pipeline.set_thresholds(Thresholds(confidence=0.95))
    parts.until(lambda: len(pipeline.tracks_at(0.0)) == 0)
    pipeline.stop()
