"""Boxes drawn and corrected by hand: what follows a correction and by how much, and what cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.tracks.offline import correct, draw
from rtdet.tracks.table import FrameList, TrackTable

FPS = 10


def walk(frames=range(1, 41), *, is_complete=True, size=(0, 0)):
    """ID 5 walks 4 pixels a frame, ID 6 stands."""
    numbers = np.array(sorted(frames))
    frames, ids = np.repeat(numbers, 2), np.tile([5, 6], len(numbers))
    left = np.where(ids == 5, 4.0 * frames, 300.0)
    boxes = np.stack([left, left * 0 + 50, left + 20, left * 0 + 90], axis=1)
    frame_list = FrameList(numbers, (numbers - 1) / FPS, (), is_complete, np.tile(size, (len(numbers), 1)))
    return TrackTable(frames, ids, boxes, np.full(len(ids), 0.7), ids % 2, frame_list, ("person", "car"))


def lefts(table, track_id=5):
    return table.boxes[table.rows_of(track_id), 0]


def test_a_corrected_box_is_exactly_that_and_its_neighbours_follow_less_and_less_for_a_second():
    table = walk()
    box = (90.0, 55.0, 110.0, 95.0)
    corrected = correct(table, 5, 20, box)
    assert corrected.boxes[corrected.rows_of(5)[19]].tolist() == list(box)
    moved = lefts(corrected) - lefts(table)
    assert moved[9:30] == pytest.approx([*np.arange(0, 10), 10, *np.arange(9, -1, -1)])
    assert (moved[:10] == 0).all()
    assert (moved[29:] == 0).all()
    assert np.array_equal(corrected.boxes[corrected.rows_of(6)], table.boxes[table.rows_of(6)])
    assert (table.boxes[table.rows_of(5), 1] == 50).all()


def test_a_resized_box_resizes_its_neighbours_by_a_share_of_the_factor():
    corrected = correct(
        walk(), 5, 20, (60.0, 30.0, 120.0, 110.0)
    )  # about the same centre, three times and twice
    sides = (corrected.boxes[:, 2:] - corrected.boxes[:, :2])[corrected.rows_of(5)]
    assert sides[19].tolist() == [60, 80]
    assert sides[14] == pytest.approx([20 * 3**0.5, 40 * 2**0.5])


def test_corrections_that_name_each_other_are_joined_by_straight_lines_in_whatever_order():
    table = walk()
    first, second = (50.0, 50.0, 70.0, 90.0), (130.0, 50.0, 150.0, 90.0)  # +10 in frame 10, +10 in frame 30
    one = correct(correct(table, 5, 10, first, end=30), 5, 30, second, start=10)
    other = correct(correct(table, 5, 30, second, start=10), 5, 10, first, end=30)
    for both in (one, other):
        assert (lefts(both) - lefts(table))[9:30] == pytest.approx(np.full(21, 10.0))
        assert both.boxes[both.rows_of(5)[9]].tolist() == list(first)
        assert both.boxes[both.rows_of(5)[29]].tolist() == list(second)


def test_a_correction_goes_by_time_and_ends_with_the_track():
    frames = [1, 2, 3, 13, 14, 15]
    corrected = correct(walk(frames), 5, 3, (22.0, 50.0, 42.0, 90.0))
    assert lefts(corrected) - 4.0 * np.array(frames) == pytest.approx([8, 9, 10, 0, 0, 0])
    late = correct(walk(frames), 5, 15, (60.0, 50.0, 80.0, 91.0), start=13)
    assert late.boxes[late.rows_of(5)[4], 3] == pytest.approx(90.5, abs=0.01)


def test_a_filled_row_that_is_corrected_was_seen_from_then_on():
    table = walk()
    values = {"seen": table.frames != 20}
    filled = replace(table, scores=np.where(table.frames == 20, 0.0, 0.7), values=values)
    corrected = correct(filled, 5, 20, (80.0, 50.0, 100.0, 90.0))
    row, other = corrected.rows_of(5)[19], corrected.rows_of(6)[19]
    assert (corrected.scores[row], bool(corrected.values["seen"][row])) == (1.0, True)
    assert (corrected.scores[other], bool(corrected.values["seen"][other])) == (0.0, False)


def test_what_follows_a_correction_stays_within_the_picture():
    table = walk(size=(170, 90))  # ID 5 leaves the picture in frame 38
    corrected = correct(table, 5, 36, (144.0, 50.0, 170.0, 90.0))
    was_within = table.boxes[table.rows_of(5), 2] <= 170
    assert (corrected.boxes[corrected.rows_of(5), 2][was_within] <= 170).all()
    assert corrected.boxes[corrected.rows_of(5), 2][39] == pytest.approx(170 + 3 * 0.6 + 10 * 1.3**0.6)


def test_a_drawn_box_is_a_row_of_score_1_and_of_the_tracks_class():
    table = replace(walk(), labels=(np.arange(80) // 20 + np.arange(80)) % 2)
    gap = table.only((table.frames != 20) | (table.ids != 5))
    drawn = draw(gap, 5, 20, (1.0, 2.0, 3.0, 4.0))
    row = drawn.rows_of(5)[19]
    assert (drawn.frames[row], drawn.scores[row], bool(drawn.values["seen"][row])) == (20, 1.0, True)
    assert drawn.boxes[row].tolist() == [1, 2, 3, 4]
    assert drawn.labels[row] in (gap.labels[gap.rows_of(5)[18]], gap.labels[gap.rows_of(5)[19]])
    assert len(drawn) == len(table)
    assert drawn.only((drawn.frames != 20) | (drawn.ids != 5)).boxes.tolist() == gap.boxes.tolist()


def test_a_box_may_begin_a_track_of_a_class():
    drawn = draw(walk(), 9, 1, (1.0, 2.0, 3.0, 4.0), "car")
    assert drawn.labels[drawn.rows_of(9)].tolist() == [1]
    assert draw(walk(), 9, 1, (1.0, 2.0, 3.0, 4.0)).labels[2] == 0


def test_a_frame_that_the_table_leaves_out_is_added_unless_the_table_lists_all():
    frames = [1, 2, 5, 6]
    drawn = draw(walk(frames, is_complete=False), 5, 3, (1.0, 2.0, 3.0, 4.0))
    assert drawn.frame_list.numbers.tolist() == [1, 2, 3, 5, 6]
    assert drawn.frame_list.times_s.tolist() == pytest.approx([0, 0.1, 0.2, 0.4, 0.5])
    with pytest.raises(UsageError, match=r"no frame 3 among those of these tracks: they go from 1 to 6 and"):
        draw(walk(frames), 5, 3, (1.0, 2.0, 3.0, 4.0))
    with pytest.raises(UsageError, match=r"no frame 7 among those of these tracks: they go from 1 to 6$"):
        draw(walk(frames, is_complete=False), 5, 7, (1.0, 2.0, 3.0, 4.0))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda t: draw(t, 5, 3, (1, 2, 3, 4)), "ID 5 is in frame 3 already: correct its box instead"),
        (lambda t: draw(t, -1, 3, (1, 2, 3, 4)), "whole number"),
        (lambda t: draw(t, 9, 3, (1, 2, 1, 4)), "a width and a height above 0, not 0 and 2"),
        (lambda t: draw(t, 9, 3, (1, 2, float("nan"), 4)), "four numbers of pixels"),
        (lambda t: draw(t, 9, 3, (1, 2, 3)), "four numbers of pixels"),
        (lambda t: correct(t, 5, 99, (1, 2, 3, 4)), "ID 5 has no box in frame 99: draw one instead"),
        (lambda t: correct(t, 7, 3, (1, 2, 3, 4)), "there is no ID 7"),
        (lambda t: correct(t, 5, 3, (1, 2, 3, float("inf"))), "four numbers of pixels"),
        (lambda t: correct(t, 5, 3, (1, 2, 3, 4), start=3), "frame 3 is not between the key frames 3 and"),
        (lambda t: correct(t, 5, 3, (1, 2, 3, 4), end=2), "frame 3 is not between the key frames"),
    ],
)  # fmt: skip
def test_a_box_that_cannot_be_is_refused_in_one_line(edit, words):
    with pytest.raises(UsageError, match=words):
        edit(walk())
