"""Linking: who gets the first ID back, and who does not."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.tracks.offline import link
from rtdet.tracks.table import FrameList, TrackTable

FPS = 10


def tracks(*parts):
    """A table of tracks, each (ID, frames, left edge at frame 0, pixels a frame[, class[, width]])."""
    rows = []
    for track_id, frames, start, velocity, *rest in parts:
        label, width = (*rest, *(0, 20)[len(rest) :])
        for frame in frames:
            left = start + velocity * frame
            rows.append((frame, track_id, left, 50, left + width, 50 + 2 * width, label))
    table = np.array(sorted(rows), dtype=np.float64).reshape(-1, 7)
    numbers = np.unique(table[:, 0])
    frame_list = FrameList(numbers, (numbers - 1) / FPS)
    return TrackTable(table[:, 0], table[:, 1], table[:, 2:6], np.ones(len(table)), table[:, 6], frame_list)


def linked_ids(*parts, **settings):
    return sorted(set(link(tracks(*parts), **settings).ids.tolist()))


def test_who_comes_back_where_they_were_going_has_their_first_id_and_all_rows_stay():
    table = tracks((5, range(1, 11), 0, 4), (8, range(15, 25), 0, 4), (2, range(1, 25), 400, 0))
    linked = link(table)
    assert set(linked.ids.tolist()) == {5, 2}
    assert np.array_equal(linked.boxes, table.boxes)
    assert np.array_equal(linked.frames, table.frames)


def test_a_chain_of_parts_has_the_first_id():
    assert linked_ids((9, range(1, 8), 0, 3), (4, range(10, 17), 0, 3), (6, range(19, 26), 0, 3)) == [9]


@pytest.mark.parametrize(
    ("why", "second"),
    [
        ("too late", (2, range(22, 30), 0, 4)),
        ("elsewhere", (2, range(14, 22), 60, 4)),
        ("another class", (2, range(14, 22), 0, 4, 1)),
        ("another size", (2, range(14, 22), 0, 4, 0, 40)),
        ("there already", (2, range(9, 22), 0, 4)),
    ],
)
def test_another_object_keeps_its_own_id(why, second):
    assert linked_ids((1, range(1, 11), 0, 4), second) == [1, 2]


def test_the_longest_gap_can_be_chosen():
    parts = ((1, range(1, 11), 0, 4), (2, range(25, 35), 0, 4))
    assert linked_ids(*parts) == [1, 2]
    assert linked_ids(*parts, max_gap_s=1.5) == [1]


def test_of_two_that_come_back_the_nearer_is_the_one():
    first = (1, range(1, 11), 0, 4)
    assert linked_ids(first, (2, range(14, 22), 4, 4), (3, range(14, 22), 1, 4)) == [1, 2]


def test_people_who_cross_unseen_are_not_exchanged():
    parts = (
        (1, range(1, 11), 0, 4), (2, range(1, 11), 120, -4),
        (3, range(19, 30), 120, -4), (4, range(19, 30), 0, 4),
    )  # fmt: skip
    linked = link(tracks(*parts))
    last = linked.frames == 29
    assert dict(zip(linked.ids[last].tolist(), linked.boxes[last, 0].tolist(), strict=True)) == {1: 116, 2: 4}


def test_no_track_and_one_track_are_taken_and_a_length_that_is_none_is_refused():
    assert len(link(tracks())) == 0
    assert linked_ids((1, [3], 0, 0)) == [1]
    with pytest.raises(UsageError, match="above 0"):
        link(tracks(), 0)
