"""IDs mended by hand: what merge, split, swap, delete, rename, renumber and set_class do, and what they refuse."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.tracks.offline import delete, merge, rename, renumber, set_class, split, swap
from rtdet.tracks.table import LAST_ID, FrameList, TrackTable


def table_of(*rows):
    """Rows of (frame, ID), in order of frame; each has a box, a score and a class of its own; no two overlap."""
    frames, ids = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    numbers = np.unique(frames)
    boxes = 30 * np.arange(len(ids))[:, None] + np.array([0.0, 0.0, 10.0, 20.0])
    scores, labels = np.linspace(0.5, 0.9, len(ids)), np.arange(len(ids)) % 2
    frame_list = FrameList(numbers, numbers / 25)
    return TrackTable(frames, ids, boxes, scores, labels, frame_list, ("person", "car"))


TWO = table_of((1, 3), (2, 3), (2, 9), (5, 9), (6, 3))
BROKEN = table_of((1, 3), (2, 3), (2, 9), (4, 7), (5, 7), (5, 9))


def test_merging_gives_all_rows_of_the_second_the_id_of_the_first_and_changes_nothing_else():
    merged = merge(BROKEN, 3, 7)
    assert merged.ids.tolist() == [3, 3, 9, 3, 3, 9]
    assert BROKEN.ids.tolist() == [3, 3, 9, 7, 7, 9]
    for column in ("frames", "boxes", "scores", "labels", "visibility"):
        assert np.shares_memory(getattr(merged, column), getattr(BROKEN, column))


def test_a_merge_that_would_give_two_boxes_of_one_id_in_one_frame_names_the_frame():
    with pytest.raises(UsageError, match=r"IDs 3 and 9 cannot be merged: both are in frame 2, at different"):
        merge(TWO, 3, 9)
    both_always = table_of(*[(frame, track_id) for frame in range(1, 6) for track_id in (1, 2)])
    with pytest.raises(UsageError, match="both are in frame 1 and 4 more"):
        merge(both_always, 1, 2)


def test_of_two_boxes_of_one_object_a_merge_keeps_the_better_one():
    """Seen before predicted; of two that overlap, the higher score, and the first where they are equal."""
    table = replace(TWO, boxes=TWO.boxes * 0 + [0, 0, 10, 20])
    assert merge(table, 3, 9).scores.tolist() == [*TWO.scores[:1], *TWO.scores[2:]]
    assert merge(table, 3, 9).ids.tolist() == [3, 3, 3, 3]
    even = replace(table, scores=np.full(5, 0.5), labels=np.arange(5))
    assert merge(even, 3, 9).labels.tolist() == [0, 1, 3, 4]
    assert merge(even, 9, 3).labels.tolist() == [0, 2, 3, 4]
    for row, kept in ((1, [0, 2, 3, 4]), (2, [0, 1, 3, 4])):
        not_seen = {"seen": np.arange(5) != row}
        labelled = replace(TWO, labels=np.arange(5), values=not_seen)
        assert merge(labelled, 3, 9).labels.tolist() == kept
        filled = replace(TWO, labels=np.arange(5), scores=np.where(np.arange(5) == row, 0, 0.5))
        assert merge(filled, 3, 9).labels.tolist() == kept


def test_swapping_exchanges_two_ids_from_a_frame_on():
    table = table_of((1, 3), (1, 9), (2, 3), (3, 3), (3, 9), (4, 9))
    assert swap(table, 3, 9, 3).ids.tolist() == [3, 9, 3, 9, 3, 3]
    assert swap(table, 9, 3, 1).ids.tolist() == [9, 3, 9, 9, 3, 3]
    assert swap(table, 9, 3, 4).ids.tolist() == [3, 9, 3, 3, 9, 3]
    assert swap(swap(table, 3, 9, 2), 3, 9, 2).ids.tolist() == table.ids.tolist()
    with pytest.raises(UsageError, match=r"IDs 3 and 9 end in frame 4: there is nothing to swap from 5 on"):
        swap(table, 3, 9, 5)
    with pytest.raises(UsageError, match=r"two different IDs"):
        swap(table, 3, 3, 2)


def test_deleting_takes_a_track_or_some_of_its_frames_and_leaves_the_frames_listed():
    assert delete(TWO, 3).ids.tolist() == [9, 9]
    assert delete(TWO, 3, start=2).frames.tolist() == [1, 2, 5]
    assert delete(TWO, 3, 2, 5).frames.tolist() == [1, 2, 5, 6]
    assert delete(TWO, 3, end=1).frames.tolist() == [2, 2, 5, 6]
    assert delete(TWO, 3).frame_list is TWO.frame_list
    with pytest.raises(UsageError, match=r"ID 3 has no rows in frames from 3 to 5: it is in frames 1 to 6"):
        delete(TWO, 3, 3, 5)


def test_a_class_is_one_that_is_known_a_number_or_a_new_one():
    assert set_class(TWO, 9, "person").labels.tolist() == [0, 1, 0, 0, 0]
    dog = set_class(TWO, 9, "dog")
    assert (dog.labels.tolist(), dog.class_names) == ([0, 1, 2, 2, 0], ("person", "car", "dog"))
    numbers = replace(TWO, class_names=())
    assert set_class(numbers, 9, "4").labels.tolist() == [0, 1, 4, 4, 0]
    assert set_class(numbers, 9, "dog").class_names == ("0", "1", "dog")
    assert set_class(TWO, 9, "9" * 5000).class_names[-1] == "9" * 5000


def test_splitting_gives_the_rows_from_a_frame_on_the_next_free_id():
    assert split(TWO, 3, 2).ids.tolist() == [3, 10, 9, 9, 10]
    assert split(TWO, 3, 4, new=7).ids.tolist() == [3, 3, 9, 9, 7]
    assert split(TWO, 3, 4).ids.tolist() == [3, 3, 9, 9, 10]


@pytest.mark.parametrize("frame", [-5, 0, 1, 7, 10**12])
def test_a_cut_outside_of_the_track_says_where_it_could_be(frame):
    with pytest.raises(UsageError, match="split it at a frame from 2 to 6"):
        split(TWO, 3, frame)


def test_a_track_of_one_frame_and_ids_at_the_end_of_the_numbers_cannot_be_split():
    with pytest.raises(UsageError, match="there is an ID 9 already"):
        split(TWO, 3, 4, new=9)
    with pytest.raises(UsageError, match="frame 4 only"):
        split(table_of((4, 1)), 1, 4)
    with pytest.raises(UsageError, match="renumber"):
        split(table_of((1, LAST_ID), (2, LAST_ID)), LAST_ID, 2)


def test_renaming_takes_any_free_id_and_refuses_one_that_is_taken():
    assert rename(TWO, 3, 0).ids.tolist() == [0, 0, 9, 9, 0]
    with pytest.raises(
        UsageError, match="there is an ID 9 already; to make one track of both, merge 9 and 3"
    ):
        rename(TWO, 3, 9)
    for wrong in (-1, LAST_ID + 1, 10**30):
        with pytest.raises(UsageError, match="whole number"):
            rename(TWO, 3, wrong)


def test_renumbering_counts_tracks_from_1_as_they_begin():
    table = table_of((1, 40), (1, 12), (2, 7), (3, 12), (9, 0))
    assert renumber(table).ids.tolist() == [2, 1, 3, 1, 4]
    assert len(renumber(table_of())) == 0


@pytest.mark.parametrize(
    "edit",
    [
        lambda t: merge(t, 3, 4),
        lambda t: merge(t, 4, 3),
        lambda t: split(t, 4, 2),
        lambda t: rename(t, 4, 5),
        lambda t: swap(t, 3, 4, 2),
        lambda t: swap(t, 4, 3, 2),
        lambda t: delete(t, 4),
        lambda t: set_class(t, 4, "car"),
    ],
)
def test_an_id_that_is_not_there_is_refused_with_those_that_are(edit):
    with pytest.raises(UsageError, match=r"there is no ID 4 among these tracks: they go from 3 to 9"):
        edit(TWO)


def test_a_track_is_not_merged_with_itself_and_an_empty_table_has_nothing_to_edit():
    with pytest.raises(UsageError, match="two different IDs, not 3 twice"):
        merge(TWO, 3, 3)
    with pytest.raises(UsageError, match="there are none"):
        rename(table_of(), 1, 2)


def test_editing_does_not_load_scipy():
    program = "import sys, rtdet.tracks.offline, rtdet.tracks; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
