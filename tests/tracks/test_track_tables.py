"""Track files read as a table and written again: nothing is lost, in any format, and an older file stays until the
new one is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtdet.errors import OutputError, SourceError, UnknownNameError
from rtdet.tracks import FORMATS, open_track_file, read_table, write_table
from rtdet.tracks.offline import Edits
from rtdet.tracks.table import FrameList, TrackTable
from rtdet.types import Detections, Frame, FrameResult, Tracks

NAMES = ("person", "bicycle", "car", "Straßenbahn", 'a "quoted", name')
every_format = pytest.mark.parametrize("suffix", list(FORMATS))


def record(path: Path, *, names: tuple[str, ...] = NAMES, frames: tuple[int, ...] = (0, 1, 3, 7)) -> Path:
    """What a run writes: pictures of 64 x 48 at uneven times, one of them without tracks."""
    with closing(open_track_file(path)) as sink:
        for i in frames:
            boxes = np.array([[i + 0.456, 5, 20.25 + i, 30], [-3, -0.001, 7.5, 9], [1 / 3, 2 / 3, 40, 41]])
            tracks = Tracks(boxes, [12, 3, 5], [0.9, 0.51239, 1.0], [2, 0, 4], class_names=names)
            tracks = Tracks(class_names=names) if i == 1 else tracks
            frame = Frame(np.zeros((48, 64, 3), np.uint8), i / 25 + 0.001 * (i % 2), i)
            sink.write(FrameResult(frame, Detections(), tracks))
    return path


def test_every_format_that_a_run_writes_is_read_and_written() -> None:
    assert (
        list(FORMATS)
        == [one.suffix for one in FORMATS.values()]
        == [".txt", ".csv", ".jsonl", ".parquet", ".json"]
    )


@every_format
@pytest.mark.parametrize("names", [NAMES, ()])
def test_reading_and_writing_gives_the_same_bytes(
    tmp_path: Path, suffix: str, names: tuple[str, ...]
) -> None:
    path = record(tmp_path / f"a{suffix}", names=names)
    write_table(read_table(path), tmp_path / f"b{suffix}")
    assert (tmp_path / f"b{suffix}").read_bytes() == path.read_bytes()


@every_format
def test_edits_that_are_undone_leave_the_file_as_it_was(tmp_path: Path, suffix: str) -> None:
    path = record(tmp_path / f"a{suffix}")
    before = path.read_bytes()
    edits = Edits(read_table(path))
    edits.do("split", track_id=3, frame=4)
    edits.do("rename", old=12, new=0)
    edits.do("merge", first=3, second=13)
    edits.do("renumber")
    write_table(edits.table, path)
    assert path.read_bytes() != before
    while edits.undo_text:
        edits.undo()
    write_table(edits.table, path)
    assert path.read_bytes() == before


@every_format
def test_a_table_has_what_the_file_says(tmp_path: Path, suffix: str) -> None:
    table = read_table(record(tmp_path / f"a{suffix}"), fps=25)
    assert table.frames.tolist() == [1, 1, 1, 4, 4, 4, 8, 8, 8]
    assert table.ids.tolist() == [3, 5, 12] * 3
    assert np.allclose(table.boxes[2], [0.46, 5, 20.25, 30])
    assert table.scores[:3].tolist() == [0.5124, 1.0, 0.9]
    lists_all = suffix in (".jsonl", ".json")
    assert table.frame_list.numbers.tolist() == ([1, 2, 4, 8] if lists_all else [1, 4, 8])
    assert table.frame_list.is_complete is lists_all
    times_s = [0, 0.12, 0.28] if suffix == ".txt" else [0, 0.121, 0.281]
    assert np.allclose(
        np.delete(table.frame_list.times_s, 1) if lists_all else table.frame_list.times_s, times_s
    )
    if suffix == ".txt":
        assert table.labels.tolist() == [0, 4, 2] * 3
    else:
        assert [table.class_names[label] for label in table.labels[:3]] == [NAMES[0], NAMES[4], NAMES[2]]
    assert (table.frame_list.sizes == ((64, 48) if suffix == ".json" else (0, 0))).all()


@every_format
@pytest.mark.parametrize("other", list(FORMATS))
def test_every_format_can_be_written_as_every_other(tmp_path: Path, suffix: str, other: str) -> None:
    """Classes of numbers alone have the same numbers in all; boxes, scores and IDs are in all."""
    table = read_table(record(tmp_path / f"a{suffix}", names=()))
    write_table(table, tmp_path / f"b{other}")
    again = read_table(tmp_path / f"b{other}")
    for column in ("frames", "ids", "boxes", "scores", "labels"):
        assert np.array_equal(getattr(again, column), getattr(table, column))
    assert again.class_names == table.class_names == ()


def test_visibility_and_class_of_an_annotation_survive(tmp_path: Path) -> None:
    rows = [
        "1,2,10.00,20.00,30.00,40.00,1.0000,7,0.98333",
        "1,4,1.00,2.00,3.00,4.00,0.0000,1,0",
        "2,2,1.00,2.00,3.00,4.00,1.0000,1,1",
    ]
    (tmp_path / "gt.txt").write_text("\n".join(rows) + "\n")
    write_table(read_table(tmp_path / "gt.txt"), tmp_path / "gt.txt")
    assert (tmp_path / "gt.txt").read_text().splitlines() == rows


def test_file_names_of_pictures_survive(tmp_path: Path) -> None:
    for suffix in (".jsonl", ".json"):
        path = tmp_path / f"a{suffix}"
        with closing(open_track_file(path)) as sink:
            for i, name in enumerate(("b.png", "", "späť.png")):
                frame = Frame(np.zeros((2 + i, 3, 3), np.uint8), i / 25, i, name=name)
                sink.write(FrameResult(frame, Detections(), Tracks([[1, 1, 2, 2]], [i + 1])))
        table = read_table(path)
        assert table.frame_list.names == ("b.png", "", "späť.png")
        write_table(table, tmp_path / f"b{suffix}")
        assert (tmp_path / f"b{suffix}").read_bytes() == path.read_bytes()


def test_a_picture_of_one_pixel_is_one_that_nobody_saw(tmp_path: Path) -> None:
    content = {
        "annotations": [],
        "images": [{"id": 1, "file_name": "000001.jpg", "width": 1, "height": 1, "time_s": 0.0}],
        "categories": [],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    assert read_table(tmp_path / "a.json").frame_list.sizes.tolist() == [[0, 0]]


def test_times_of_files_without_them_are_by_the_frame_rate(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("3,1,1,1,5,5,1\n11,1,1,1,5,5,1\n")
    assert read_table(tmp_path / "a.txt", fps=10).frame_list.times_s.tolist() == [0.2, 1.0]
    (tmp_path / "a.csv").write_text("frame,id,class,score,left,top,width,height\n3,1,car,1,1,1,5,5\n")
    assert read_table(tmp_path / "a.csv", fps=10).frame_list.times_s.tolist() == [0.2]


def test_rows_in_any_order_and_columns_from_other_programs_are_read(tmp_path: Path) -> None:
    text = "id,left,top,width,height,frame,score,class,speed\n7.0,1,1,5,5,2.0,1,car,3\n7,1,1,5,5,1,1,car,4\n"
    (tmp_path / "a.csv").write_text("\ufeff" + text, encoding="utf-8")
    assert read_table(tmp_path / "a.csv").frames.tolist() == [1, 2]


def test_rows_of_six_are_sure_and_of_the_first_class(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1,1,10,20,30,40\n")
    table = read_table(tmp_path / "a.txt")
    assert (table.scores.tolist(), table.labels.tolist()) == ([1], [0])


def test_in_rows_of_ten_the_eighth_is_a_place_in_the_world_and_no_class(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1,1,10,20,30,40,1,5.3,7.1,0\n")
    table = read_table(tmp_path / "a.txt")
    assert (table.labels.tolist(), table.visibility.tolist()) == ([0], [1])


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", "1,1,nan,2,3,4,1\n", "a.txt, line 1: a box must be within 1e.09 pixels: '1,1,nan"),
        ("a.txt", "1,1,1,2,1e300,4,1\n", "a.txt, line 1: a box must be within"),
        ("a.txt", "1,1,1,2,3,4,1\n1,1,5,6,7,8,1\n", "frame 1, ID 1: the ID appears twice"),
        ("a.txt", "1,-1,1,2,3,4,1\n", "frame 1, ID -1"),
        ("a.txt", "0,1,1,2,3,4,1\n", "a.txt, line 1: frames are 1, 2, 3, ...: '0,1"),
        ("a.txt", "1,1,1,2,3,4,1\n2,1,1,2\n", "a.txt, line 2: a row is frame,id,left.*, not '2,1,1,2'"),
        ("a.txt", "1,1,1,2,3\n", "a.txt, line 1: a row is frame,id"),
        ("a.txt", "1.5,1,1,2,3,4,1\n", "line 1: frames are 1, 2, 3, ...: '1.5"),
        ("a.txt", "1,1,one,2,3,4,1\n", "line 1"),
        ("a.txt", "1e400,1,1,2,3,4,1\n", "line 1"),
        ("a.csv", "frame,id\n1,2\n", "line 2 is cut off, or something is missing in it"),
        ("a.jsonl", '{"frame": 1, "tracks": []}\n{"frame": 2, "tra', "line 2 is cut off"),
        ("a.jsonl", '{"frame": 1, "tracks": [{"id": 1}]}\n', "line 1"),
        ("a.jsonl", '{"frame": "x", "tracks": []}\n', "line 1"),
        ("a.jsonl", "[]\n", "line 1"),
        ("a.json", "{}", "not a track file"),
        ("a.json", "[1]", "not a track file"),
        ("a.txt", "\x89PNG\r\n", "a.txt is not a text file; MOTChallenge rows are frame,id"),
        ("a.parquet", "PAR1", "not a track file"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_sound_tracks_is_refused_in_one_line(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(SourceError, match=words) as caught:
        read_table(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_damaged_parquet_is_one_line_that_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """arro3's own errors are of several kinds; where it panics, it writes to the terminal."""
    whole = record(tmp_path / "a.parquet").read_bytes()
    said = set()
    for place in range(4, len(whole), 7):
        (tmp_path / "b.parquet").write_bytes(whole[:place] + b"\xff\x00\xff" + whole[place + 3 :])
        try:
            read_table(tmp_path / "b.parquet")
        except SourceError as error:
            said.add(str(error))
    assert len(said) > 5
    assert not any("\n" in line or line.startswith("cannot read") for line in said)
    assert all(line.startswith(f"{tmp_path / 'b.parquet'} ") for line in said)
    assert capfd.readouterr() == ("", "")


@every_format
def test_an_empty_table_is_a_file_that_reads_as_empty(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "empty.txt").write_text("")
    write_table(read_table(tmp_path / "empty.txt"), tmp_path / f"a{suffix}")
    again = read_table(tmp_path / f"a{suffix}")
    assert len(again) == len(again.frame_list) == 0
    write_table(again, tmp_path / f"b{suffix}")
    assert (tmp_path / f"b{suffix}").read_bytes() == (tmp_path / f"a{suffix}").read_bytes()


def some_table() -> TrackTable:
    one = np.ones(1, dtype=np.int64)
    return TrackTable(
        one, one, np.array([[1.0, 2.0, 3.0, 4.0]]), one, one * 0, FrameList(one, one * 0), ("car",)
    )


def test_a_file_is_replaced_when_the_new_one_is_whole_and_keeps_its_rights(tmp_path: Path) -> None:
    path = record(tmp_path / "a.csv")
    path.chmod(0o640)
    before = path.read_bytes()

    def stop() -> None:
        assert path.read_bytes() == before
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_table(some_table(), path, stop)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.csv"]
    write_table(some_table(), path)
    assert read_table(path).ids.tolist() == [1]
    assert path.stat().st_mode & 0o777 == 0o640


FULL = """
    import resource, sys
    from rtdet.errors import OutputError
    from rtdet.tracks import read_table, write_table
    table = read_table(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
    try:
        write_table(table, sys.argv[1])
    except OutputError as error:
        print(error)
"""


@every_format
def test_where_the_disk_is_full_the_older_file_is_as_it_was(tmp_path: Path, suffix: str) -> None:
    path = record(tmp_path / f"a{suffix}", frames=tuple(range(20)))
    before = path.read_bytes()
    command = [sys.executable, "-c", textwrap.dedent(FULL), str(path)]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert run.stdout == f"cannot write {path}: file too large; it is as it was before\n", run.stderr
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    record(tmp_path / "a.csv")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    write_table(some_table(), tmp_path / "b.csv")
    assert (tmp_path / "b.csv").is_symlink()
    assert read_table(tmp_path / "a.csv").ids.tolist() == [1]


def test_a_device_is_written_to_as_it_is(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    (tmp_path / "a.csv").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="the disk is full"):
        write_table(some_table(), tmp_path / "a.csv")


def test_a_wrong_name_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no format of a track file"):
        write_table(some_table(), tmp_path / "a.mp4")
    with pytest.raises(OutputError, match="does not exist"):
        write_table(some_table(), tmp_path / "nowhere" / "a.csv")
    assert os.listdir(tmp_path) == []


row = st.tuples(
    st.integers(1, 30), st.integers(0, 6), st.integers(0, 4), st.integers(0, 100), st.integers(-9999, 9999)
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(row, unique_by=lambda r: r[:2], max_size=20), st.booleans())
def test_any_table_survives_every_format(
    tmp_path: Path, rows: list[tuple[int, ...]], has_names: bool
) -> None:
    rows = sorted(rows)
    frames, ids, labels, hundredths, place = np.array(rows, dtype=np.int64).reshape(-1, 5).T
    boxes = place[:, None] / 100 + np.array([0.0, 1.0, 0.0, 1.25]) + np.outer(hundredths, (0, 0, 1, 1)) / 100
    numbers = np.unique(frames)
    names = NAMES if has_names else ()
    table = TrackTable(frames, ids, boxes, hundredths / 100, labels, FrameList(numbers, numbers / 8), names)
    for suffix in FORMATS:
        write_table(table, tmp_path / f"a{suffix}")
        again = read_table(tmp_path / f"a{suffix}")
        for column in ("frames", "ids", "scores"):
            assert np.array_equal(getattr(again, column), getattr(table, column))
        assert np.allclose(again.boxes, table.boxes, atol=1e-6)
        if has_names and suffix != ".txt":
            assert [again.class_names[i] for i in again.labels] == [NAMES[i] for i in labels]
        else:
            assert again.labels.tolist() == labels.tolist()
        if suffix != ".txt":
            assert np.array_equal(again.frame_list.times_s, table.frame_list.times_s)
