"""Gap filling: which gaps, with what, and that nothing that was measured changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdet.errors import UsageError
from rtdet.tracks.offline import fill, smooth
from rtdet.tracks.table import FrameList, TrackTable

FPS = 10


def boxes_at(frames, velocity=4.0):
    """A box of 20 x 40 that walks to the right by `velocity` pixels a frame."""
    left = velocity * np.asarray(frames, dtype=np.float64)
    return np.stack([left, np.full_like(left, 50), left + 20, np.full_like(left, 90)], axis=1)


def walk(frames, *, listed=None, sizes=None, boxes=None, ids=None):
    """A table of these frames; `listed` are all frames of a file that lists them."""
    frames = np.asarray(frames, dtype=np.int64)
    ids = np.ones(len(frames)) if ids is None else np.asarray(ids)
    boxes = boxes_at(frames) if boxes is None else np.asarray(boxes, dtype=np.float64)
    numbers = np.unique(frames if listed is None else listed)
    frame_list = FrameList(numbers, (numbers - 1) / FPS, is_complete=listed is not None, sizes=sizes)
    return TrackTable(
        frames, ids, boxes, np.full(len(frames), 0.9), np.ones(len(frames)), frame_list, ("car", "person")
    )


def test_a_gap_is_filled_along_the_way_with_score_0_and_the_class_of_the_row_before():
    filled = fill(walk([1, 2, 3, 4, 8, 9, 10, 11]))
    assert filled.frames.tolist() == list(range(1, 12))
    new = filled.scores == 0
    assert filled.frames[new].tolist() == [5, 6, 7]
    assert np.allclose(filled.boxes, boxes_at(range(1, 12)), atol=0.05)
    assert set(filled.ids) == {1}
    assert set(filled.labels) == {1}
    assert filled.frame_list.numbers.tolist() == list(range(1, 12))
    assert np.allclose(filled.frame_list.times_s, np.arange(11) / FPS)


def test_a_curve_is_filled_as_a_curve():
    """A thing that is thrown up: the smoother is nearer to the arc than a straight line over the gap is."""
    t = np.arange(21) / FPS
    top = 300 - 200 * t + 100 * t**2
    boxes = np.stack([40 * t, top, 40 * t + 40, top + 40], axis=1)
    seen = np.r_[0:7, 14:21]
    filled = fill(walk(seen + 1, boxes=boxes[seen]))
    straight = np.interp(t, t[seen], boxes[seen, 1])
    assert len(filled) == 21
    assert np.abs(filled.boxes[:, 1] - top).max() < 0.7 * np.abs(straight - top).max()


@pytest.mark.parametrize(("gap_s", "added"), [(0.5, 4), (0.4999, 0), (0.499999, 4), (1.0, 4), (0.1, 0)])
def test_only_gaps_up_to_the_stated_length_are_filled(gap_s, added):
    """From one row to the next it is 0.5 s; rounding of times does not count."""
    table = walk([1, 2, 7, 8])
    assert len(fill(table, gap_s)) == len(table) + added


def test_a_file_that_lists_its_frames_gets_rows_in_those_only():
    filled = fill(walk([1, 4, 10], listed=[1, 4, 6, 7, 10, 15]))
    assert filled.frames.tolist() == [1, 4, 6, 7, 10]
    assert filled.frame_list.numbers.tolist() == [1, 4, 6, 7, 10, 15]


def test_a_file_of_every_third_frame_is_filled_at_every_third_frame():
    filled = fill(walk([1, 4, 7, 16, 19]), max_gap_s=2.0)
    assert filled.frames.tolist() == [1, 4, 7, 10, 13, 16, 19]


@pytest.mark.parametrize("listed", [None, [1, 4, 7, 10, 13]])
def test_frames_that_the_tracker_did_not_see_are_filled_on_request(listed):
    filled = fill(walk([1, 4, 10], listed=listed), every_frame=True)
    assert filled.frames.tolist() == list(range(1, 11))
    assert filled.scores.nonzero()[0].tolist() == [0, 3, 9]
    assert np.allclose(filled.boxes, boxes_at(range(1, 11)), atol=0.05)
    assert filled.frame_list.numbers.tolist() == [*range(1, 11), *((13,) if listed else ())]
    assert np.allclose(filled.frame_list.times_s, (filled.frame_list.numbers - 1) / FPS)


def test_pictures_keep_their_names_when_others_come_between_them():
    table = walk([1, 4], listed=[1, 4, 9])
    listed = FrameList(table.frame_list.numbers, table.frame_list.times_s, ("a.png", "d.png", "i.png"), True)
    filled = fill(replace(table, frame_list=listed), every_frame=True)
    assert filled.frame_list.names == ("a.png", "", "", "d.png", "i.png")


def test_other_tracks_tell_of_frames_but_do_not_end_a_gap():
    frames, ids = [1, 2, 3, 3, 4, 5, 5], [1, 1, 2, 9, 2, 1, 2]
    filled = fill(walk(frames, ids=ids))
    by_id = {i: filled.frames[filled.rows_of(i)].tolist() for i in (1, 2, 9)}
    assert by_id == {1: [1, 2, 3, 4, 5], 2: [3, 4, 5], 9: [3]}


def test_new_rows_end_at_the_edge_of_the_picture_where_its_size_is_known():
    frames = np.array([1, 2, 3, 7, 8, 9])
    boxes = boxes_at(frames) + np.array([100, 0, 120, 0])  # of what is half outside, as detectors guess it
    listed = np.arange(1, 10)
    sizes = np.full((9, 2), (130, 80))
    filled = fill(walk(frames, boxes=boxes, listed=listed, sizes=sizes))
    new = filled.scores == 0
    assert new.sum() == 3
    assert (filled.boxes[new, 2] == 130).all()
    assert (filled.boxes[new, 3] == 80).all()
    assert np.array_equal(filled.boxes[~new], boxes)
    without = fill(walk(frames, boxes=boxes, listed=listed))
    assert (without.boxes[new, 2] > 150).all()


def test_what_would_be_outside_of_the_picture_as_a_whole_gets_no_row():
    frames, boxes = np.array([1, 2, 4, 5]), boxes_at([1, 2, 4, 5]) - (200, 0, 200, 0)
    listed, sizes = np.arange(1, 6), np.full((5, 2), (640, 480))
    assert fill(walk(frames, boxes=boxes, listed=listed, sizes=sizes)).frames.tolist() == [1, 2, 4, 5]


def test_nothing_is_drawn_between_two_objects_that_had_one_id():
    boxes = boxes_at([1, 2, 3, 6, 7, 8]) + np.array([0, 0, 0, 500, 500, 500])[:, None]
    assert len(fill(walk([1, 2, 3, 6, 7, 8], boxes=boxes))) == 6


def test_filling_again_adds_nothing_and_smoothing_afterwards_keeps_the_marks():
    filled = fill(walk([1, 2, 3, 7, 8, 9]))
    assert len(fill(filled)) == len(filled)
    assert np.array_equal(smooth(filled).scores, filled.scores)


def test_no_row_and_one_row_have_no_gap():
    assert len(fill(walk([]))) == 0
    assert len(fill(walk([5]))) == 1


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf")])
def test_a_length_that_is_none_is_refused(wrong):
    with pytest.raises(UsageError, match="above 0"):
        fill(walk([1, 2]), wrong)


def test_numbers_and_times_that_do_not_belong_together_are_refused_before_memory_is_full(monkeypatch):
    """Frame numbers that are milliseconds, at times that are a frame apart."""
    monkeypatch.setattr("rtdet.tracks.offline.filling.MOST_ROWS", 1000)
    numbers = np.array([1, 2, 3, 2000, 2001])
    frame_list = FrameList(numbers, np.arange(5) / 30)
    table = TrackTable(numbers, np.ones(5), boxes_at(numbers), np.ones(5), np.zeros(5), frame_list)
    with pytest.raises(UsageError, match="do not fit together"):
        fill(table)


rows = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 4)), unique=True, max_size=40)


@settings(deadline=None, max_examples=60)
@given(rows, st.integers(0, 2**32 - 1), st.sampled_from([0.15, 0.5, 1.0, 10.0]), st.booleans())
def test_filling_never_changes_measured_rows_and_adds_only_within_gaps(rows, seed, max_gap_s, is_listed):
    rows = sorted(rows)
    frames, ids = [frame for frame, _ in rows], [track_id for _, track_id in rows]
    corners = np.sort(np.random.default_rng(seed).uniform(-100, 900, (len(rows), 2, 2)), axis=1).reshape(
        -1, 4
    )
    table = walk(frames, ids=ids, boxes=corners, listed=range(1, 41) if is_listed else None)
    filled = fill(table, max_gap_s)
    measured = filled.scores != 0
    for column in ("frames", "ids", "boxes", "scores", "labels", "visibility"):
        assert np.array_equal(getattr(filled, column)[measured], getattr(table, column))
    assert set(table.frame_list.numbers) <= set(filled.frame_list.numbers)
    assert np.isfinite(filled.boxes).all()
    for track_id in set(ids):
        own = np.array([frame for frame, i in rows if i == track_id])
        for frame in filled.frames[(filled.ids == track_id) & ~measured]:
            before, after = own[own < frame].max(), own[own > frame].min()
            assert (after - before) / FPS <= max_gap_s + 1e-4
