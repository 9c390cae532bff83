"""Files of detections: read by file name, and refused in one line that says what is wrong."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtdet.datasets import Dataset
from rtdet.errors import UsageError
from rtdet.evaluation.detection.files import check_pictures, read_detections
from tests.evaluation.conftest import NAMES, picture

ROW = {"file_name": "a.png", "category": "cat", "bbox": [1, 2, 3, 4], "score": 0.5}


@pytest.fixture
def dataset():
    samples = [picture(name=f"set/{name}") for name in ("a.png", "b.png", "one/c.png", "two/c.png")]
    return Dataset(Path("set"), NAMES, samples)


@pytest.fixture
def read(tmp_path, dataset):
    def read(content):
        path = tmp_path / "d.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_detections(path, dataset)

    return read


def test_rows_go_to_their_pictures_and_keep_their_class_names(read):
    found = read([ROW, {**ROW, "file_name": "one/c.png", "category": "zebra"}])
    assert [len(one) for one in found] == [1, 0, 1, 0]
    assert found[0].boxes.tolist() == [[1, 2, 4, 6]]
    assert found[2].name_of(0) == "zebra"


def test_pictures_are_looked_at_before_the_measuring(tmp_path, caplog):
    for name, shape in (("a.png", (200, 200, 3)), ("b.png", (90, 80, 3))):
        cv2.imwrite(str(tmp_path / name), np.zeros(shape, np.uint8))
    samples = [picture(name=str(tmp_path / name)) for name in ("a.png", "b.png")]
    check_pictures(Dataset(tmp_path, NAMES, samples[:1]))
    assert not caplog.records
    check_pictures(Dataset(tmp_path, NAMES, samples))
    assert "1 of 2 pictures" in caplog.text
    assert "b.png is 80x90, not 200x200" in caplog.text
    samples.append(picture(name=str(tmp_path / "gone.png")))
    with pytest.raises(UsageError, match=r"gone\.png is missing"):
        check_pictures(Dataset(tmp_path, NAMES, samples))


def test_no_rows_are_no_detections(read):
    assert [len(one) for one in read([])] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('[{"file_name": "a.png", "categ', "not JSON"),
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ({"images": []}, "not a list"),
        ([7], "row 0"),
        ([ROW, {**ROW, "file_name": 3}], "row 1"),
        ([{"frame": 1, "category": "cat", "bbox": [1, 2, 3, 4], "score": 0.5}], "video"),
        ([{**ROW, "category": None}], "category"),
        ([{**ROW, "bbox": [1, 2, 3]}], "bbox"),
        ([{**ROW, "bbox": [1, 2, 3, "4"]}], "bbox"),
        ([{**ROW, "bbox": [1, 2, -3, 4]}], "below 0"),
        ([{**ROW, "bbox": [1, 2, 3, 10**400]}], "bbox"),
        ('[{"file_name": "a.png", "category": "cat", "bbox": [NaN, 1, 1, 1], "score": 1}]', "bbox"),
        ('[{"file_name": "a.png", "category": "cat", "bbox": [1, 1, 1, Infinity], "score": 1}]', "bbox"),
        ('[{"file_name": "a.png", "category": "cat", "bbox": [1, 1, 1, 1], "score": NaN}]', "score"),
        ([{**ROW, "score": 1.5}], "score"),
        ([{**ROW, "score": True}], "score"),
        ([{**ROW, "file_name": "c.png"}], "more than one picture"),
        ([{**ROW, "file_name": "elsewhere.png"}], "another data set"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line(read, content, word):
    with pytest.raises(UsageError) as error:
        read(content)
    assert word in str(error.value)
    assert "d.json" in str(error.value)
    assert len(str(error.value)) < 400


def test_a_file_that_is_missing_or_not_text_is_one_line(tmp_path, dataset):
    with pytest.raises(UsageError, match="nowhere"):
        read_detections(tmp_path / "nowhere.json", dataset)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"binary\.json"):
        read_detections(tmp_path / "binary.json", dataset)


def test_rows_of_other_pictures_are_passed_over_with_a_warning(read, caplog):
    with caplog.at_level(logging.WARNING):
        found = read([ROW, {**ROW, "file_name": "elsewhere.png"}])
    assert sum(map(len, found)) == 1
    assert "1 of 2 rows" in caplog.text
