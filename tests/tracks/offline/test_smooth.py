"""Smoothing: a straight way stays, noise goes, time is true, and every small table is taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdet.tracks.offline import smooth
from rtdet.tracks.table import FrameList, TrackTable


def one_track(boxes, times_s, scores=None, frames=None, track_id=1):
    frames = np.arange(1, len(boxes) + 1) if frames is None else np.asarray(frames)
    scores = np.full(len(boxes), 0.9) if scores is None else np.asarray(scores)
    ids, labels = np.full(len(boxes), track_id), np.zeros(len(boxes), dtype=np.int64)
    frame_list = FrameList(frames, np.asarray(times_s, dtype=np.float64))
    return TrackTable(frames, ids, np.asarray(boxes, dtype=np.float64), scores, labels, frame_list)


def on_a_line(times_s, start, velocity, size):
    center = np.asarray(start) + np.outer(times_s, velocity)
    half = np.asarray(size) / 2
    return np.concatenate([center - half, center + half], axis=1)


pixels = st.floats(-2000, 2000)
sides = st.floats(2, 500)
speeds = st.floats(-7, 7)  # in sizes a second


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.floats(0.01, 2.0), max_size=25),
    st.tuples(pixels, pixels),
    st.tuples(speeds, speeds),
    st.tuples(sides, sides),
)
def test_smoothing_a_straight_line_gives_the_line_whatever_the_steps(steps_s, start, speed, sides):
    times_s = np.cumsum([0.0, *steps_s])
    size = np.sqrt(np.prod(sides))
    boxes = on_a_line(times_s, start, np.array(speed) * size, sides)
    smoothed = smooth(one_track(boxes, times_s))
    assert np.allclose(smoothed.boxes, boxes, atol=1e-3 * size)


def test_an_id_that_went_over_to_another_object_draws_neither_of_them_to_the_other():
    times_s = np.arange(20) / 10
    first = on_a_line(times_s[:10], (100, 100), (30, 0), (20, 40))
    second = on_a_line(times_s[10:], (900, 500), (-30, 5), (60, 80))
    boxes = np.concatenate([first, second])
    assert np.allclose(smooth(one_track(boxes, times_s)).boxes, boxes, atol=0.01)


wild = st.floats(-9.99e8, 9.99e8) | st.floats(-1, 1) | st.sampled_from([0.0, 5.0, 1e-12, -9.99e8])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(wild, wild, wild, wild, st.sampled_from([0.0, 0.9])), max_size=12),
    st.floats(1e-6, 1e4),
)
def test_teleporting_vanishing_and_inverted_boxes_give_a_table_again(rows, step_s):
    boxes = np.array([row[:4] for row in rows]).reshape(-1, 4)
    scores = np.array([row[4] for row in rows])
    smoothed = smooth(one_track(boxes, step_s * np.arange(len(rows)), scores))
    assert len(smoothed) == len(rows)


def test_smoothing_takes_most_of_the_noise_away_from_centre_and_size():
    times_s = np.arange(60) / 30
    truth = on_a_line(times_s, (300, 200), (90, -20), (40, 100))
    noise = np.random.default_rng(0).normal(0, 3, truth.shape)
    smoothed = smooth(one_track(truth + noise, times_s)).boxes
    assert np.abs(smoothed - truth).mean() < 0.5 * np.abs(noise).mean()
    assert np.abs(np.diff(smoothed, 2, axis=0)).max() < 0.2 * np.abs(np.diff(truth + noise, 2, axis=0)).max()


def test_only_boxes_change_and_each_track_is_smoothed_by_itself():
    rng = np.random.default_rng(1)
    times_s = np.arange(20) / 10
    tracks = [on_a_line(times_s, (x, 50), (30, 0), (20, 40)) + rng.normal(0, 1, (20, 4)) for x in (0, 400)]
    frames, ids = np.repeat(np.arange(1, 21), 2), np.tile([4, 2], 20)
    boxes = np.stack(tracks, axis=1).reshape(-1, 4)
    scores, visibility = rng.uniform(0.1, 1, 40), rng.uniform(0, 1, 40)
    frame_list = FrameList(np.arange(1, 21), times_s)
    table = TrackTable(
        frames, ids, boxes, scores, ids % 3, frame_list, ("a", "b", "c"), {"visibility": visibility}
    )
    smoothed = smooth(table)
    for column in ("frames", "ids", "scores", "labels", "visibility", "frame_list", "class_names"):
        assert getattr(smoothed, column) is getattr(table, column)
    for track_id, own in ((4, tracks[0]), (2, tracks[1])):
        alone = smooth(one_track(own, times_s))
        assert np.array_equal(smoothed.boxes[smoothed.rows_of(track_id)], alone.boxes)


def test_dropped_frames_count_with_the_time_that_they_took():
    """Every third frame of a steady walk, at its true times, is the walk; as if steady, it would not be."""
    frames = np.array([1, 2, 3, 12, 13, 14, 40, 41, 42])
    times_s = (frames - 1) / 30
    boxes = on_a_line(times_s, (0, 100), (120, 0), (30, 60))
    assert np.allclose(smooth(one_track(boxes, times_s, frames=frames)).boxes, boxes, atol=0.05)
    as_if_steady = smooth(one_track(boxes, np.arange(9) / 30, frames=frames)).boxes
    assert np.abs(as_if_steady - boxes).max() > 1


def test_what_lay_within_the_picture_stays_within_it_and_only_that():
    """Somebody walks out to the left and stops at the edge, as a detector sees it that knows the edge."""
    times_s = np.arange(20) / 10
    walk = on_a_line(times_s, (60, 50), (-40, 0), (20, 40))
    sizes = np.full((20, 2), (640, 480))
    frame_list = FrameList(np.arange(1, 21), times_s, sizes=sizes)
    at_edge = replace(one_track(np.maximum(walk, [0, 0, 5, 0]), times_s), frame_list=frame_list)
    smoothed = smooth(at_edge).boxes
    assert smoothed[:, 0].min() == 0
    assert smooth(replace(at_edge, frame_list=FrameList(np.arange(1, 21), times_s))).boxes[:, 0].min() < 0
    beyond = smooth(replace(at_edge, boxes=walk)).boxes
    assert np.allclose(beyond[12:], walk[12:], atol=0.05)


def test_rows_that_were_filled_in_follow_what_was_seen():
    times_s = np.arange(9) / 10
    boxes = on_a_line(times_s, (0, 0), (100, 0), (20, 20))
    boxes[4] += 15  # somebody's wrong guess, of score 0
    scores = np.where(np.arange(9) == 4, 0.0, 0.8)
    straight = on_a_line(times_s, (0, 0), (100, 0), (20, 20))
    assert np.allclose(smooth(one_track(boxes, times_s, scores)).boxes, straight, atol=0.02)
    without_scores = smooth(one_track(boxes, times_s, np.zeros(9))).boxes
    assert np.abs(without_scores - straight).max() > 1


@pytest.mark.parametrize(
    "times_s", [[0, 0, 0, 0], [3, 2, 1, 0], [np.nan] * 4, [0, np.inf, -1e300, 5], [0, 1e9, 2e9, 3e9]]
)
def test_timestamps_that_make_no_sense_still_give_finite_boxes_near_the_measured(times_s):
    boxes = on_a_line(np.arange(4), (100, 100), (5, 0), (50, 50))
    smoothed = smooth(one_track(boxes, times_s))
    assert np.allclose(smoothed.boxes, boxes, atol=5)


def test_no_row_one_row_and_boxes_without_area_are_taken():
    nothing = TrackTable(
        *(np.zeros(0),) * 2, np.zeros((0, 4)), *(np.zeros(0),) * 2, FrameList(np.zeros(0), np.zeros(0))
    )
    assert len(smooth(nothing)) == 0
    one = one_track([[1, 2, 30, 40]], [0.0])
    assert np.array_equal(smooth(one).boxes, one.boxes)
    flat = one_track([[5, 5, 5, 5], [6, 5, 6, 9], [9, 9, 3, 3]], [0, 1, 2])
    assert np.isfinite(smooth(flat).boxes).all()


def test_the_same_table_gives_the_same_bytes():
    times_s = np.arange(30) / 30
    boxes = on_a_line(times_s, (0, 0), (9, 9), (20, 20)) + np.random.default_rng(2).normal(0, 1, (30, 4))
    assert (
        smooth(one_track(boxes, times_s)).boxes.tobytes() == smooth(one_track(boxes, times_s)).boxes.tobytes()
    )


def test_a_row_that_was_only_predicted_moves_with_what_was_seen():
    frames, seen = np.arange(1, 12), np.ones(11, dtype=bool)
    boxes = np.array([[10.0 * i, 10, 10 * i + 40, 90] for i in range(11)])
    boxes[5] += [30, 0, 30, 0]  # the tracker thought that it ran on
    seen[5] = False
    ones = np.ones(11)
    listed = FrameList(frames, (frames - 1) / 25)
    table = TrackTable(frames, ones, boxes, ones, ones * 0, listed, (), {"seen": seen})
    believed = TrackTable(frames, ones, boxes, ones, ones * 0, listed)
    assert smooth(table).boxes[5, 0] == pytest.approx(50, abs=1)
    assert smooth(believed).boxes[5, 0] > 53
