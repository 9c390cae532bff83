"""The tracker of a run starts over where what it knows says nothing any more; IDs go on."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.ground import SpeedMeter, scale_of
from rtdet.pipeline.found import Found
from rtdet.pipeline.shared_tracker import SharedTracker
from rtdet.trackers.registry import TRACKERS, load_tracker
from rtdet.types import Detections, Tracks

every_tracker = pytest.mark.parametrize("name", sorted(TRACKERS))
LARGE, SMALL = (640, 360), (320, 180)


def seen_at(x: float, names: tuple[str, ...] = ()) -> Found:
    detections = Detections([[x, 20, x + 40, 120]], [0.9], class_names=names)
    return Found(detections, detections, 0.25)


def ids_over(
    tracker: SharedTracker, frames: range, epoch: int = 0, size: tuple[int, int] = LARGE
) -> set[int]:
    given: set[int] = set()
    for i in frames:
        tracks = tracker.update(seen_at(100 + 2 * i), i / 25, epoch, size=size)
        given |= set(tracks.ids.tolist())
        assert set(tracker.at(i / 25, epoch, size).ids.tolist()) <= given
    return given


@every_tracker
def test_after_a_seek_another_tracker_or_another_model_ids_go_on(name: str) -> None:
    tracker = SharedTracker(load_tracker(name, fps=25.0))
    assert ids_over(tracker, range(10)) == {1}
    assert ids_over(tracker, range(3, 13), epoch=1) == {2}
    tracker.swap(load_tracker("sort", fps=25.0))
    assert ids_over(tracker, range(13, 23), epoch=1) == {3}
    tracker.swap(None)
    assert ids_over(tracker, range(23, 25), epoch=1) == {0}
    tracker.swap(load_tracker(name, fps=25.0))
    assert ids_over(tracker, range(25, 35), epoch=1) == {4}
    for i in range(35, 45):
        tracks = tracker.update(seen_at(100 + 2 * i, ("cat", "dog")), i / 25, 1)
    for i in range(45, 55):
        tracks = tracker.update(seen_at(100 + 2 * i, ("dog", "cat")), i / 25, 1)
    assert tracks.ids.tolist() == [5]


@every_tracker
def test_nothing_stays_in_the_pixels_of_another_size_of_picture(name: str) -> None:
    tracker = SharedTracker(load_tracker(name, fps=25.0))
    for i in range(30):
        tracker.update(seen_at(500), i / 25, 0, size=LARGE)
    assert len(tracker.at(30 / 25, 0, SMALL)) == 0
    for i in range(30, 60):
        tracks = tracker.update(seen_at(250), i / 25, 0, size=SMALL)
        assert np.all(tracks.boxes[:, 0] < SMALL[0])
        assert 1 not in tracks.ids
    assert tracks.ids.tolist() == [2]
    assert len(tracker.at(60 / 25, 0, LARGE)) == 0


@every_tracker
def test_key_points_are_those_of_the_newest_detection_and_move_with_the_box(name: str) -> None:
    tracker = SharedTracker(load_tracker(name, fps=25.0))
    tracks = Tracks()
    for i in range(10):
        x = 100.0 + 10 * i
        points = np.array([[[x, 20, 0.9], [x + 40, 120, 0.1 * i]]])
        detections = Detections([[x, 20, x + 40, 120]], [0.9], [0], ("person",), points)
        tracks = tracker.update(Found(detections, detections, 0.25), i / 25, 0)
    for known in (tracks, tracker.at(10 / 25, 0)):
        assert known.points is not None
        np.testing.assert_allclose(known.points[0, :, :2], known.boxes[0].reshape(2, 2), atol=1e-6)
        np.testing.assert_allclose(known.points[0, :, 2], [0.9, 0.9])
    assert tracker.at(10 / 25, 0).boxes[0, 0] > tracks.boxes[0, 0]
    nothing = Detections(class_names=("person",))
    for i in range(10, 70):
        tracks = tracker.update(Found(nothing, nothing, 0.25), i / 25, 0)
    assert tracks.points is None


def test_without_a_tracker_the_points_are_the_detections_own() -> None:
    tracker = SharedTracker(None)
    points = np.ones((1, 17, 3))
    detections = Detections([[10, 20, 50, 120]], [0.9], [0], ("person",), points)
    assert tracker.update(Found(detections, detections, 0.25), 0.0, 0).points is not None
    assert tracker.at(0.02, 0).points is not None


def test_a_meter_adds_its_values_to_all_tracks_that_are_given_out_and_forgets_them_at_a_seek() -> None:
    tracker = SharedTracker(
        load_tracker("rtdet", fps=25.0), meter=SpeedMeter(scale_of({"metres_per_pixel": 0.1}))
    )
    assert tracker.at(0.0, 0, LARGE).values["speed"].shape == (0,)
    for i in range(30):
        tracks = tracker.update(seen_at(100 + 2 * i), i / 25, 0, size=LARGE)
    assert tracks.values["speed"] == pytest.approx([5.0], abs=0.3)
    assert tracker.at(29.5 / 25, 0, LARGE).values["speed"] == pytest.approx([5.0], abs=0.3)
    assert tracker.redo(seen_at(158), 29 / 25, 0, size=LARGE).values["speed"] == pytest.approx([5.0], abs=0.3)
    for i in range(3):
        tracks = tracker.update(seen_at(100 + 2 * i), i / 25, 1, size=LARGE)
    assert np.isnan(tracks.values["speed"]).all()
