from __future__ import annotations

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.trackers import kalman_xyah
from rtdet.trackers.bytetrack import ByteTrack
from rtdet.types import Detections

FPS = 25.0


def person(x, y=100.0, h=100.0):
    return (x, y, x + 0.4 * h, y + h)


def seen(*boxes, scores=None, labels=None):
    return Detections(np.array(boxes).reshape(-1, 4), scores, labels)


def run(tracker, frames, numbers=None):
    return [tracker.update(d, n / FPS) for d, n in zip(frames, numbers or range(len(frames)), strict=True)]


def test_a_low_score_goes_on_with_a_track():
    scores = [0.9, 0.9, 0.9, 0.3, 0.2, 0.9]
    frames = [seen(person(100 + 3 * i), scores=[s]) for i, s in enumerate(scores)]
    assert [tracks.ids.tolist() for tracks in run(ByteTrack(), frames)] == [[1]] * 6


def test_a_low_score_begins_no_track_and_finds_no_lost_one():
    assert all(len(tracks) == 0 for tracks in run(ByteTrack(), [seen(person(9), scores=[0.5])] * 5))
    frames = [seen(person(100), scores=[0.9])] * 3 + [seen(), seen(person(100), scores=[0.5])]
    assert len(run(ByteTrack(), frames)[-1]) == 0


def test_a_score_between_high_and_new_goes_on_but_does_not_begin():
    assert all(len(tracks) == 0 for tracks in run(ByteTrack(), [seen(person(9), scores=[0.65])] * 5))


def test_after_the_first_frame_a_track_is_given_out_from_its_second_sight():
    frames = [seen(), seen(person(9)), seen(person(9))]
    assert [len(tracks) for tracks in run(ByteTrack(), frames)] == [0, 0, 1]


def test_what_was_seen_once_and_then_not_leaves_no_track():
    frames = [seen(), seen(person(9)), seen(), seen(person(9)), seen(person(9))]
    assert [len(tracks) for tracks in run(ByteTrack(), frames)] == [0, 0, 0, 0, 1]


@pytest.mark.parametrize(("gap", "returns"), [(20, True), (40, False)])
def test_a_lost_track_waits_in_seconds_and_keeps_its_id(gap, returns):
    numbers = [*range(10), 10 + gap, 11 + gap]
    frames = [seen(person(100 + 2 * n)) for n in numbers]
    # Every update is 1/25 s or the gap; the tracker knows the time with and without a frame rate.
    tracks = run(ByteTrack(max_age_s=1.2, fps=FPS), frames, numbers)[-1]
    assert (tracks.ids.tolist() == [1]) == returns


def test_dropped_frames_are_bridged_by_their_true_time():
    numbers = [*range(15), 25, 26]
    frames = [seen(person(100 + 15 * n)) for n in numbers]
    by_time, by_count = (run(ByteTrack(fps=fps), frames, numbers)[-1] for fps in (FPS, None))
    assert by_time.ids.tolist() == [1]
    assert by_count.ids.tolist() != [1]


def test_another_class_does_not_go_on_with_a_track_unless_told():
    frames = [seen(person(100), labels=[0])] * 5 + [seen(person(100), labels=[1])] * 2
    assert run(ByteTrack(), frames)[-1].ids.tolist() == [2]
    assert run(ByteTrack(class_agnostic=True), frames)[-1].ids.tolist() == [1]


def test_low_above_high_is_one_clear_line():
    with pytest.raises(UsageError, match="low and high"):
        ByteTrack(high=0.3, low=0.5)


def test_predicting_in_two_steps_equals_predicting_in_one():
    measurement = np.array([[50.0], [60.0], [0.4], [100.0]])
    once, twice = kalman_xyah.begin(measurement), kalman_xyah.begin(measurement)
    kalman_xyah.predict(once, 5.0)
    kalman_xyah.predict(twice, 1.5)
    kalman_xyah.predict(twice, 3.5)
    assert once == pytest.approx(twice)


def test_one_step_is_the_published_filter():
    measurement = np.array([[50.0], [60.0], [0.4], [100.0]])
    state = kalman_xyah.begin(measurement)
    p = np.diag(np.square([10, 10, 1e-2, 10, 6.25, 6.25, 1e-5, 6.25]))
    f, h = np.eye(8) + np.eye(8, k=4), np.eye(4, 8)
    q = np.diag(np.square([5, 5, 1e-2, 5, 0.625, 0.625, 1e-5, 0.625]))
    p = f @ p @ f.T + q
    s = h @ p @ h.T + np.diag(np.square([5, 5, 1e-1, 5]))
    gain = p @ h.T @ np.linalg.inv(s)
    innovation = np.array([4.0, -2.0, 0.05, 3.0])
    x = np.r_[measurement[:, 0], np.zeros(4)] + gain @ innovation
    kalman_xyah.predict(state)
    kalman_xyah.correct(state, measurement + innovation[:, None], np.ones(1))
    assert state[:2, :, 0].ravel() == pytest.approx(x)
    posterior = p - gain @ s @ gain.T
    assert state[2, :, 0] == pytest.approx(np.diag(posterior)[:4])
    assert state[4, :, 0] == pytest.approx(np.diag(posterior)[4:])
