"""What every tracker promises, whatever its method; one suite over the registry, with default settings."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.errors import UnknownNameError, UsageError
from rtdet.protocols import CompensatingTracker, Tracker, TwoStageTracker
from rtdet.trackers.registry import TRACKERS, load_tracker, load_tracker_for, tracker_settings
from rtdet.types import Detections, SourceInfo

FPS = 25.0


@pytest.fixture(params=sorted(TRACKERS))
def name(request):
    return request.param


@pytest.fixture
def tracker(name):
    return load_tracker(name)


def person(x, y=100.0, width=40.0, height=100.0):
    return (x, y, x + width, y + height)


def seen(*boxes, **columns):
    columns.setdefault("scores", np.full(len(boxes), 0.9))
    return Detections(np.array(boxes, dtype=float).reshape(-1, 4), **columns)


def run(tracker, frames, start=0):
    return [tracker.update(detections, i / FPS) for i, detections in enumerate(frames, start=start)]


def ids_near(tracks, x):
    return [int(i) for i, box in zip(tracks.ids, tracks.boxes, strict=True) if abs(box[0] - x) < 15]


def test_it_is_a_tracker(tracker):
    assert isinstance(tracker, Tracker)


def test_ids_start_at_one_and_stay_with_their_objects(tracker):
    results = run(tracker, [seen(person(100 + 3 * i), person(600 - 2 * i)) for i in range(60)])
    for i, tracks in enumerate(results):
        assert sorted(tracks.ids.tolist()) == [1, 2]
        assert ids_near(tracks, 100 + 3 * i) == ids_near(results[0], 100)


def test_boxes_follow_their_objects(tracker):
    tracks = run(tracker, [seen(person(100 + 3 * i)) for i in range(60)])[-1]
    np.testing.assert_allclose(tracks.boxes, [person(100 + 3 * 59)], atol=2)


def test_people_who_cross_keep_their_ids(tracker):
    frames = [seen(person(100 + 6 * i, y=100), person(500 - 6 * i, y=125, height=130)) for i in range(60)]
    results = run(tracker, frames)
    assert ids_near(results[-1], 100 + 6 * 59) == ids_near(results[0], 100)
    assert ids_near(results[-1], 500 - 6 * 59) == ids_near(results[0], 500)


def test_someone_hidden_for_a_moment_keeps_the_id(tracker):
    walk = [seen(person(100 + 4 * i)) for i in range(80)]
    walk[30:38] = [seen()] * 8
    results = run(tracker, walk)
    assert results[-1].ids.tolist() == results[0].ids.tolist() == [1]


def test_no_id_is_given_twice(tracker):
    frames = [seen(person(100)) if i % 120 < 10 else seen() for i in range(400)]
    before = set()
    for i, tracks in enumerate(run(tracker, frames)):
        if i % 120 == 0:
            assert not before & set(tracks.ids.tolist())
        before |= set(tracks.ids.tolist())
    assert len(before) > 1


def test_reset_starts_over_with_the_first_id(tracker):
    frames = [seen(person(100 + 3 * i), person(600)) for i in range(12)]
    first = run(tracker, frames)
    tracker.reset()
    assert len(tracker.predict(0.0)) == 0
    for a, b in zip(first, run(tracker, frames), strict=True):
        np.testing.assert_array_equal(a.boxes, b.boxes)
        np.testing.assert_array_equal(a.ids, b.ids)


def test_two_trackers_side_by_side_know_nothing_of_each_other(name):
    left, right, alone = load_tracker(name), load_tracker(name), load_tracker(name)
    for i in range(20):
        a = left.update(seen(person(100 + 3 * i)), i / FPS)
        right.update(seen(person(100 + 3 * i), person(110 + 3 * i), person(700)), i / FPS)
        b = alone.update(seen(person(100 + 3 * i)), i / FPS)
        np.testing.assert_array_equal(a.boxes, b.boxes)
        assert a.ids.tolist() == b.ids.tolist() == [1]


def test_the_same_input_gives_the_same_output_also_among_ties(name):
    frames = [seen(*[person(100)] * 5, *[person(130)] * 5) for _ in range(10)]
    for a, b in zip(run(load_tracker(name), frames), run(load_tracker(name), frames), strict=True):
        np.testing.assert_array_equal(a.ids, b.ids)
        np.testing.assert_array_equal(a.boxes, b.boxes)


def test_predict_moves_with_the_object_and_changes_nothing(name):
    asked, left_alone = load_tracker(name), load_tracker(name)
    for i in range(30):
        frame = seen(person(100 + 5 * i))
        a, b = asked.update(frame, i / FPS), left_alone.update(frame, i / FPS)
        np.testing.assert_array_equal(a.boxes, b.boxes)
        ahead = asked.predict((i + 2) / FPS)
    np.testing.assert_allclose(ahead.boxes, [person(100 + 5 * 31)], atol=3)
    assert ahead.ids.tolist() == [1]
    assert ahead.since_update_s[0] == pytest.approx(2 / FPS)


def test_the_uncertainty_is_nothing_for_what_was_just_seen_and_grows_with_the_time_ahead(name):
    tracker = load_tracker(name)
    tracks = run(tracker, [seen(person(100 + 5 * i)) for i in range(30)])[-1]
    assert tracks.uncertainty.tolist() == tracker.predict(29 / FPS).uncertainty.tolist() == [0]
    ahead = [tracker.predict((29 + frames) / FPS).uncertainty[0] for frames in (0.5, 1, 2, 5, 10, 20)]
    assert ahead[0] > 0
    assert (np.diff(ahead) > 0).all()
    assert ahead[-1] < 2
    assert tracker.predict(0.0).uncertainty.tolist() == [0]


def test_one_who_stands_before_a_camera_that_jumps_keeps_the_id_where_the_camera_is_known(name):
    tracker = load_tracker(name)
    if not isinstance(tracker, CompensatingTracker):
        pytest.skip("this tracker has no use for the camera's motion")
    places = np.random.default_rng(0).uniform(0, 800, 40).round()
    for i, place in enumerate(places):
        if i:
            tracker.move_camera(np.array([[1.0, 0, place - places[i - 1]], [0, 1, 0]]))
        tracks = tracker.update(seen(person(place)), i / FPS)
        assert tracks.ids.tolist() == [1]
    np.testing.assert_allclose(tracks.boxes, [person(place)], atol=1)


def test_a_zoom_grows_the_boxes(name):
    tracker = load_tracker(name)
    if not isinstance(tracker, CompensatingTracker):
        pytest.skip("this tracker has no use for the camera's motion")
    run(tracker, [seen(person(100), person(500))] * 5)
    tracker.move_camera(np.array([[1.5, 0, -150.0], [0, 1.5, -150]]))
    grown = seen(person(0, 0, 60, 150), person(600, 0, 60, 150))
    assert sorted(tracker.update(grown, 5 / FPS).ids.tolist()) == [1, 2]


def test_a_person_and_a_car_keep_their_classes_where_they_overlap(tracker):
    frames = [seen(person(100), person(105), labels=[0, 2], class_names=("person", "bike", "car"))] * 10
    tracks = run(tracker, frames)[-1]
    assert len(tracks) == 2
    assert sorted(tracks.name_of(row) for row in range(2)) == ["car", "person"]


def test_empty_frames_are_empty_results(tracker):
    for i in range(5):
        tracks = tracker.update(Detections(), i / FPS)
        assert tracks.boxes.shape == (0, 4)
        assert tracker.predict(i / FPS).boxes.shape == (0, 4)


def test_bad_boxes_and_times_never_raise(tracker):
    boxes = [
        (np.nan,) * 4,
        (10, 10, 0, 0),
        (5, 5, 5, 5),
        (-1e300, 0, 1e300, 1e300),
        (0, 0, np.inf, 1),
        person(100),
    ]
    for t in (0.0, 0.04, 0.04, -5.0, float("nan"), 1e9, 1e9 + 0.04, float("inf")):
        tracks = tracker.update(seen(*boxes), t)
        assert np.isfinite(tracks.boxes).all()
        assert np.isfinite(tracker.predict(t).boxes).all()


def test_a_crowd_is_tracked(tracker):
    rng = np.random.default_rng(0)
    crowd = [person(x, y) for x, y in rng.uniform(0, 5000, (1200, 2))]
    results = run(tracker, [seen(*[(a + i, b, c + i, d) for a, b, c, d in crowd]) for i in range(6)])
    assert len(results[-1]) > 1150
    assert results[-1].ids.max() <= 1250


def test_as_the_app_runs_it_a_missed_frame_hides_nobody_for_longer(name):
    info = SourceInfo(name="clip", width=640, height=480, fps=FPS)
    tracker = load_tracker_for(name, info)
    # What begins a track is the user's word alone.
    if isinstance(tracker, TwoStageTracker):
        tracker.set_confidence(0.1)
    frames = [seen(person(100 + 3 * i), scores=[0.1]) if i % 9 else seen() for i in range(1, 60)]
    results = run(tracker, frames)
    # One that shows where a missed object should be may show it longer.
    assert all(len(tracks) >= len(frame) for tracks, frame in zip(results, frames, strict=True))
    assert {i for tracks in results for i in tracks.ids.tolist()} == {1}


@pytest.mark.parametrize("confidence", [0.05, 0.3, 0.9])
def test_nothing_below_the_users_confidence_begins_a_track_or_is_all_that_a_shown_one_has(name, confidence):
    tracker = load_tracker_for(name, SourceInfo(name="clip", width=640, height=480, fps=FPS))
    if not isinstance(tracker, TwoStageTracker):
        pytest.skip("a tracker of one stage gets nothing below the user's confidence")
    tracker.set_confidence(confidence)
    frame = seen(person(100), person(300), scores=[confidence, confidence - 0.02])
    assert all(ids_near(tracks, 300) == [] for tracks in run(tracker, [frame] * 9))
    assert tracker.predict(9 / FPS).ids.tolist() == [1]
    tracker.set_confidence(confidence + 0.01)
    assert len(tracker.predict(9 / FPS)) == len(tracker.update(frame, 9 / FPS)) == 0
    tracker.set_confidence(confidence)
    assert tracker.update(frame, 10 / FPS).ids.tolist() == tracker.predict(10 / FPS).ids.tolist() == [1]


def test_a_setting_that_asks_for_more_than_the_users_confidence_counts_in_the_app_too(name):
    info = SourceInfo(name="clip", width=640, height=480, fps=FPS)
    if not isinstance(load_tracker(name), TwoStageTracker):
        pytest.skip("a tracker of one stage gets nothing below the user's confidence")
    begins = "new" if "new" in tracker_settings(name) else "high"
    for asked, confidence, shown in ((0.5, 0.25, 0), (0.3, 0.25, 1), (0.3, 0.6, 0)):
        tracker = load_tracker_for(name, info, [f"{begins}={asked}"])
        tracker.set_confidence(confidence)
        assert len(run(tracker, [seen(person(100), scores=[0.4])] * 5)[-1]) == shown


@pytest.mark.parametrize("fps", [None, 0.0, 90000.0])
def test_a_source_without_a_plausible_frame_rate_is_tracked_too(name, fps):
    tracker = load_tracker_for(name, SourceInfo(name="clip", width=640, height=480, fps=fps))
    results = run(tracker, [seen(person(100 + 3 * i)) for i in range(20)])
    assert results[-1].ids.tolist() == [1]


def test_an_unknown_setting_is_answered_with_the_nearest(name):
    with pytest.raises(UnknownNameError, match="max_age"):
        load_tracker(name, max_aeg=3)


def test_a_setting_of_the_wrong_kind_is_one_line(name):
    with pytest.raises(UsageError, match="max_age"):
        load_tracker(name, max_age="long")
