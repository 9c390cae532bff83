"""Edits as values and their log: undo and redo of everything to the byte, text, and other tracks of the same run."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdet.errors import SourceError, UnknownNameError, UsageError
from rtdet.tracks.offline import VERBS, Edit, EditLog, Edits, apply, history
from rtdet.tracks.table import FrameList, TrackTable


def table_of(rows, *, seed=0):
    """Rows of (frame, ID), in order of frame, on boxes that are far apart; some are not seen."""
    frames, ids = np.array(sorted(rows), dtype=np.int64).reshape(-1, 2).T
    numbers = np.arange(1, 13)
    rng = np.random.default_rng(seed)
    left = np.stack([100.0 * ids + 2 * frames, 10.0 * frames], axis=1)
    boxes = np.hstack([left, left + rng.uniform(10, 30, (len(ids), 2))])
    frame_list = FrameList(numbers, numbers / 25, (), True)
    values = {"seen": rng.random(len(ids)) < 0.8}
    return TrackTable(
        frames, ids, boxes, rng.random(len(ids)), ids % 2, frame_list, ("person", "car"), values
    )


WHOLE = table_of([(frame, track_id) for frame in range(1, 13) for track_id in (1, 2, 3)])
BROKEN = replace(table_of([(1, 3), (2, 3), (2, 9), (4, 7), (5, 7), (5, 9)]), values={})


def content(table):
    """Every byte of the table."""
    listed = table.frame_list
    columns = [table.frames, table.ids, table.boxes, table.scores, table.labels, *table.values.values()]
    columns += [listed.numbers, listed.times_s, listed.sizes]
    return (
        [(column.dtype, column.shape, column.tobytes()) for column in columns],
        table.class_names,
        listed.names,
    )


ID, FRAME = st.integers(0, 6), st.integers(1, 13)
BOX = st.tuples(st.floats(0, 500), st.floats(0, 100), st.floats(1, 60), st.floats(1, 60)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)
SIDE = st.none() | FRAME
EDIT = st.one_of(
    st.builds(Edit.of, st.just("merge"), first=ID, second=ID),
    st.builds(Edit.of, st.just("swap"), first=ID, second=ID, frame=FRAME),
    st.builds(Edit.of, st.just("split"), track_id=ID, frame=FRAME),
    st.builds(Edit.of, st.just("delete"), track_id=ID, start=SIDE, end=SIDE),
    st.builds(Edit.of, st.just("rename"), old=ID, new=ID),
    st.builds(Edit.of, st.just("set_class"), track_id=ID, name=st.sampled_from(["car", "dog", "7"])),
    st.builds(Edit.of, st.just("draw"), track_id=ID, frame=FRAME, box=BOX),
    st.builds(Edit.of, st.just("correct"), track_id=ID, frame=FRAME, box=BOX),
    st.builds(Edit.of, st.sampled_from(["renumber", "link", "fill", "smooth"])),
)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 5)), unique=True, max_size=40),
    st.lists(EDIT, max_size=15),
    st.sampled_from([2, 4, 100]),
)
def test_any_sequence_of_edits_is_undone_and_redone_to_the_byte_also_from_its_text(rows, wanted, most_tables):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "MOST_TABLES", most_tables)
        base = table_of(rows)
        before = content(base)
        edits = Edits(base)
        contents = [before]
        for edit in wanted:
            try:
                edits.add(edit)
            except UsageError:
                assert content(edits.table) == contents[-1]
            else:
                contents.append(content(edits.table))
        log = EditLog.from_text(edits.log.to_text())
        assert log.edits == edits.log.edits
        assert content(log.replay(base)) == contents[-1]
        for expected in reversed(contents[:-1]):
            edits.undo()
            assert content(edits.table) == expected
        assert edits.undo_text == ""
        for expected in contents[1:]:
            edits.redo()
            assert content(edits.table) == expected
        assert edits.redo_text == ""
        assert edits.unfitting == ()
        assert content(base) == before


def test_undo_and_redo_say_what_they_do():
    edits = Edits(BROKEN)
    edits.do("merge", first=3, second=7)
    edits.do("rename", old=9, new=1)
    edits.do("split", track_id=3, frame=5)
    edits.do("delete", track_id=3, start=2)
    edits.do("set_class", track_id=1, name="car")
    assert (edits.undo_text, edits.redo_text) == ("make 1 a car", "")
    texts = [edits.undo() for _ in range(5)]
    assert texts == [
        "make 1 a car", "delete 3 from frame 2", "split 3 at frame 5", "rename 9 to 1", "merge 3 and 7",
    ]  # fmt: skip
    assert edits.table is BROKEN
    assert (edits.undo_text, edits.redo_text) == ("", "merge 3 and 7")
    with pytest.raises(UsageError, match="nothing to undo"):
        edits.undo()


def test_a_new_edit_forgets_what_was_undone_and_a_refused_one_does_not():
    edits = Edits(BROKEN)
    edits.do("merge", first=3, second=7)
    edits.undo()
    with pytest.raises(UsageError, match="cannot be merged"):
        edits.do("merge", first=3, second=9)
    assert (edits.table is BROKEN, edits.redo_text) == (True, "merge 3 and 7")
    edits.do("rename", old=3, new=1)
    with pytest.raises(UsageError, match="nothing to redo"):
        edits.redo()
    assert len(edits.log.edits) == 1


def test_the_tables_that_are_kept_are_bounded_and_undo_is_not(monkeypatch):
    monkeypatch.setattr(history, "MOST_TABLES", 6)
    edits = Edits(BROKEN)
    for i in range(300):
        edits.do("rename", old=9 + i, new=10 + i)
        assert len(edits._kept) <= 6
    for i in reversed(range(300)):
        edits.undo()
        assert int(edits.table.ids.max()) == 9 + i
        assert len(edits._kept) <= 7
    monkeypatch.setattr(history, "MOST_BYTES", 0)
    edits = Edits(BROKEN)
    edits.do("renumber")
    edits.do("smooth")
    assert len(edits._kept) <= 3


def test_a_split_keeps_the_id_that_it_gave():
    edits = Edits(BROKEN)
    edits.do("split", track_id=9, frame=3)
    assert edits.log.edits[0].arguments["new"] == 10


def test_a_correction_reaches_to_the_key_frames_beside_it():
    edits = Edits(WHOLE)
    box = (100.0, 0.0, 130.0, 20.0)
    edits.do("correct", track_id=1, frame=2, box=box)
    edits.do("correct", track_id=1, frame=10, box=box)
    edits.do("correct", track_id=2, frame=7, box=box)
    edits.do("correct", track_id=1, frame=6, box=box)
    keys = [(one.arguments.get("start"), one.arguments.get("end")) for one in edits.log.edits]
    assert keys == [(None, None), (2, None), (None, None), (2, 10)]
    rows = edits.table.rows_of(1)
    assert edits.table.boxes[rows[[1, 5, 9]]].tolist() == [list(box)] * 3
    edits.undo()
    edits.do("correct", track_id=1, frame=6, box=box, end=8)
    assert edits.log.edits[-1].arguments["end"] == 8


def retracked(table, ids):
    """The same objects under other IDs."""
    return table.with_ids(np.array([ids[old] for old in table.ids.tolist()]))


def test_edits_find_their_tracks_again_when_a_new_tracking_numbers_them_otherwise():
    edits = Edits(WHOLE)
    edits.do("delete", track_id=2)
    edits.do("split", track_id=3, frame=7)
    edits.do("set_class", track_id=4, name="dog")
    edits.do("rename", old=1, new=30)
    other = retracked(WHOLE, {1: 3, 2: 4, 3: 1})
    edits.rebase(other)
    assert edits.unfitting == ()
    assert sorted(set(edits.table.ids.tolist())) == [1, 4, 30]
    assert edits.table.frames[edits.table.rows_of(4)].tolist() == list(range(7, 13))
    assert edits.table.class_names[edits.table.labels[edits.table.rows_of(4)[0]]] == "dog"
    place = WHOLE.boxes[WHOLE.rows_of(1)]
    assert np.array_equal(edits.table.boxes[edits.table.rows_of(30)], place)
    assert content(edits.log.replay(WHOLE)) != content(edits.table)


def test_an_edit_that_no_longer_fits_is_left_out_and_listed():
    edits = Edits(WHOLE)
    edits.do("swap", first=1, second=2, frame=6)
    edits.do("delete", track_id=3)
    edits.do("rename", old=1, new=8)
    without = WHOLE.only(WHOLE.ids != 3)
    edits.rebase(without)
    assert [(one.place, one.why) for one in edits.unfitting] == [(1, "no track is where ID 3 was in frame 7")]
    assert sorted(set(edits.table.ids.tolist())) == [2, 8]
    # The tracker no longer takes one for the other in frame 6: there is nothing to swap.
    ids = np.where(WHOLE.frames >= 6, np.choose(WHOLE.ids, [0, 2, 1, 3]), WHOLE.ids)
    edits.rebase(WHOLE.with_ids(ids))
    assert [one.place for one in edits.unfitting] == [0]
    assert "no longer one track around frame 6" in edits.unfitting[0].why
    edits.undo()
    edits.undo()
    edits.undo()
    assert edits.unfitting == ()
    assert np.array_equal(edits.table.ids, ids)


def test_ids_that_an_edit_gave_are_others_where_a_new_tracking_has_taken_them():
    edits = Edits(WHOLE)
    edits.do("split", track_id=1, frame=7)
    edits.do("draw", track_id=9, frame=3, box=(900.0, 0.0, 910.0, 20.0))
    more = retracked(WHOLE, {1: 1, 2: 4, 3: 9})
    edits.rebase(more)
    assert edits.unfitting == ()
    assert sorted(set(edits.table.ids.tolist())) == [1, 4, 9, 10, 11]
    assert len(edits.table.rows_of(11)) == 1


@settings(deadline=None, max_examples=60)
@given(
    st.lists(EDIT, max_size=10),
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 5)), unique=True, max_size=40),
)
def test_no_edit_fails_on_other_tracks(wanted, rows):
    log, table = EditLog(), WHOLE
    for edit in wanted:
        try:
            table = log.do(table, edit)
        except UsageError:
            continue
    other = log.replayed(table_of(rows, seed=1))
    assert all(len(one.why.splitlines()) == 1 for one in other.unfitting)
    assert len(other.unfitting) <= log.position


def test_every_verb_can_be_said_and_its_arguments_are_checked():
    words = {
        "merge": {"first": 1, "second": 2}, "swap": {"first": 1, "second": 2, "frame": 3},
        "split": {"track_id": 1, "frame": 4}, "delete": {"track_id": 1}, "rename": {"old": 1, "new": 8},
        "set_class": {"track_id": 1, "name": "car"}, "draw": {"track_id": 9, "frame": 1, "box": (0, 0, 5, 5)},
        "correct": {"track_id": 1, "frame": 1, "box": (0, 0, 5, 5)}, "renumber": {}, "link": {"max_gap_s": 2.0},
        "fill": {"every_frame": True}, "smooth": {},
    }  # fmt: skip
    assert set(words) == set(VERBS)
    table = WHOLE.only(((WHOLE.ids == 1) & (WHOLE.frames < 6)) | ((WHOLE.ids == 2) & (WHOLE.frames > 5)))
    for verb, arguments in words.items():
        edit = Edit.of(verb, **arguments)
        assert str(edit).startswith("make" if verb == "set_class" else verb)
        assert isinstance(apply(table, edit), TrackTable)
    with pytest.raises(UnknownNameError, match="unknown edit 'merg': did you mean merge"):
        Edit.of("merg", first=1, second=2)
    with pytest.raises(UnknownNameError, match="unknown argument of merge 'third'"):
        Edit.of("merge", first=1, second=2, third=3)
    with pytest.raises(UsageError, match="swap needs second and frame"):
        Edit.of("swap", first=1)


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("merge", {"first": True, "second": 2}), ("merge", {"first": "1", "second": 2}),
        ("merge", {"first": -1, "second": 2}), ("split", {"track_id": 1, "frame": 0}),
        ("split", {"track_id": 1, "frame": 2.5}), ("draw", {"track_id": 1, "frame": 2, "box": "abcd"}),
        ("draw", {"track_id": 1, "frame": 2, "box": [0, 0, float("nan"), 1]}),
        ("draw", {"track_id": 1, "frame": 2, "box": [0, 0, 0, 1]}), ("set_class", {"track_id": 1, "name": ""}),
        ("set_class", {"track_id": 1, "name": "a\nb"}), ("link", {"max_gap_s": float("inf")}),
        ("link", {"max_gap_s": 0}), ("fill", {"every_frame": 1}),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_are_refused(verb, arguments):
    with pytest.raises(UsageError, match=verb):
        Edit(verb, arguments)


GOOD = '{"format": "rtdet-edits", "version": 1, "position": 0, "edits": []}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"), ("[" * 100_000, "not JSON"), ("[]", '"format": "rtdet-edits"'),
        ('{"format": "geojson"}', '"format": "rtdet-edits"'), (GOOD.replace("1", "2"), "a newer rtdet"),
        (GOOD.replace("[]", "7"), "no list of edits"), (GOOD.replace("0", "1"), "position 1 is not among 0"),
        (GOOD.replace("0", "true"), "position True"), (GOOD.replace("[]", "[3]"), "edit 1 is damaged: it has"),
        (GOOD.replace("[]", '[{"verb": "melt"}]'), "edit 1: unknown edit 'melt'"),
        (GOOD.replace("[]", '[{"verb": "renumber"}, {"verb": "split", "track_id": 4}]'), "edit 2: split needs frame"),
        (GOOD.replace("[]", '[{"verb": "renumber", "at": [[1, 2]]}]'), "edit 1 is damaged"),
        (GOOD.replace("[]", '[{"verb": "renumber", "at": [[1, 2, [1, 2, 3, NaN]]]}]'), "edit 1: at: a place"),
        (GOOD.replace("[]", '[{"verb": "renumber", "at": 5}]'), "edit 1 is damaged"),
    ],
)  # fmt: skip
def test_what_is_damaged_is_said_in_one_line(text, words):
    with pytest.raises(SourceError) as caught:
        EditLog.from_text(text, "street.rtdet: its edits")
    message = str(caught.value)
    assert message.startswith("street.rtdet: its edits cannot be read: ")
    assert words in message
    assert len(message.splitlines()) == 1


def test_a_text_holds_what_was_undone_too_and_can_be_read_by_a_person():
    edits = Edits(WHOLE)
    edits.do("delete", track_id=2, start=3)
    edits.do("set_class", track_id=1, name="café")
    edits.undo()
    log = EditLog.from_text(edits.log.to_text())
    assert (log.position, log.redo_text) == (1, "make 1 a café")
    first = json.loads(edits.log.to_text())["edits"][0]
    assert {name: first[name] for name in ("verb", "track_id", "start")} == {
        "verb": "delete", "track_id": 2, "start": 3,
    }  # fmt: skip
    assert len(edits.log.to_text().splitlines()) == 4
    assert EditLog.from_text(EditLog().to_text()).edits == ()
