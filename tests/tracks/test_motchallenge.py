"""Reading detection rows and frame lists."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.errors import SourceError
from rtdet.tracks.motchallenge import frame_rate, read_detections, read_frame_list


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "det.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_rows_become_boxes_of_their_frames(write):
    rows = read_detections(write("1,-1,10,20,30,40,0.9,-1,-1,-1\n3,-1,1.5,2,3,4,0.5,-1,-1,-1\n"))
    assert rows.last_frame == 3
    np.testing.assert_array_equal(rows.at(1).boxes, [[10, 20, 40, 60]])
    assert len(rows.at(2)) == len(rows.at(99)) == 0
    np.testing.assert_array_equal(rows.at(3).boxes, [[1.5, 2, 4.5, 6]])
    assert rows.at(3).scores.tolist() == [0.5]


@pytest.mark.parametrize(
    "text",
    [
        "2,-1,1,2,3,4,0.5\n1,-1,10,20,30,40,0.9\n2,-1,5,6,7,8,0.25\n",
        "1 -1 10 20 30 40 0.9\n\n2 -1 1 2 3 4 0.5\r\n  2\t-1\t5 6 7 8 .25",
        "1.0, -1, 10, 20, 30, 40, 0.9\n2, -1, 1, 2, 3, 4, 5e-1\n2,-1,5,6,7,8,.25,",
        "\ufeff1,-1,10,20,30,40,0.9\n2,-1,1,2,3,4,0.5\n2,-1,5,6,7,8,0.25",
    ],
    ids=["unsorted", "spaces", "spaces after commas", "byte order mark"],
)
def test_commas_spaces_and_any_order_of_frames_read_the_same(write, text):
    rows = read_detections(write(text))
    assert rows.frames.tolist() == [1, 2, 2]
    assert rows.detections.scores.tolist() == [0.9, 0.5, 0.25]
    np.testing.assert_array_equal(rows.at(2).boxes, [[1, 2, 4, 6], [5, 6, 12, 14]])


def test_a_missing_score_is_one(write):
    assert read_detections(write("1,-1,10,20,30,40\n")).detections.scores.tolist() == [1.0]


def test_the_eighth_column_is_a_class_unless_the_row_has_world_coordinates(write):
    text = "1,-1,1,2,3,4,1,3,1\n1,-1,1,2,3,4,1,3\n1,-1,1,2,3,4,1,3,5,6\n1,-1,1,2,3,4,1,-1,-1\n"
    assert read_detections(write(text)).detections.labels.tolist() == [2, 2, 0, 0]


def test_an_empty_file_has_no_rows(write):
    rows = read_detections(write(""))
    assert rows.last_frame == 0
    assert rows.at(1).boxes.shape == (0, 4)


@pytest.mark.parametrize(
    "row",
    [
        "1,-1,2,3",
        "frame,id,left,top,w,h",
        "0,-1,1,2,3,4",
        "1.5,-1,1,2,3,4",
        "1,1,1,1,1,1,1,1,1,1,1",
        "nan,1,1,1,1,1",
        "inf,1,1,1,1,1",
        "99999999999,1,1,1,1,1",
    ],
)
def test_a_bad_row_is_named_with_its_file_and_line(write, row):
    with pytest.raises(SourceError, match=r"det\.txt, line 2: .*" + row[:12]) as caught:
        read_detections(write(f"1,-1,1,2,3,4,1\n{row}\n"))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_or_not_there_is_one_line(write, tmp_path):
    with pytest.raises(SourceError, match="not a text file"):
        read_detections(write(b"\x89PNG\xff\xfe\x00"))
    with pytest.raises(SourceError, match="no such file"):
        read_detections(tmp_path / "absent.txt")
    with pytest.raises(SourceError, match="directory"):
        read_detections(tmp_path)


def test_a_frame_list_is_read_in_order_and_once(write):
    assert read_frame_list(write("5 3,1\n3\n\n2\n")) == [1, 2, 3, 5]


@pytest.mark.parametrize("text", ["1\n2\nx\n", "1\n\n0\n", "1\n2\n2.5"])
def test_a_bad_frame_list_is_named_with_its_line(write, text):
    with pytest.raises(SourceError, match="line 3"):
        read_frame_list(write(text))


def test_a_frame_list_without_frames_is_refused(write):
    with pytest.raises(SourceError, match="lists no frame"):
        read_frame_list(write("\n"))


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("[Sequence]\nname=A\nframeRate=14\n", 14.0),
        ("[Sequence]\nframeRate=fast\n", None),
        ("[Sequence]\nframeRate=0\n", None),
        ("no section\n", None),
        ("", None),
        (None, None),
    ],
)
def test_the_frame_rate_is_that_of_the_sequence_where_it_says_one(tmp_path, text, rate):
    (tmp_path / "A" / "det").mkdir(parents=True)
    if text is not None:
        (tmp_path / "A" / "seqinfo.ini").write_text(text)
    assert frame_rate(tmp_path / "A" / "det" / "det.txt") == rate
