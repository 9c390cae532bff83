"""`rtdet tracks` on a kept run: edits are kept in it, undone and redone, and its tracks are the mended ones."""

from __future__ import annotations

import os
import sqlite3

import numpy as np
import pytest

from rtdet.kept import About, KeptRun, KeptRunWriter, edits_of, retracked, reviewed_tracks
from rtdet.kept.about import now
from rtdet.pipeline.kept_frame import KeptFrame
from rtdet.tracks import read_table
from rtdet.types import Detections


@pytest.fixture
def run(tmp_path):
    """Three people, one of whom is gone in frames 15 to 60 and gets a new ID after that."""
    info = {"name": "film.mp4", "width": 640, "height": 480, "fps": 25.0}
    path = tmp_path / "RUN.rtdet"
    about = About(
        source="film.mp4", source_info=info, class_names=("person", "car"), suppression="nms", began_at=now()
    )
    writer = KeptRunWriter(path, lambda: about)
    for number in range(1, 81):
        boxes = [(100.0, 50.0, 140.0, 150.0), (300.0 + number, 50.0, 340.0 + number, 150.0)]
        if not 15 <= number <= 60:
            boxes.append((500.0, 250.0, 540.0, 350.0))
        found = Detections(
            np.array(boxes), np.linspace(0.9, 0.8, len(boxes)), np.zeros(len(boxes)), ("person", "car")
        )
        writer.write(KeptFrame(number, (number - 1) / 25, (number - 1) * 512, (640, 480), "", found))
    writer.close()
    return path


def ids(path):
    with KeptRun(path) as run:
        table = reviewed_tracks(run)
    return sorted(set(table.ids.tolist()))


def test_an_edit_is_kept_undone_and_redone(rtdet, run):
    assert ids(run) == [1, 2, 3, 4]
    assert rtdet("tracks", "merge", "RUN.rtdet", "3,4").err.startswith("kept in RUN.rtdet: ID 3 now has ")
    assert ids(run) == [1, 2, 3]
    assert rtdet("tracks", "delete", "RUN.rtdet", "1").err == "kept in RUN.rtdet: ID 1 has 0 rows left\n"
    assert ids(run) == [2, 3]
    assert rtdet("tracks", "undo", "RUN.rtdet").err == "undone in RUN.rtdet: delete 1\n"
    assert ids(run) == [1, 2, 3]
    assert rtdet("tracks", "log", "RUN.rtdet").out == "   1  merge 3 and 4\n   2  delete 1  (undone)\n"
    assert rtdet("tracks", "redo", "RUN.rtdet").err == "redone in RUN.rtdet: delete 1\n"
    outcome = rtdet("tracks", "redo", "RUN.rtdet")
    assert (outcome.code, outcome.err) == (2, "rtdet: error: there is nothing to redo\n")
    rtdet("tracks", "undo", "RUN.rtdet")
    rtdet("tracks", "undo", "RUN.rtdet")
    with KeptRun(run) as opened:
        base, mended = retracked(opened), reviewed_tracks(opened)
    assert base.boxes.tobytes() == mended.boxes.tobytes()
    assert base.ids.tobytes() == mended.ids.tobytes()


def test_every_verb_can_be_kept_and_the_mended_tracks_exported(rtdet, run, tmp_path):
    commands = [
        ["swap", "1,2", "--frame", "40"], ["split", "2", "--frame", "60"], ["rename", "1", "11"],
        ["class", "11", "car"], ["draw", "3", "--frame", "20", "--box", "500,250,40,100"],
        ["correct", "3", "--frame", "10", "--box", "505,250,40,100"], ["link", "--max-gap-s", "2"], ["fill"],
        ["smooth"], ["renumber"],
    ]  # fmt: skip
    for verb, *arguments in commands:
        outcome = rtdet("tracks", verb, "RUN.rtdet", *arguments)
        assert (outcome.code, outcome.err[:18]) == (0, "kept in RUN.rtdet:")
    with KeptRun(run) as opened:
        log, table = edits_of(opened), reviewed_tracks(opened)
    assert [edit.verb.replace("set_", "") for edit in log.edits] == [command[0] for command in commands]
    assert rtdet("tracks", "export", "RUN.rtdet", "--out", "b.parquet").code == 0
    written = read_table(tmp_path / "b.parquet")
    order = np.lexsort((table.ids, table.frames))
    assert written.ids.tolist() == table.ids[order].tolist()
    assert written.boxes == pytest.approx(table.boxes[order], abs=0.01)
    assert len(rtdet("tracks", "log", "RUN.rtdet").out.splitlines()) == len(commands)


def test_with_out_the_mended_tracks_are_written_too(rtdet, run, tmp_path):
    outcome = rtdet("tracks", "delete", "RUN.rtdet", "1", "--out", "b.csv")
    assert outcome.err.splitlines()[1] == "wrote b.csv: 3 tracks"
    assert 1 not in read_table(tmp_path / "b.csv").ids
    assert ids(run) == [2, 3, 4]


def test_of_several_edits_of_one_command_all_are_kept_or_none(rtdet, run):
    outcome = rtdet("tracks", "merge", "RUN.rtdet", "3,4,1")
    assert (outcome.code, len(outcome.errors)) == (2, 1)
    assert ids(run) == [1, 2, 3, 4]
    assert rtdet("tracks", "log", "RUN.rtdet").err == "RUN.rtdet has no edits\n"


def test_an_edit_that_does_not_fit_is_left_out_and_listed(rtdet, run):
    rtdet("tracks", "draw", "RUN.rtdet", "9", "--frame", "3", "--box", "10,20,30,40")
    rtdet("tracks", "class", "RUN.rtdet", "9", "car")
    with sqlite3.connect(run) as database:
        text = (
            database.execute("SELECT text FROM documents").fetchone()[0].replace('"frame": 3', '"frame": 4')
        )
        database.execute("REPLACE INTO documents VALUES ('edits', ?)", (text,))
    database.close()
    outcome = rtdet("tracks", "log", "RUN.rtdet")
    assert (
        outcome.out.splitlines()[1] == "   2  make 9 a car  (left out: no track is where ID 9 was in frame 3)"
    )
    assert rtdet("tracks", "delete", "RUN.rtdet", "1").err.splitlines()[1] == (
        "1 edit of RUN.rtdet left out: see rtdet tracks log RUN.rtdet"
    )


def test_damaged_edits_are_one_line(rtdet, run):
    with KeptRun(run) as opened:
        opened.set_document("edits", "{")
    for words in (["log"], ["undo"], ["delete"]):
        outcome = rtdet("tracks", *words, "RUN.rtdet", *(["1"] if words == ["delete"] else []))
        assert (outcome.code, len(outcome.errors)) == (3, 1)
        assert "the edits of RUN.rtdet cannot be read: not JSON" in outcome.err


def test_speeds_of_a_run_are_written_and_the_run_stays_as_it_is(rtdet, run, tmp_path):
    (tmp_path / "z.json").write_text('{"properties": {"ground": {"metres_per_pixel": 0.05}}}')
    before = run.read_bytes()
    outcome = rtdet("tracks", "speed", "RUN.rtdet", "--zones", "z.json", "--out", "fast.csv")
    assert outcome.err == "wrote fast.csv: 4 tracks of 4 with a speed\n"
    assert np.isfinite(read_table(tmp_path / "fast.csv").values["speed"]).any()
    assert run.read_bytes() == before


def test_edits_that_do_not_fit_are_said_once_and_not_counted_as_done(rtdet, run, tmp_path):
    rtdet("tracks", "rename", "RUN.rtdet", "1", "11")
    rtdet("tracks", "merge", "RUN.rtdet", "3,4")
    outcome = rtdet("track", "RUN.rtdet", "--conf", "0.87", "--out", "t.csv")
    assert outcome.code == 0
    assert outcome.err.count("does not fit these tracks") == 1
    assert "with 1 edit (--no-edits" in outcome.err
    zones = (
        '{"type": "FeatureCollection", "properties": {"size": [640, 480]}, "features": [{"type": "Feature", '
    )
    zones += '"properties": {"name": "a"},"geometry": {"type": "LineString", "coordinates": [[350, 0], [350, 99]]}}]}'
    (tmp_path / "z.json").write_text(zones)
    outcome = rtdet("count", "RUN.rtdet", "--zones", "z.json", "--out", "c.csv", "--sweep", "conf")
    assert outcome.code == 0
    assert outcome.err.count("does not fit these tracks") == 0


def test_a_class_that_the_run_does_not_know_is_refused_with_near_names(rtdet, run):
    outcome = rtdet("track", "RUN.rtdet", "--classes", "peple", "--out", "t.csv")
    assert (outcome.code, len(outcome.errors)) == (2, 1)
    assert "unknown class 'peple': did you mean" in outcome.err
    assert rtdet("track", "RUN.rtdet", "--classes", "people", "--out", "t.csv").code == 0


@pytest.mark.parametrize("content", [b"", b"no database at all" * 20])
@pytest.mark.parametrize(
    "command",
    [
        ("track", "junk.rtdet", "--out", "t.csv"),
        ("tracks", "merge", "junk.rtdet", "1,2"),
        ("tracks", "speed", "junk.rtdet", "--zones", "z.json", "--out", "t.csv"),
    ],
)
def test_what_is_called_a_run_and_is_none_is_said(rtdet, tmp_path, command, content):
    (tmp_path / "junk.rtdet").write_bytes(content)
    (tmp_path / "z.json").write_text('{"properties": {"ground": {"metres_per_pixel": 0.05}}}')
    outcome = rtdet(*command)
    assert (outcome.code, len(outcome.errors)) == (3, 1)
    assert "junk.rtdet is not a kept run of rtdet" in outcome.err


def test_a_damaged_run_says_so_once_with_the_prefix_of_a_warning(rtdet, run, tmp_path):
    os.truncate(run, int(run.stat().st_size * 0.6))
    for command in (
        ("track", "RUN.rtdet", "--out", "t.csv"),
        ("--source", "RUN.rtdet", "--headless", "--tracks", "t.csv"),
        ("tracks", "log", "RUN.rtdet"),
    ):
        err = rtdet(*command).err
        said = [line for line in err.splitlines() if "RUN.rtdet is damaged" in line]
        assert len(said) <= 1, (command, err)
        assert all(line.startswith(("rtdet: warning: ", "rtdet: error: ")) for line in said), (command, err)
    assert rtdet("track", "RUN.rtdet", "--out", "t.csv").err.count("is damaged") == 1
