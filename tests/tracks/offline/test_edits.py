"""Corrections by hand: what merge, split, rename and renumber do, what they refuse, and undo."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdet.errors import UsageError
from rtdet.tracks.offline import Edits, history, merge, rename, renumber, split
from rtdet.tracks.table import LAST_ID, FrameList, TrackTable


def table_of(*rows):
    """Rows of (frame, ID), in order of frame; each has a box, a score and a class of its own."""
    frames, ids = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    numbers = np.unique(frames)
    boxes = np.arange(len(ids))[:, None] + np.array([0.0, 0.0, 10.0, 20.0])
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
    with pytest.raises(UsageError, match=r"IDs 3 and 9 cannot be merged: both are in frame 2$"):
        merge(TWO, 3, 9)
    both_always = table_of(*[(frame, track_id) for frame in range(1, 6) for track_id in (1, 2)])
    with pytest.raises(UsageError, match="both are in frame 1 and 4 more"):
        merge(both_always, 1, 2)


def test_splitting_gives_the_rows_from_a_frame_on_the_next_free_id():
    assert split(TWO, 3, 2).ids.tolist() == [3, 10, 9, 9, 10]
    assert split(TWO, 3, 4).ids.tolist() == [3, 3, 9, 9, 10]


@pytest.mark.parametrize("frame", [-5, 0, 1, 7, 10**12])
def test_a_cut_outside_of_the_track_says_where_it_could_be(frame):
    with pytest.raises(UsageError, match="split it at a frame from 2 to 6"):
        split(TWO, 3, frame)


def test_a_track_of_one_frame_and_ids_at_the_end_of_the_numbers_cannot_be_split():
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
    [lambda t: merge(t, 3, 4), lambda t: merge(t, 4, 3), lambda t: split(t, 4, 2), lambda t: rename(t, 4, 5)],
)
def test_an_id_that_is_not_there_is_refused_with_those_that_are(edit):
    with pytest.raises(UsageError, match=r"there is no ID 4 among these tracks: they go from 3 to 9"):
        edit(TWO)


def test_a_track_is_not_merged_with_itself_and_an_empty_table_has_nothing_to_edit():
    with pytest.raises(UsageError, match="two different IDs, not 3 twice"):
        merge(TWO, 3, 3)
    with pytest.raises(UsageError, match="there are none"):
        rename(table_of(), 1, 2)


def test_undo_and_redo_go_through_the_edits_and_say_what_they_were():
    edits = Edits(BROKEN)
    edits.merge(3, 7)
    edits.rename(9, 1)
    edits.split(3, 5)
    edits.renumber()
    seen = [edits.table.ids.tolist()]
    assert (edits.undo_text, edits.redo_text) == ("renumber", "")
    for what in ("renumber", "split 3 at frame 5", "rename 9 to 1", "merge 3 and 7"):
        assert edits.undo() == what
        seen.append(edits.table.ids.tolist())
    assert edits.table is BROKEN
    assert (edits.undo_text, edits.redo_text) == ("", "merge 3 and 7")
    for ids in reversed(seen[:-1]):
        edits.redo()
        assert edits.table.ids.tolist() == ids


def test_there_is_nothing_to_undo_at_first_and_nothing_to_redo_after_a_new_edit():
    edits = Edits(BROKEN)
    with pytest.raises(UsageError, match="nothing to undo"):
        edits.undo()
    edits.merge(3, 7)
    edits.undo()
    edits.rename(3, 1)
    with pytest.raises(UsageError, match="nothing to redo"):
        edits.redo()


def test_a_refused_edit_changes_nothing_and_leaves_redo_alone():
    edits = Edits(BROKEN)
    edits.merge(3, 7)
    edits.undo()
    with pytest.raises(UsageError):
        edits.merge(3, 9)
    assert edits.table is BROKEN
    assert edits.redo_text == "merge 3 and 7"


def test_steps_are_bounded_in_number_and_in_memory(monkeypatch):
    def undone(steps):
        edits = Edits(TWO)
        for i in range(steps):
            edits.rename(9 + i, 10 + i)
        while edits.undo_text:
            edits.undo()
        return int(edits.table.ids.max()) - 9

    assert undone(history.MOST_STEPS) == 0
    assert undone(history.MOST_STEPS + 7) == 7
    monkeypatch.setattr(history, "MOST_BYTES", 2 * TWO.ids.nbytes)
    assert undone(5) == 3


def test_editing_does_not_load_scipy():
    program = "import sys, rtdet.tracks.offline, rtdet.tracks; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


EDIT = st.one_of(
    st.tuples(st.just("merge"), st.integers(0, 6), st.integers(0, 6)),
    st.tuples(st.just("split"), st.integers(0, 6), st.integers(1, 9)),
    st.tuples(st.just("rename"), st.integers(0, 6), st.integers(0, 9)),
    st.tuples(st.just("renumber")),
)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(1, 8), st.integers(0, 6)), unique=True, max_size=25),
    st.lists(EDIT, max_size=12),
)
def test_undo_restores_every_table_of_any_sequence_of_edits_and_redo_brings_it_back(rows, wanted):
    table = table_of(*sorted(rows))
    edits = Edits(table)
    tables = [table]
    for name, *arguments in wanted:
        try:
            getattr(edits, name)(*arguments)
        except UsageError:
            assert edits.table is tables[-1]
        else:
            tables.append(edits.table)
    for before in reversed(tables[:-1]):
        edits.undo()
        assert edits.table is before
    for after in tables[1:]:
        edits.redo()
        assert edits.table is after
    # Every one of them is still one row an ID and frame, with the other columns as they were.
    for after in tables:
        assert len(set(zip(after.frames.tolist(), after.ids.tolist(), strict=True))) == len(rows)
        assert np.array_equal(after.boxes, table.boxes)
