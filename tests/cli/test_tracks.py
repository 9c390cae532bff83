"""`rtdet tracks`: one file in, one out; what each command says and refuses."""

from __future__ import annotations

import json

import pytest

from rtdet.tracks import FORMATS, read_table


@pytest.fixture
def walk(tmp_path):
    """ID 1 walks in frames 1 to 10 but 5 and 6, and again as ID 2 from 13 on; ID 3 stands all the time."""
    rows = [(f, 1, 10.0 + 4 * f) for f in range(1, 11) if f not in (5, 6)]
    rows += [(f, 2, 10.0 + 4 * f) for f in range(13, 21)]
    rows += [(f, 3, 400.0) for f in range(1, 21)]
    lines = [f"{f},{i},{left:.2f},50.00,20.00,40.00,0.9000,1,1" for f, i, left in sorted(rows)]
    (tmp_path / "a.txt").write_text("\n".join(lines) + "\n")
    return tmp_path / "a.txt"


def ids_of(path):
    table = read_table(path)
    return {i: table.frames[table.rows_of(i)].tolist() for i in sorted(set(table.ids.tolist()))}


def test_help_lists_the_commands_in_the_order_in_which_one_needs_them(rtdet):
    outcome = rtdet("tracks", "--help")
    assert outcome.code == 0
    commands = outcome.out.split("Commands:")[1]
    names = [line.split()[0] for line in commands.splitlines() if line.startswith("  ") and line[2] != " "]
    assert names == [
        "link", "fill", "smooth", "speed", "doubts", "merge", "split", "swap", "delete", "rename", "class", "draw",
        "correct", "renumber", "undo", "redo", "log", "export",
    ]  # fmt: skip
    assert "..." not in commands.replace("1, 2, 3, ...", "").replace("B, C, ...", "")
    for name in names:
        help_text = rtdet("tracks", name, "--help").out
        assert "--max-\n" not in help_text
        assert ("--out OUT" in help_text) == (name not in ("undo", "redo", "log"))


@pytest.mark.parametrize("suffix", list(FORMATS))
def test_link_fill_and_smooth_make_one_whole_track_of_a_broken_one(rtdet, walk, tmp_path, suffix):
    out = f"b{suffix}"
    assert (
        rtdet("tracks", "link", "a.txt", "--out", out, "--fps", "10").err
        == f"wrote {out}: 3 tracks became 2\n"
    )
    assert ids_of(tmp_path / out) == {1: [1, 2, 3, 4, *range(7, 11), *range(13, 21)], 3: list(range(1, 21))}
    assert rtdet("tracks", "fill", out, "--out", out).err == f"wrote {out}: 4 rows added to 36\n"
    assert ids_of(tmp_path / out) == {1: list(range(1, 21)), 3: list(range(1, 21))}
    assert rtdet("tracks", "smooth", out, "--out", out).err == f"wrote {out}: 2 tracks, 40 rows\n"
    table = read_table(tmp_path / out)
    assert table.boxes[table.rows_of(1), 0] == pytest.approx([10 + 4 * f for f in range(1, 21)], abs=0.3)


def test_gaps_longer_than_the_stated_length_stay(rtdet, walk, tmp_path):
    rtdet("tracks", "fill", "a.txt", "--out", "b.txt", "--fps", "10", "--max-gap-s", "0.2")
    assert (tmp_path / "b.txt").read_bytes() == walk.read_bytes()
    rtdet("tracks", "link", "a.txt", "--out", "b.txt", "--fps", "10", "--max-gap-s", "0.2")
    assert (tmp_path / "b.txt").read_bytes() == walk.read_bytes()


def test_ids_are_merged_split_renamed_and_renumbered(rtdet, walk, tmp_path):
    assert (
        rtdet("tracks", "merge", "a.txt", "2,1", "--out", "b.txt").err
        == "wrote b.txt: ID 2 now has 16 rows\n"
    )
    assert sorted(ids_of(tmp_path / "b.txt")) == [2, 3]
    outcome = rtdet("tracks", "split", "b.txt", "2", "--frame", "11", "--out", "b.txt")
    assert outcome.err == "wrote b.txt: ID 2 is ID 4 from frame 13 on\n"
    assert (
        rtdet("tracks", "rename", "b.txt", "3", "77", "--out", "b.txt").err
        == "wrote b.txt: ID 3 is now ID 77\n"
    )
    assert sorted(ids_of(tmp_path / "b.txt")) == [2, 4, 77]
    assert rtdet("tracks", "renumber", "b.txt", "--out", "b.txt").err == "wrote b.txt: IDs 1 to 3\n"
    assert ids_of(tmp_path / "b.txt")[2] == list(range(1, 21))


def test_tracks_are_swapped_deleted_drawn_and_corrected(rtdet, walk, tmp_path):
    assert (
        rtdet("tracks", "swap", "a.txt", "2,3", "--frame", "15", "--out", "b.txt").err
        == "wrote b.txt: IDs 2 and 3 are exchanged from frame 15 on\n"
    )
    table = read_table(tmp_path / "b.txt")
    assert table.boxes[table.rows_of(2), 0].tolist() == [62.0, 66.0] + [400.0] * 6
    assert (
        rtdet("tracks", "delete", "a.txt", "3", "--from", "4", "--out", "b.txt").err
        == "wrote b.txt: ID 3 has 3 rows left\n"
    )
    assert ids_of(tmp_path / "b.txt")[3] == [1, 2, 3]
    outcome = rtdet("tracks", "draw", "a.txt", "1", "--frame", "5", "--box", "30,50,20,40", "--out", "b.txt")
    assert outcome.err == "wrote b.txt: ID 1 now has 9 rows\n"
    outcome = rtdet(
        "tracks",
        "correct",
        "b.txt",
        "1",
        "--frame",
        "5",
        "--box",
        "32,50,20,40",
        "--fps",
        "10",
        "--out",
        "b.txt",
    )
    assert outcome.err == "wrote b.txt: ID 1 corrected in frame 5\n"
    table = read_table(tmp_path / "b.txt")
    moved = table.boxes[table.rows_of(1), 0] - [14, 18, 22, 26, 30, 38, 42, 46, 50]
    assert moved == pytest.approx([1.2, 1.4, 1.6, 1.8, 2, 1.6, 1.4, 1.2, 1.0], abs=0.01)


def test_a_class_is_set_by_name_and_in_a_txt_by_its_number(rtdet, walk, tmp_path):
    assert (
        rtdet("tracks", "class", "a.txt", "3", "4", "--out", "b.txt").err
        == "wrote b.txt: ID 3 is of class 4\n"
    )
    assert {line.split(",")[7] for line in (tmp_path / "b.txt").read_text().splitlines()} == {"1", "4"}
    rtdet("tracks", "class", "a.txt", "3", "1", "--out", "b.csv")
    rtdet("tracks", "class", "b.csv", "3", "lamp", "--out", "b.csv")
    table = read_table(tmp_path / "b.csv")
    assert {table.at(1).name_of(row) for row in range(2)} == {"0", "lamp"}


def test_what_is_worth_a_look_is_printed_or_written(rtdet, walk, tmp_path):
    shown = rtdet("tracks", "doubts", "a.txt", "--fps", "10").out.splitlines()
    assert shown[0].endswith(
        "ID 2 begins 0.3 s after ID 1 ended, where that was heading: they may be one object"
    )
    assert shown[0].split()[1:4] == ["frame", "13", "1.20"]
    assert len(rtdet("tracks", "doubts", "a.txt", "--top", "1").out.splitlines()) == 1
    assert rtdet("tracks", "doubts", "a.txt", "--fps", "10", "--out", "d.csv").err.startswith("wrote d.csv: ")
    header, first, *_ = (tmp_path / "d.csv").read_text().splitlines()
    assert header == "rank,score,kind,frame,time_s,ids,text"
    assert first.split(",")[2:6] == ["continued", "13", "1.2", "2 1"]
    rtdet("tracks", "doubts", "a.txt", "--fps", "10", "--out", "d.json")
    found = json.loads((tmp_path / "d.json").read_text())
    assert [one["rank"] for one in found] == list(range(1, len(shown) + 1))
    assert (found[0]["kind"], found[0]["ids"], found[0]["time_s"]) == ("continued", [2, 1], 1.2)


def test_a_file_in_which_nothing_is_doubtful_gives_an_empty_list(rtdet, tmp_path):
    (tmp_path / "a.txt").write_text("")
    assert rtdet("tracks", "doubts", "a.txt").err == "nothing is worth a look\n"
    rtdet("tracks", "doubts", "a.txt", "--out", "d.json")
    assert json.loads((tmp_path / "d.json").read_text()) == []
    assert rtdet("tracks", "doubts", "a.txt", "--out", "d.xml").code == 2
    assert rtdet("tracks", "doubts", "a.txt", "--out", "a.txt").code == 2
    assert rtdet("tracks", "doubts", "absent.txt").code == 3


def test_an_edit_of_a_track_file_needs_out_and_keeps_no_history(rtdet, walk):
    for words in (["delete", "a.txt", "3"], ["smooth", "a.txt"]):
        outcome = rtdet("tracks", *words)
        assert (outcome.code, len(outcome.errors)) == (2, 1)
        assert "--out is missing" in outcome.err
    for name in ("undo", "redo", "log"):
        outcome = rtdet("tracks", name, "a.txt")
        assert (outcome.code, len(outcome.errors)) == (2, 1)
        assert "a.txt is a track file, which keeps no edits" in outcome.err
    assert rtdet("tracks", "undo", "absent.rtdet").code == 3


def test_a_split_that_is_merged_again_is_the_file_byte_for_byte(rtdet, walk, tmp_path):
    rtdet("tracks", "split", "a.txt", "3", "--frame", "7", "--out", "b.txt")
    assert (tmp_path / "b.txt").read_bytes() != walk.read_bytes()
    rtdet("tracks", "merge", "b.txt", "3,4", "--out", "b.txt")
    assert (tmp_path / "b.txt").read_bytes() == walk.read_bytes()


@pytest.mark.parametrize("command", [["smooth"], ["fill"], ["link"], ["renumber"]])
def test_a_file_without_tracks_stays_one(rtdet, tmp_path, command):
    (tmp_path / "a.txt").write_text("")
    outcome = rtdet("tracks", *command, "a.txt", "--out", "b.txt")
    assert (outcome.code, outcome.errors) == (0, [])
    assert (tmp_path / "b.txt").read_text() == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["merge", "a.txt", "1,3"], 2, "IDs 1 and 3 cannot be merged: both are in frame 1 and 7 more"),
        (["swap", "a.txt", "1,2,3", "--frame", "4"], 2, "swap needs two IDs"),
        (["swap", "a.txt", "1,2", "--frame", "44"], 2, "IDs 1 and 2 end in frame 20"),
        (["delete", "a.txt", "1", "--from", "5", "--to", "6"], 2, "ID 1 has no rows in frames from 5 to 6"),
        (["class", "a.txt", "1", "car"], 2, "a .txt has numbers for its classes, from 1 to 99999, not 'car'"),
        (["class", "a.txt", "1", "0"], 2, "a .txt has numbers"),
        (["draw", "a.txt", "1", "--frame", "5", "--box", "1,2,3"], 2, "--box is left, top, width and height"),
        (["draw", "a.txt", "1", "--frame", "5", "--box", "1,2,0,3"], 2, "a width and a height above 0"),
        (["draw", "a.txt", "1", "--frame", "4", "--box", "1,2,3,3"], 2, "correct its box instead"),
        (["draw", "a.txt", "1", "--frame", "21", "--box", "1,2,3,3"], 2, "no frame 21"),
        (["correct", "a.txt", "1", "--frame", "5", "--box", "1,2,3,3"], 2, "draw one instead"),
        (["correct", "a.txt", "1", "--frame", "0", "--box", "1,2,3,3"], 2, "frames are numbered 1 to"),
        (["merge", "a.txt", "1"], 2, "at least two IDs"),
        (["merge", "a.txt", "1,x"], 2, "whole numbers separated by commas"),
        (["merge", "a.txt", "1,9"], 2, "there is no ID 9 among these tracks: they go from 1 to 3"),
        (["split", "a.txt", "1", "--frame", "1"], 2, "split it at a frame from 2 to 10, not 1"),
        (["split", "a.txt", "1"], 2, "--frame"),
        (["rename", "a.txt", "1", "3"], 2, "merge 3 and 1"),
        (["rename", "a.txt", "one", "3"], 2, "one"),
        (["fill", "a.txt", "--max-gap-s", "0"], 2, "above 0"),
        (["link", "a.txt", "--max-gap-s", "nan"], 2, "above 0"),
        (["smooth", "a.txt", "--fps", "0"], 2, "--fps must be above 0"),
        (["smooth", "a.avi"], 2, "no format of a track file; use .txt"),
        (["smooth", "absent.txt"], 3, "cannot read absent.txt: no such file"),
        (["smooth", "bad.txt"], 3, "bad.txt, line 1: a box must be within 1e+09 pixels: '1,1,nan"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line_and_writes_nothing(rtdet, walk, tmp_path, arguments, code, words):
    (tmp_path / "bad.txt").write_text("1,1,nan,2,3,4,1\n")
    outcome = rtdet("tracks", *arguments, "--out", "b.txt")
    assert outcome.code == code
    assert len(outcome.errors) == len(outcome.err.splitlines()) == 1
    assert words in outcome.err
    assert not (tmp_path / "b.txt").exists()


def test_an_output_that_cannot_be_written_is_said_before_the_work(rtdet, walk):
    outcome = rtdet("tracks", "smooth", "a.txt", "--out", "nowhere/b.txt")
    assert (outcome.code, len(outcome.errors)) == (5, 1)
    assert rtdet("tracks", "smooth", "a.txt", "--out", "b.xml").code == 2


@pytest.fixture
def scale(tmp_path):
    """A zones file for a camera that looks straight down: 5 cm a pixel, so that ID 1 and 2 walk 2 m/s at 10 fps."""
    (tmp_path / "zones.json").write_text(json.dumps({"properties": {"ground": {"metres_per_pixel": 0.05}}}))
    return tmp_path / "zones.json"


def test_speed_adds_columns_where_the_zones_file_has_a_scale(rtdet, walk, scale, tmp_path):
    outcome = rtdet("tracks", "speed", "a.txt", "--fps", "10", "--zones", "zones.json", "--out", "b.csv")
    assert outcome.err == "wrote b.csv: 3 tracks of 3 with a speed\n"
    table = read_table(tmp_path / "b.csv")
    speed = table.values["speed"]
    assert speed[table.rows_of(1)] == pytest.approx([2.0] * 8, abs=0.05)
    assert speed[table.rows_of(3)] == pytest.approx([0.0] * 20, abs=0.05)
    assert table.values["distance_m"][table.rows_of(1)][-1] == pytest.approx(1.8, abs=0.1)


def test_speed_needs_a_scale_and_a_format_with_a_place_for_it(rtdet, walk, scale, tmp_path):
    refused = rtdet("tracks", "speed", "a.txt", "--zones", "zones.json", "--out", "b.txt")
    assert refused.code == 2
    assert "a .txt (MOT) has no place for speeds" in refused.err
    scale.write_text('{"properties": {}}')
    refused = rtdet("tracks", "speed", "a.txt", "--zones", "zones.json", "--out", "b.csv")
    assert refused.code == 3
    assert "zones.json has no scale" in refused.err
    assert not (tmp_path / "b.csv").exists()
    assert rtdet("tracks", "speed", "a.txt", "--zones", "zones.json", "--out", "zones.json").code == 2


def test_speed_needs_the_size_where_the_tracks_are_of_a_larger_picture_than_the_scale(
    rtdet, walk, scale, tmp_path
):
    scale.write_text('{"properties": {"size": [64, 36], "ground": {"metres_per_pixel": 0.05}}}')
    given = ("tracks", "speed", "a.txt", "--fps", "10", "--zones", "zones.json", "--out", "b.csv")
    refused = rtdet(*given)
    assert (refused.code, len(refused.errors)) == (2, 1)
    assert "64x36 by the file of the ground's scale, but the tracks reach to" in refused.err
    assert not (tmp_path / "b.csv").exists()
    outcome = rtdet(*given, "--size", "1280x720")
    assert outcome.code == 0, outcome.err


def test_a_file_that_is_not_there_is_said_before_an_output_that_is_missing(rtdet):
    refused = rtdet("tracks", "merge", "saved.rtdt", "1,2")
    assert (refused.code, refused.err) == (3, "rtdet: error: cannot read saved.rtdt: there is no such file\n")
