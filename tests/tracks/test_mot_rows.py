"""Whatever a file of MOTChallenge rows is read for, the same rows pass and the same are refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from rtdet.errors import SourceError
from rtdet.evaluation.tracking.files import read_tracks as read_results
from rtdet.evaluation.tracking.files import read_truth
from rtdet.tracks import mot_rows, read_table, read_tracks
from rtdet.tracks.mot_rows import read_rows
from rtdet.tracks.motchallenge import read_detections

READERS = {
    "detections": lambda path: read_detections(path).detections.boxes,
    "tracks": lambda path: np.concatenate([tracks.boxes for _, tracks in read_tracks(path)]),
    "table": lambda path: read_table(path).boxes,
    "results": lambda path: read_results(path).boxes,
    "truth": lambda path: read_truth(path).boxes,
}
each_reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "rows.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def many_rows(count=40_000):
    rng = np.random.default_rng(0)
    numbers = np.column_stack(
        [np.arange(count) // 20 + 1, np.arange(count) % 20, rng.uniform(1, 999, (count, 4)).round(2)]
    )
    return "".join(f"{int(f)},{int(i)},{x},{y},{w},{h},0.5,1,1\n" for f, i, x, y, w, h in numbers.tolist())


@each_reader
@pytest.mark.parametrize(
    "text",
    [
        "2,1,1,2,3,4,1\n1,7,10,20,30,40,1\n",
        "1 7 10 20 30 40 1\n\n  2\t1\t1 2 3 4 1",
        "1.0, 7, 10, 20, 30, 40, 1\r\n2, 1, 1, 2, 3, 4, 1,\r\n ,\r\n",
        "1 7,10 20,30 40,1\n2 , 1 1,2 3 4 1",
        "\ufeff1,7,1e1,20,30,40,1\n2,1,1,2,3,4,1",
    ],
    ids=["commas", "spaces and tabs", "spaces after commas", "a mixture", "byte order mark"],
)
def test_the_same_rows_pass_everywhere(write, read, text):
    np.testing.assert_array_equal(read(write(text)), [[10, 20, 40, 60], [1, 2, 4, 6]])


@each_reader
@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("3,1,1,2", "a row is frame,id,left,top,width,height.*, not '3,1,1,2'"),
        ("3,1,1,2,three,4,1", "a row is frame,id,left,top,width,height.*, not '3,1,1,2,three,4,1'"),
        ("3,,1,2,3,4,5,1", "a row is frame"),
        ("1,1,1,1,1,1,1,1,1,1,1", "a row is frame"),
        ("frame,id,left,top,width,height,score", "a row is frame"),
        ("0,1,1,2,3,4,1", "frames are 1, 2, 3, ...: '0,1,1,2,3,4,1'"),
        ("1.5,1,1,2,3,4,1", "frames are 1, 2, 3, ...: '1.5,1"),
        ("nan,1,1,2,3,4,1", "frames are"),
        ("1e300,1,1,2,3,4,1", "frames are"),
    ],
)
def test_the_same_rows_are_refused_everywhere_with_their_line(write, read, row, said):
    with pytest.raises(SourceError, match=rf"rows\.txt, line 3: {said}") as caught:
        read(write(f"1,7,10,20,30,40,1\n\n{row}\n"))
    assert "\n" not in str(caught.value)


@each_reader
def test_what_is_no_text_or_not_there_is_said_everywhere(write, read, tmp_path):
    with pytest.raises(SourceError, match=r"rows\.txt is not a text file; MOTChallenge rows are frame,id"):
        read(write(b"\x89PNG\xff\xfe\x00"))
    with pytest.raises(SourceError, match=r"cannot read .*absent\.txt: no such file"):
        read(tmp_path / "absent.txt")


def test_a_long_file_is_read_at_once_to_the_same_numbers(write, monkeypatch):
    path = write(many_rows())
    at_once = read_rows(path)
    assert len(at_once.text) > mot_rows._LONG
    monkeypatch.setattr(mot_rows, "_LONG", 10**9)
    by_line = read_rows(path)
    np.testing.assert_array_equal(at_once.numbers, by_line.numbers)
    np.testing.assert_array_equal(at_once.widths, by_line.widths)


def test_a_long_file_is_read_without_pyarrow_too(write, monkeypatch):
    path = write(many_rows())
    numbers = read_rows(path).numbers
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    np.testing.assert_array_equal(read_rows(path).numbers, numbers)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\n\n"])
def test_a_long_file_is_read_to_the_last_digit_whatever_its_line_ends(write, monkeypatch, ends):
    rng = np.random.default_rng(0)
    numbers = rng.normal(0, 1, (20_000, 7)) * 10.0 ** rng.integers(-9, 9, (20_000, 7))
    text = ends.join(",".join(map(repr, row)) for row in numbers.tolist())
    monkeypatch.setattr(mot_rows, "numbers_in", lambda line: None)  # not by its lines
    np.testing.assert_array_equal(read_rows(write(text)).numbers, numbers)


@pytest.mark.parametrize(
    "row", ['"1",1,1,2,3,4,1,1,1', "1,,1,2,3,4,1,1,1", "1,1,1,2,0x3,4,1,1,1", "1,1,1,2,3,4,1,1"]
)
def test_what_is_refused_in_a_short_file_is_refused_in_a_long_one(write, row):
    def said(text):
        try:
            return read_rows(write(text)).widths[-1]
        except SourceError as error:
            return str(error).split(": ", 1)[1]

    assert said(many_rows() + row) == said(row)


def test_a_long_file_that_is_not_plain_is_read_by_its_lines(write):
    text = many_rows()
    np.testing.assert_array_equal(
        read_rows(write(text.replace(",", " "))).numbers, read_rows(write(text)).numbers
    )
    with pytest.raises(SourceError, match=r"rows\.txt, line 40001: a row is .*, not '1,2'"):
        read_rows(write(text + "1,2\n"))
    with pytest.raises(SourceError, match=r"rows\.txt, line 40002: frames are"):
        read_rows(write(text + "\n0,1,1,2,3,4,1,1,1\n")).frames()


def test_a_class_or_an_id_that_is_no_number_is_refused_where_it_counts(write):
    with pytest.raises(
        SourceError, match="line 1: a class must be a whole number from 1: '1,1,1,2,3,4,1,nan,1'"
    ):
        read_table(write("1,1,1,2,3,4,1,nan,1\n"))
    with pytest.raises(SourceError, match=r"line 1: an ID must be a whole number: '1,1\.5"):
        read_table(write("1,1.5,1,2,3,4,1\n"))
    assert len(read_detections(write("1,nan,1,2,3,4,1\n")).detections) == 1


def test_detections_may_be_no_boxes_which_trackers_drop(write):
    assert not np.isfinite(read_detections(write("1,-1,nan,2,3,4,1\n")).detections.boxes).all()


def test_rows_that_count_from_0_are_told_from_what_frames_count(tmp_path):
    path = tmp_path / "d.txt"
    path.write_text("0,1,1,2,3,4,1\n1,1,1,2,3,4,1\n")
    with pytest.raises(SourceError, match=r"line 1: .*frames are numbered from 1: add 1 to each"):
        read_rows(path).frames()
