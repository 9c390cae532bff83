"""rtdet's own tracker: what each of its parts is for."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from rtdet.errors import UnknownNameError, UsageError
from rtdet.trackers.registry import load_tracker, parse_settings
from rtdet.types import Detections

FPS = 25.0
NAMES = ("person", "car", "truck")
PERSON, CAR, TRUCK = range(3)


def tracker(**settings):
    return load_tracker("rtdet", **{"fps": FPS, **settings})


def box(x, y=100.0, width=40.0, height=100.0):
    return (x, y, x + width, y + height)


def seen(*boxes, score=0.9, labels=None):
    scores = np.broadcast_to(score, len(boxes))
    return Detections(np.array(boxes, dtype=float).reshape(-1, 4), scores, labels, NAMES)


def run(instance, frames, step=1):
    return [instance.update(frame, step * i / FPS) for i, frame in enumerate(frames)]


def crowd(count=12, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.uniform(200, 1600, count), rng.uniform(100, 800, count)], axis=1)


def test_a_detector_that_wavers_between_car_and_truck_keeps_one_id_and_the_class_of_most_votes():
    labels = [CAR, CAR, TRUCK, CAR, TRUCK, CAR, TRUCK, TRUCK, CAR, CAR] * 3
    results = run(
        tracker(), [seen(box(100 + 3 * i, width=90), labels=[label]) for i, label in enumerate(labels)]
    )
    assert {i for tracks in results for i in tracks.ids.tolist()} == {1}
    assert {tracks.name_of(0) for tracks in results} == {"car"}


def test_a_class_seen_more_surely_outvotes_one_seen_more_often():
    frames = [
        seen(box(100), labels=[TRUCK if i % 3 else CAR], score=0.3 if i % 3 else 0.9) for i in range(30)
    ]
    assert run(tracker(high=0.2, new=0.2), frames)[-1].name_of(0) == "car"


def test_one_object_found_as_two_classes_is_one_track():
    frames = [
        seen(box(100 + 3 * i), box(101 + 3 * i), labels=[CAR, TRUCK], score=[0.9, 0.85]) for i in range(20)
    ]
    results = run(tracker(), frames)
    assert all(tracks.ids.tolist() == [1] and tracks.name_of(0) == "car" for tracks in results)


def test_a_person_before_a_car_is_a_track_of_its_own():
    frames = [seen(box(100, width=200), box(160 + i), labels=[CAR, PERSON]) for i in range(20)]
    assert [tracks.ids.tolist() for tracks in run(tracker(), frames)] == [[1, 2]] * 20


def test_what_scores_low_continues_a_track_and_begins_none():
    frames = [seen(box(100 + 3 * i), score=0.9 if i < 10 else 0.2) for i in range(30)]
    assert [tracks.ids.tolist() for tracks in run(tracker(), frames)] == [[1]] * 30
    assert all(len(tracks) == 0 for tracks in run(tracker(), frames[10:]))


def test_a_faint_object_is_given_out_from_its_second_frame_and_a_sure_one_from_its_first():
    empty = [seen()] * 3
    faint = run(tracker(), [*empty, *[seen(box(100), score=0.75)] * 3])
    sure = run(tracker(), [*empty, *[seen(box(100), score=0.85)] * 3])
    assert [len(tracks) for tracks in faint] == [0, 0, 0, 0, 1, 1]
    assert [len(tracks) for tracks in sure] == [0, 0, 0, 1, 1, 1]


def test_a_missed_object_is_shown_where_it_should_be_for_a_moment_and_less_surely():
    frames = [*[seen(box(100 + 5 * i)) for i in range(20)], *[seen()] * 10]
    results = run(tracker(coast_s=0.2), frames)
    assert [len(tracks) for tracks in results[20:]] == [1] * 5 + [0] * 5
    np.testing.assert_allclose(results[22].boxes, [box(100 + 5 * 22)], atol=4)
    assert results[19].uncertainty[0] == 0
    assert 0 < results[20].uncertainty[0] < results[24].uncertainty[0]
    assert results[24].since_update_s[0] == pytest.approx(0.2)


def test_a_lost_object_is_found_again_within_its_time_and_not_after():
    def ids_after(gap_s, **settings):
        walk = [seen(box(100))] * 10
        results = run(tracker(**settings), [*walk, *[seen()] * round(gap_s * FPS), *walk])
        return results[-1].ids.tolist()

    assert ids_after(0.8) == [1]
    assert ids_after(1.2) == [2]
    assert ids_after(1.2, max_age_s=2.0) == [1]
    assert ids_after(1.2, per_class={"Person": {"max_age_s": 2.0}}) == [1]
    assert ids_after(1.2, per_class={"car": {"max_age_s": 2.0}}) == [2]
    assert ids_after(1.3, max_age_s=2, per_class={"person": {"max_age_s": 1.5}}) == [1]


def panned(count_of_frames):
    """A crowd at rest before a camera that swings to and fro, by up to 22 pixels a frame."""
    places = crowd()
    swing = [90 * np.sin(i / 4) for i in range(count_of_frames)]
    return [seen(*[box(x, y) for x, y in places + np.array((shift, 0.3 * shift))]) for shift in swing]


def test_ids_survive_a_camera_that_swings():
    def last_id(**settings):
        return max(tracks.ids.max(initial=0) for tracks in run(tracker(**settings), panned(80)))

    assert last_id() == 12
    assert last_id(camera=False) > 12


def test_people_who_cross_are_not_taken_for_a_camera_that_moves():
    frames = [seen(box(100 + 6 * i), box(700 - 6 * i, y=130), box(1200), box(1500, y=300)) for i in range(80)]
    results = run(tracker(), frames)
    for row in range(4):
        ids = {int(tracks.ids[row]) for tracks in results if len(tracks) == 4}
        assert len(ids) == 1


def test_boxes_within_each_other_do_not_turn_the_picture():
    frame = seen(*[(500 - side, 500 - side, 500 + side, 500 + side) for side in (10, 20, 40, 80)])
    results = run(tracker(), [frame] * 10)
    assert [tracks.ids.tolist() for tracks in results] == [[1, 2, 3, 4]] * 10
    np.testing.assert_allclose(results[-1].boxes, frame.boxes, atol=1e-6)


@pytest.mark.parametrize("step", [3, 6])
def test_where_only_every_nth_frame_is_seen_ids_stay(step):
    starts = crowd(8)
    velocities = np.random.default_rng(5).uniform(-4, 4, (8, 2))
    frames = [seen(*[box(x, y) for x, y in starts + velocities * step * i]) for i in range(25)]
    results = run(tracker(), frames, step)
    assert sorted(results[-1].ids.tolist()) == sorted(results[0].ids.tolist())


def test_steady_timestamps_are_as_good_as_counting():
    rng = np.random.default_rng(0)
    frames = [seen(*[box(x + 2 * i, y) for x, y in crowd() + rng.normal(0, 1, (12, 2))]) for i in range(40)]
    by_time, by_count = tracker(), tracker(fps=None)
    for i, frame in enumerate(frames):
        a, b = by_time.update(frame, i / FPS), by_count.update(frame, i / FPS)
        np.testing.assert_array_equal(a.ids, b.ids)
        np.testing.assert_allclose(a.boxes, b.boxes)


def test_memory_stays_flat_through_endless_coming_and_going():
    def held(instance):
        kept = (instance._table, instance._votes._weight)
        return sum(array.nbytes + sys.getsizeof(array) for array in kept)

    rng, instance, sizes = np.random.default_rng(0), tracker(), []
    for i in range(4000):
        boxes = [box(*place) for place in rng.uniform(0, 1800, (6, 2))]
        instance.update(seen(*boxes, labels=rng.integers(0, 1_000_000, 6)), i / FPS)
        if i >= 1000:
            sizes.append(held(instance))
    assert max(sizes[1500:]) < 1.5 * max(sizes[:1500])


def test_a_confidence_of_the_user_is_what_begins_tracks():
    instance = tracker()
    instance.set_confidence(0.3)
    assert [len(tracks) for tracks in run(instance, [seen(box(100), score=0.35)] * 3)] == [1, 1, 1]
    instance.set_confidence(0.5)
    assert len(instance.predict(3 / FPS)) == 0


def test_a_class_may_ask_for_more_than_the_user_and_never_for_less():
    def shown(score, label, own):
        instance = tracker(per_class={"person": {"new": own, "high": own}})
        instance.set_confidence(0.4)
        return len(run(instance, [seen(box(100), score=score, labels=[label])] * 3)[-1])

    assert shown(0.5, PERSON, own=0.7) == 0
    assert shown(0.5, CAR, own=0.7) == 1
    assert shown(0.3, PERSON, own=0.2) == 0


def test_settings_of_one_class_are_spelled_with_a_dot():
    assert parse_settings("rtdet", ["max_age_s.person=2", "new.car=.5", "max-age-s=3"]) == {
        "max_age_s": 3,
        "per_class": {"person": {"max_age_s": 2}, "car": {"new": 0.5}},
    }


def test_settings_by_class_that_make_no_sense_are_one_line():
    with pytest.raises(UnknownNameError, match="max_age_s"):
        tracker(**parse_settings("rtdet", ["horizon_s.person=2"]))
    with pytest.raises(UsageError, match="person"):
        tracker(per_class={"person": {"new": -1.0}})
    with pytest.raises(UsageError, match="0 to 1"):
        tracker(per_class={"person": {"high": 1.5}})
    with pytest.raises(UsageError, match="by class"):
        parse_settings("sort", ["max_age.person=2"])


@pytest.mark.parametrize(
    "settings", [{"high": 1.5}, {"low": 0.7}, {"new": -1.0}, {"min_hits": 0}, {"fps": 0.0}]
)
def test_a_setting_out_of_range_is_refused(settings):
    with pytest.raises(UsageError):
        load_tracker("rtdet", **settings)


@pytest.mark.parametrize("front", [1.0, 4.0])
@pytest.mark.parametrize("behind", [0.5, 2.0])
def test_who_passes_behind_another_keeps_the_id(front, behind):
    following, first, last = tracker(), {}, {}
    for i in range(160):
        near, far = 100 + front * i, 460 - behind * i
        is_hidden = abs(far - near - 1) < 24
        boxes = [box(near, 100, 60, 120)] + [box(far, 104, 58, 114)] * (not is_hidden)
        tracks = following.update(seen(*boxes), i / FPS)
        if i in (10, 159):
            is_near = (tracks.boxes[:, 3] > 219).tolist()
            (first if i == 10 else last).update(zip(is_near, tracks.ids.tolist(), strict=True))
    assert first == last
    assert len(first) == 2


def test_one_object_detected_twice_from_the_start_is_one_once_it_is_detected_once():
    following = tracker()
    for i in range(6):
        boxes = [box(100 + 2 * i), box(104 + 2 * i)] if i < 4 else [box(100 + 2 * i)]
        tracks = following.update(seen(*boxes), i / FPS)
    assert tracks.ids.tolist() == [1]
    assert following.predict(7 / FPS).ids.tolist() == [1]
