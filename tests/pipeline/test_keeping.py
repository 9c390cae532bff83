"""What a pipeline gives to whoever keeps the run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rtdet.pipeline import Pipeline, Policy
from rtdet.pipeline.keeping import LEAST_SCORE, MOST_A_FRAME, MOST_OVERLAP, chosen, kept_of, widened
from rtdet.pipeline.kept_frame import KeptFrame
from rtdet.types import Detections, Thresholds
from tests.fake_detector import FakeDetector

NAMES = ("person", "car")


class Kept:
    """Keeps in memory."""

    def __init__(self) -> None:
        self.frames: list[KeptFrame] = []
        self.is_closed = False

    def write(self, frame: KeptFrame) -> None:
        self.frames.append(frame)

    def flush(self) -> None:
        """There is nothing to do."""

    def close(self) -> None:
        self.is_closed = True


class Full(Kept):
    def write(self, frame: KeptFrame) -> None:
        raise OSError("the disk is full")


def _look(_image: object) -> Detections:
    boxes = [[0, 0, 20, 20], [1, 0, 21, 20], [30, 30, 40, 40]]
    return Detections(boxes, [0.9, 0.6, 0.06], [0, 0, 1], NAMES)


def test_every_candidate_is_kept_and_the_run_sees_those_of_its_thresholds(parts: SimpleNamespace) -> None:
    kept, sink = Kept(), parts.Sink()
    detector = FakeDetector(
        _look, class_names=NAMES, thresholds=Thresholds(0.5, classes=frozenset({"person"}))
    )
    detector.suppression = "nms"  # type: ignore[attr-defined]
    with Pipeline(parts.Source(4), detector, None, [sink], policy=Policy.WAIT, keeper=kept) as pipeline:
        pipeline.start()
        pipeline.join()
    assert [frame.number for frame in kept.frames] == [1, 2, 3, 4]
    assert [len(frame.candidates or ()) for frame in kept.frames] == [3, 3, 3, 3]
    assert [len(result.detections) for result in sink.results] == [
        1,
        1,
        1,
        1,
    ]  # NMS and classes are the run's
    assert kept.is_closed


def test_frames_that_are_dropped_are_kept_with_their_reason(parts: SimpleNamespace) -> None:
    kept = Kept()
    detector = FakeDetector(_look, class_names=NAMES, latency_s=0.05)
    with Pipeline(parts.Source(30), detector, None, policy=Policy.LATEST, keeper=kept) as pipeline:
        pipeline.start()
        pipeline.join()
        dropped = pipeline.stats().dropped
    reasons = [frame.dropped for frame in kept.frames if frame.candidates is None]
    assert sorted(frame.number for frame in kept.frames) == list(range(1, 31))
    assert len(reasons) == sum(dropped.values()) > 0
    assert set(reasons) == set(dropped)


def test_a_keeper_that_fails_ends_the_run(parts: SimpleNamespace) -> None:
    with Pipeline(parts.Source(10), FakeDetector(_look), None, policy=Policy.WAIT, keeper=Full()) as pipeline:
        pipeline.start()
        with pytest.raises(OSError, match=r"the disk is full"):
            pipeline.join()


def test_a_detector_that_stays_open_has_its_thresholds_back(parts: SimpleNamespace) -> None:
    thresholds = Thresholds(0.5, 0.4, frozenset({"person"}))
    detector = FakeDetector(_look, class_names=NAMES, thresholds=thresholds)
    with Pipeline(
        parts.Source(3), detector, None, policy=Policy.WAIT, keeper=Kept(), keep_detector=True
    ) as pipeline:
        pipeline.start()
        pipeline.join()
    assert detector.thresholds == thresholds


def test_a_detector_is_asked_for_all_that_may_be_wanted_later() -> None:
    wide = widened(Thresholds(0.25, 0.5, frozenset({"person"}), 10, low=0.1), "nms")
    assert wide == Thresholds(LEAST_SCORE, MOST_OVERLAP, frozenset(), MOST_A_FRAME)
    # Whose NMS nobody can repeat has to do it as the user wants it.
    assert widened(Thresholds(0.25, 0.5), "none").iou == 0.5
    # What the user wants even lower or more of stays so.
    assert widened(Thresholds(0.01, 0.9, max_detections=400), "nms") == Thresholds(
        0.01, 0.9, max_detections=400
    )


def test_a_source_that_says_what_it_shows_is_not_searched_for_other_things() -> None:
    expected = frozenset({"person", "car"})
    assert widened(Thresholds(classes=expected), "nms", expected).classes == expected
    assert widened(Thresholds(classes=frozenset({"person"})), "nms", expected).classes == expected
    assert widened(Thresholds(classes=frozenset({"dog"})), "nms", expected).classes == frozenset()


def test_a_hundred_candidates_are_kept_and_all_that_the_run_used() -> None:
    many = Detections([[0, 0, 1, 1]] * 300, [0.9] * 300)
    assert len(kept_of(many, many[:5])) == MOST_A_FRAME
    assert len(kept_of(many, many[:150])) == 150
    assert len(kept_of(many[:40], many[:5])) == 40


def test_what_is_chosen_of_wide_candidates_is_what_narrow_thresholds_give() -> None:
    found = _look(None)
    assert chosen(found, Thresholds(0.5, 0.5), "nms").scores.tolist() == [0.9]
    assert chosen(found, Thresholds(0.5, 0.95), "nms").scores.tolist() == [0.9, 0.6]
    assert chosen(found, Thresholds(0.5, 0.5), "none").scores.tolist() == [0.9, 0.6]
    assert chosen(found, Thresholds(0.05, 0.5, frozenset({"vehicles"})), "nms").scores.tolist() == [0.06]
    assert chosen(found, Thresholds(0.05, 0.5, max_detections=1), "nms").scores.tolist() == [0.9]
    assert len(chosen(Detections(), Thresholds(), "nms")) == 0
