"""SORT's behaviour: IDs, what is shown, time, and every kind of bad input."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdet.errors import UsageError
from rtdet.trackers.sort import Sort
from rtdet.types import Detections

PUBLISHED = {"max_age": 1, "min_hits": 3, "min_score": 0.0}
BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "tracker_speed.py"


def at(*lefts, width=40.0, height=80.0, **columns):
    return Detections(np.array([(x, 100, x + width, 100 + height) for x in lefts]).reshape(-1, 4), **columns)


NOTHING = Detections()


def follow(tracker, lefts, start=0, fps=30.0):
    """Updates with one box at each left edge (None: nothing seen); the IDs of each update."""
    result = []
    for i, x in enumerate(lefts, start=start):
        tracks = tracker.update(NOTHING if x is None else at(x), i / fps)
        result.append(tracks.ids.tolist())
    return result


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("tracker_speed", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("count", [3, 40, 130])
def test_tracks_are_those_of_a_plain_loop_over_filterpy_filters(benchmark, count):
    plain, batched = benchmark.PlainSort(), Sort(**PUBLISHED)
    numbers: dict[float, int] = {}  # the plain one numbers tracks at birth, ours when they are first shown
    for i, boxes in enumerate(benchmark.scene(count, 25)):
        expected, tracks = plain.update(boxes), batched.update(Detections(boxes), i / 30)
        assert tracks.ids.tolist() == [numbers.setdefault(id_, len(numbers) + 1) for id_ in expected[:, 4]]
        np.testing.assert_allclose(tracks.boxes, expected[:, :4], rtol=1e-9, atol=1e-9)


def test_a_new_object_is_shown_after_min_hits_further_frames():
    tracker = Sort(**PUBLISHED)
    follow(tracker, [None] * 4)
    assert follow(tracker, range(100, 106), start=4) == [[], [], [], [1], [1], [1]]


def test_the_first_frames_show_every_object_at_once():
    assert follow(Sort(**PUBLISHED), [5, 6, 7, 8, 9]) == [[1]] * 5


def test_a_missed_frame_hides_a_published_track_for_min_hits_frames():
    ids = follow(Sort(**PUBLISHED), [10, 11, 12, 13, 14, None, 16, 17, 18, 19])
    assert ids[:5] == [[1]] * 5
    assert ids[5:] == [[], [], [], [1], [1]]


def test_a_track_confirmed_once_comes_back_with_its_next_detection():
    ids = follow(Sort(**PUBLISHED, confirm_once=True), [10, 11, 12, 13, 14, None, 16, 17])
    assert ids == [[1]] * 5 + [[], [1], [1]]


def test_a_track_lives_on_for_max_age_frames_without_a_detection():
    gap = [10] * 8 + [None] * 5 + [10] * 5
    assert follow(Sort(max_age=5), gap)[-1] == [1]
    assert follow(Sort(max_age=4), gap)[-1] == [2]


def test_new_ids_follow_the_order_of_the_detections():
    assert Sort().update(at(500, 100, 300), 0.0).boxes[:, 0].round().tolist() == [500, 100, 300]
    assert Sort().update(at(500, 100, 300), 0.0).ids.tolist() == [1, 2, 3]


def test_min_score_takes_what_scores_above_it_and_zero_takes_all():
    detections = at(0, 100, 200, 300, scores=[0.0, 0.5, 0.51, 0.9])
    assert len(Sort(min_score=0.5).update(detections, 0.0)) == 2
    assert len(Sort(min_score=0.0).update(detections, 0.0)) == 4


def test_a_track_carries_the_score_label_and_names_of_its_last_detection():
    tracker = Sort(class_agnostic=True)
    tracker.update(at(10, scores=[0.9], labels=[0], class_names=["car", "truck"]), 0.0)
    tracks = tracker.update(at(10, scores=[0.6], labels=[1], class_names=["car", "truck"]), 0.1)
    assert tracks.ids.tolist() == [1]
    assert tracks.scores.tolist() == [0.6]
    assert tracks.name_of(0) == "truck"


def test_a_detection_of_another_class_continues_a_track_only_where_that_is_asked_for():
    for agnostic, expected in ((False, [2]), (True, [1])):
        tracker = Sort(class_agnostic=agnostic)
        tracker.update(at(10, labels=[0]), 0.0)
        assert tracker.update(at(10, labels=[1]), 0.1).ids.tolist() == expected


def test_a_steady_source_gives_the_same_with_and_without_its_frame_rate(benchmark):
    counted, timed = Sort(**PUBLISHED), Sort(**PUBLISHED, fps=29.97)
    for i, boxes in enumerate(benchmark.scene(20, 40)):
        a, b = counted.update(Detections(boxes), i / 29.97), timed.update(Detections(boxes), i / 29.97)
        assert a.ids.tolist() == b.ids.tolist()
        np.testing.assert_array_equal(a.boxes, b.boxes)


def test_with_a_frame_rate_dropped_frames_do_not_lose_a_fast_object():
    seen = [i for i in range(40) if i < 12 or i % 4 == 0]
    timed, counted = Sort(fps=30.0), Sort()
    for i in seen:
        kept, lost = timed.update(at(10 + 12 * i), i / 30), counted.update(at(10 + 12 * i), i / 30)
    assert kept.ids.tolist() == [1]
    assert lost.ids.tolist() != [1]


def test_no_track_survives_a_gap_longer_than_its_life():
    tracker = Sort(fps=30.0)
    follow(tracker, [10] * 5)
    assert tracker.update(at(10), 60.0).ids.tolist() == []
    assert len(tracker.predict(60.0)) == 0


def test_a_detector_that_needs_longer_than_a_track_lives_still_gives_steady_ids():
    tracker = Sort(fps=30.0, max_age=30)
    for i in range(8):
        assert tracker.update(at(10 + i), 2.5 * i).ids.tolist() == [1]


# predict


def moving(step=6, updates=20, **settings):
    tracker = Sort(**settings)
    follow(tracker, [10 + step * i for i in range(updates)])
    return tracker


def test_predict_moves_boxes_by_the_time_that_passes():
    tracker = moving(step=6)
    now = tracker.predict(19 / 30).boxes[0, 0]
    assert tracker.predict(20 / 30).boxes[0, 0] - now == pytest.approx(6, abs=0.2)
    assert tracker.predict(22 / 30).boxes[0, 0] - now == pytest.approx(18, abs=0.5)
    assert now - tracker.predict(18 / 30).boxes[0, 0] == pytest.approx(6, abs=0.2)


def test_predict_at_the_newest_update_gives_what_the_update_gave():
    tracker = Sort()
    for i in range(10):
        updated = tracker.update(at(10 + i, 200 + i), i / 30)
    predicted = tracker.predict(9 / 30)
    np.testing.assert_array_equal(predicted.boxes, updated.boxes)
    assert predicted.ids.tolist() == updated.ids.tolist()
    assert predicted.since_update_s.tolist() == [0, 0]


def test_predict_changes_nothing():
    asked, left_alone = Sort(), Sort()
    for i in range(30):
        detections = NOTHING if i % 7 == 3 else at(10 + 3 * i, 400 - 2 * i)
        for t in (i / 30 - 5, i / 30, i / 30 + 0.01, i / 30 + 100, float("nan")):
            asked.predict(t)
        a, b = asked.update(detections, i / 30), left_alone.update(detections, i / 30)
        np.testing.assert_array_equal(a.boxes, b.boxes)
        assert a.ids.tolist() == b.ids.tolist()


def test_predict_moves_no_box_beyond_the_horizon():
    tracker = moving(step=6)
    at_horizon, long_after = tracker.predict(19 / 30 + 1.0), tracker.predict(19 / 30 + 50.0)
    np.testing.assert_allclose(at_horizon.boxes, long_after.boxes)
    assert long_after.since_update_s[0] == pytest.approx(50.0)


@pytest.mark.parametrize("fps", [None, 30.0])
def test_predict_keeps_a_missed_track_for_a_moment_and_says_since_when(fps):
    tracker = moving(step=3, fps=fps)
    shown = []
    for i in range(20, 40):
        tracker.update(NOTHING, i / 30)
        tracks = tracker.predict(i / 30)
        shown.append(len(tracks))
        if len(tracks):
            assert tracks.since_update_s[0] == pytest.approx((i - 19) / 30)
            assert tracks.boxes[0, 0] == pytest.approx(10 + 3 * i, abs=2)
    assert shown == [1] * 9 + [0] * 11


def test_predict_keeps_a_track_over_one_miss_of_a_slow_detector():
    tracker = Sort()
    for i in range(6):
        tracker.update(at(10), i * 0.5)
    tracker.update(NOTHING, 3.0)
    assert len(tracker.predict(3.1)) == 1
    tracker.update(NOTHING, 3.5)
    assert len(tracker.predict(3.6)) == 0


def test_predict_shows_only_confirmed_tracks():
    tracker = Sort()
    follow(tracker, [None] * 5 + [10])
    assert len(tracker.predict(0.2)) == 0


def test_predict_before_any_update_is_empty():
    assert Sort().predict(1.0).boxes.shape == (0, 4)


# Bad input


BAD_BOXES = {
    "NaN": (np.nan, 0, 10, 10),
    "infinite": (0, 0, np.inf, 10),
    "infinite on both sides": (-np.inf, 0, np.inf, 10),
    "inverted": (10, 10, 0, 0),
    "without width": (5, 0, 5, 10),
    "without area a float can hold": (0, 0, 1e-200, 1e-200),
    "of absurd size": (0, 0, 1e200, 1e200),
    "absurdly far": (1e300, 1e300, 1.1e300, 1.1e300),
}


@pytest.mark.parametrize("box", BAD_BOXES.values(), ids=BAD_BOXES.keys())
def test_a_bad_box_is_left_out_and_the_good_ones_are_tracked(box):
    tracker = Sort()
    for i in range(6):
        good = (100.0 + i, 100, 140 + i, 180)
        tracks = tracker.update(Detections(np.array([good, box])), i / 30)
        assert tracks.ids.tolist() == [1]
        assert np.isfinite(tracks.boxes).all()


def test_a_detection_without_a_score_is_left_out():
    tracks = Sort(min_score=0.0).update(at(0, 100, scores=[np.nan, 0.5]), 0.0)
    assert tracks.scores.tolist() == [0.5]


def test_duplicates_far_and_teleporting_boxes_are_tracked():
    tracker = Sort()
    for i in range(12):
        boxes = np.array([(0, 0, 50, 50)] * 4 + [(-9e8, 8e8, -9e8 + 60, 8e8 + 60)], dtype=float)
        jump = np.array([[0, 0, 30, 30]]) + (i % 2) * 1e6
        tracks = tracker.update(Detections(np.concatenate([boxes, jump])), i / 30)
        assert np.isfinite(tracks.boxes).all()
    assert {1, 2, 3, 4, 5} <= set(tracks.ids.tolist())


TIMES = {
    "all equal": [7.0] * 12,
    "going back": [10.0 - i for i in range(12)],
    "missing": [float("nan")] * 12,
    "one missing": [i / 30 if i != 6 else float("nan") for i in range(12)],
    "missing altogether": [None] * 12,
    "infinite": [float("inf")] * 12,
    "hardly moving": [i * 1e-12 for i in range(12)],
    "starting over": [i / 30 for i in (0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5)],
}


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES.keys())
@pytest.mark.parametrize("fps", [None, 30.0])
def test_times_that_make_no_sense_count_as_one_step(times, fps):
    tracker = Sort(fps=fps, max_age=2)
    for i, t in enumerate(times):
        assert tracker.update(at(10 + i), t).ids.tolist() == [1]
        assert np.isfinite(tracker.predict(t).since_update_s).all()


@pytest.mark.parametrize("fps", [None, 30.0])
def test_memory_does_not_grow_whatever_the_clock_says(fps):
    tracker = Sort(fps=fps, max_age=3)
    rng = np.random.default_rng(0)
    for _ in range(300):
        tracker.update(at(*rng.uniform(0, 1e6, 5)), 1.0)
    assert tracker._table.shape[1] <= 5 * 5


boxes_of_any_kind = st.lists(
    st.tuples(*[st.floats(allow_nan=True, allow_infinity=True) | st.floats(-2000, 2000)] * 4), max_size=8
)
times_of_any_kind = st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 5)


@given(
    frames=st.lists(st.tuples(boxes_of_any_kind, times_of_any_kind), max_size=12),
    fps=st.sampled_from([None, 25.0]),
    min_score=st.sampled_from([0.0, 0.5]),
)
@settings(deadline=None, max_examples=80)
def test_no_input_raises_and_every_output_is_sound(frames, fps, min_score):
    tracker, twin = Sort(fps=fps, min_score=min_score), Sort(fps=fps, min_score=min_score)
    newest = 0
    for boxes, t in frames:
        detections = Detections(np.array(boxes, dtype=float).reshape(-1, 4))
        updated, predicted = tracker.update(detections, t), tracker.predict(t)
        for tracks in (updated, predicted):
            assert np.isfinite(tracks.boxes).all()
            assert (tracks.boxes[:, 2:] >= tracks.boxes[:, :2]).all()
            assert len(set(tracks.ids.tolist())) == len(tracks)
            assert (tracks.since_update_s >= 0).all()
        assert len(updated) <= len(detections)
        newest = max([newest, *updated.ids.tolist()])
        assert newest <= sum(len(b) for b, _ in frames)
        np.testing.assert_array_equal(twin.update(detections, t).boxes, updated.boxes)


def test_thousands_of_objects_are_tracked(benchmark):
    tracker = Sort()
    for i in range(6):
        boxes = benchmark.scene(4000, 1)[0]
        tracks = tracker.update(Detections(boxes), i / 30)
    assert len(tracks) > 3500
    assert tracks.ids.max() < 4200


@pytest.mark.parametrize(
    "setting",
    [
        {"max_age": -1},
        {"min_hits": -1},
        {"iou_threshold": 1.5},
        {"min_score": -0.1},
        {"max_age": 10**400},
        {"fps": 0.0},
        {"fps": float("nan")},
        {"coast_s": -1.0},
        {"horizon_s": float("inf")},
    ],
)
def test_a_setting_out_of_its_range_is_one_clear_line(setting):
    with pytest.raises(UsageError, match=next(iter(setting))):
        Sort(**setting)
