"""Names in CSV files that a spreadsheet would run."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from rtdet.csv_text import text_cell, text_of_cell
from rtdet.tracks import open_track_file, read_table
from rtdet.types import Detections, Frame, FrameResult, Tracks

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://h")', "'=1", "''-1", "\uff1d1")
PLAIN = ("person", "", "'s", "a=b", "car-1", "'", "O'Neill")


@pytest.mark.parametrize("name", FORMULAS)
def test_a_cell_that_would_be_run_is_text_and_reads_back(name):
    assert text_cell(name) == "'" + name
    assert text_of_cell(text_cell(name)) == name


@pytest.mark.parametrize("name", PLAIN)
def test_other_cells_stay_as_they_are(name):
    assert text_cell(name) == text_of_cell(name) == name


def test_tracks_of_such_classes_are_text_in_a_csv_and_read_back_by_name(tmp_path: Path) -> None:
    names = tuple(name for name in FORMULAS + PLAIN if name and "\r" not in name)
    count = len(names)
    boxes = np.tile([-5.0, -5.0, 10.0, 10.0], (count, 1))
    tracks = Tracks(boxes, range(1, count + 1), [0.5] * count, range(count), class_names=names)
    sink = open_track_file(tmp_path / "t.csv")
    sink.write(
        FrameResult(
            frame=Frame(np.zeros((20, 20, 3), np.uint8), 0.0, 0), detections=Detections(), tracks=tracks
        )
    )
    sink.close()
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == [text_cell(name) for name in names]
    assert {row["left"] for row in rows} == {"-5.00"}  # a number is a number
    read = read_table(tmp_path / "t.csv")
    assert sorted(read.class_names) == sorted(names)
