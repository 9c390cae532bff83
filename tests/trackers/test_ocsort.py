from __future__ import annotations

import warnings

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.trackers import kalman
from rtdet.trackers.ocsort import OCSort
from rtdet.types import Detections

FPS = 25.0


def person(x, y=100.0, h=100.0):
    return (x, y, x + 0.4 * h, y + h)


def seen(*boxes, **columns):
    columns.setdefault("scores", np.full(len(boxes), 0.9))
    return Detections(np.array(boxes, dtype=float).reshape(-1, 4), **columns)


def run(tracker, frames, numbers=None):
    return [tracker.update(d, n / FPS) for d, n in zip(frames, numbers or range(len(frames)), strict=True)]


def test_boxes_are_given_out_where_they_were_seen():
    rng = np.random.default_rng(0)
    boxes = [tuple(np.array(person(100 + 3 * i)) + rng.normal(0, 2, 4)) for i in range(20)]
    for box, tracks in zip(boxes, run(OCSort(), [seen(box) for box in boxes]), strict=True):
        np.testing.assert_array_equal(tracks.boxes, [box])


def test_a_low_score_is_not_taken():
    frames = [seen(person(100), person(300), scores=[0.9, 0.6])] * 5
    assert all(len(tracks) == 1 for tracks in run(OCSort(), frames))


def test_after_the_first_frames_a_track_is_given_out_from_its_third_match_in_a_row():
    frames = [seen()] * 5 + [seen(person(9))] * 5 + [seen()] + [seen(person(9))] * 4
    shown = [len(tracks) for tracks in run(OCSort(), frames)]
    assert shown == [0] * 8 + [1, 1, 0] + [0, 0, 1, 1]
    shown = [len(tracks) for tracks in run(OCSort(confirm_once=True), frames)]
    assert shown == [0] * 8 + [1, 1, 0] + [1, 1, 1, 1]


@pytest.mark.parametrize(("inertia", "ahead"), [(0.0, False), (0.2, True)])
def test_momentum_prefers_the_detection_ahead_to_the_one_behind_that_overlaps_more(inertia, ahead):
    walk = [seen(person(100 + 2 * i)) for i in range(10)]
    behind, beyond = person(120 - 7), person(120 + 8)
    tracks = run(OCSort(inertia=inertia), [*walk, seen(behind, beyond)])[-1]
    assert tracks.ids.tolist() == [1]
    np.testing.assert_array_equal(tracks.boxes, [beyond if ahead else behind])


def test_recovery_finds_one_that_stopped_unseen_where_it_was_last_seen():
    walk = [seen(person(100 + 12 * i)) for i in range(10)]
    # The filter goes on at 12 pixels a frame; after 12 frames it is beyond any overlap.
    frames = [*walk, *[seen()] * 12, *[seen(person(100 + 12 * 9))] * 4]
    results = run(OCSort(), frames)
    assert results[9].ids.tolist() == results[-1].ids.tolist() == [1]


def test_after_a_gap_the_filter_is_where_it_would_be_without_it_on_a_straight_way():
    def tracked(missed):
        tracker = OCSort(max_age_s=2.0)
        frames = [seen() if i in missed else seen(person(100 + 3 * i, h=100 + i)) for i in range(30)]
        run(tracker, frames)
        return tracker.predict(40 / FPS).boxes

    np.testing.assert_allclose(tracked(range(12, 28)), tracked(()), rtol=1e-9)


def test_re_update_is_the_published_replay():
    tracker = OCSort()
    boxes = {0: person(100), 1: person(104), 2: person(107), 6: person(130, h=110), 7: person(133, h=110)}
    run(tracker, [seen(boxes[i]) if i in boxes else seen() for i in range(8)])
    state = kalman.begin(kalman.to_measurement(np.array([boxes[0]]).T))
    for i in range(1, 8):
        gap = np.array(boxes[2]) * (6 - i) / 4 + np.array(boxes[6]) * (i - 2) / 4
        box = np.array([boxes.get(i, gap)]).T
        kalman.predict(state)
        kalman.correct(state, kalman.to_measurement(box), np.ones(1))
    expected = kalman.to_corners(kalman.extrapolate(state, 5.0)).T
    np.testing.assert_allclose(tracker.predict(12 / FPS).boxes, expected, rtol=1e-12)


@pytest.mark.parametrize(("gap", "returns"), [(20, True), (40, False)])
def test_a_lost_track_waits_in_seconds_and_keeps_its_id(gap, returns):
    numbers = [*range(10), *range(10 + gap, 14 + gap)]
    frames = [seen(person(100 + 2 * n)) for n in numbers]
    tracks = run(OCSort(max_age_s=1.2, fps=FPS), frames, numbers)[-1]
    assert (tracks.ids.tolist() == [1]) == returns


def test_dropped_frames_are_bridged_by_their_true_time():
    numbers = [*range(15), *range(25, 29)]
    frames = [seen(person(100 + 15 * n)) for n in numbers]
    by_time, by_count = (run(OCSort(fps=fps), frames, numbers)[-1] for fps in (FPS, None))
    assert by_time.ids.tolist() == [1]
    assert by_count.ids.tolist() != [1]


def test_a_steady_source_gives_the_same_by_time_as_by_count():
    rng = np.random.default_rng(1)
    start, step = rng.uniform(0, 400, 12), rng.normal(0, 4, 12)
    frames = [
        seen(*[person(x) for x in (start + n * step + rng.normal(0, 1, 12))[rng.random(12) < 0.8]])
        for n in range(60)
    ]
    for a, b in zip(run(OCSort(fps=FPS), frames), run(OCSort(), frames), strict=True):
        np.testing.assert_array_equal(a.boxes, b.boxes)
        np.testing.assert_array_equal(a.ids, b.ids)


def test_another_class_does_not_go_on_with_a_track_unless_told():
    frames = [seen(person(100), labels=[0])] * 5 + [seen(person(100), labels=[1])] * 5
    assert run(OCSort(), frames)[-1].ids.tolist() == [2]
    assert run(OCSort(class_agnostic=True), frames)[-1].ids.tolist() == [1]


def test_boxes_of_every_size_come_and_go_without_a_warning():
    rng = np.random.default_rng(2)
    tracker = OCSort(min_score=0.0, min_hits=0, fps=FPS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        t = 0.0
        for _ in range(300):
            count = rng.integers(0, 12)
            corner, size = rng.uniform(-1, 1, (count, 2)), 10 ** rng.uniform(-6, 9, (count, 2))
            boxes = np.concatenate((corner * size, corner * size + size), axis=1)
            t += 10 ** rng.uniform(-9, 1)
            tracks = tracker.update(Detections(boxes), t)
            assert np.isfinite(tracks.boxes).all()
            assert np.isfinite(tracker.predict(t + rng.uniform(-2, 2)).boxes).all()


@pytest.mark.parametrize("setting", [{"delta_t": 0}, {"inertia": 2.0}, {"max_age_s": -1.0}, {"min_hits": -1}])
def test_a_setting_out_of_its_range_is_one_clear_line(setting):
    with pytest.raises(UsageError, match=next(iter(setting))):
        OCSort(**setting)
