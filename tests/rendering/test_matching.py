"""Tracks by the numbers of frames, and tracks of another film."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.rendering import TracksOfFilm
from rtdet.rendering.matching import part_of
from rtdet.types import Frame, SourceInfo

INFO = SourceInfo("film.mp4", 320, 240, 10.0, 50, 5.0)
BOX = (100.0, 60.0, 160.0, 180.0)


def frame(number: int, t: float | None = None) -> Frame:
    return Frame(np.zeros((240, 320, 3), np.uint8), (number - 1) / 10 if t is None else t, number - 1)


def test_rows_belong_to_the_frame_of_their_number(table, caplog) -> None:
    tracks = TracksOfFilm(table([(3, 1, BOX), (5, 2, BOX)]), "t.csv", INFO)
    assert [tracks.of(frame(number)).ids.tolist() for number in range(1, 6)] == [[], [], [1], [], [2]]
    tracks.check_end()
    assert not caplog.records


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_other_times_are_warned_of_once(table, caplog) -> None:
    tracks = TracksOfFilm(table([(n, 1, BOX) for n in range(1, 9)]), "t.csv", INFO)
    for number in range(1, 9):
        assert len(tracks.of(frame(number, number * 0.2))) == 1
    tracks.check_end()
    assert len(warnings(caplog)) == 1
    assert "t.csv do not seem to belong to film.mp4" in warnings(caplog)[0]


def test_times_that_are_made_up_are_not_compared(table, caplog) -> None:
    tracks = TracksOfFilm(table([(1, 1, BOX), (2, 1, BOX)]), "t.txt", INFO, has_times=False)
    tracks.of(frame(2, 3.0))
    assert not caplog.records


@pytest.mark.parametrize("kind", ["size", "boxes", "length"])
def test_another_size_boxes_outside_and_another_length_are_warned_of(table, caplog, kind) -> None:
    box = (900.0, 500.0, 950.0, 600.0) if kind == "boxes" else BOX
    last = 60 if kind == "length" else 2
    sizes = (1280, 720) if kind == "size" else None
    tracks = TracksOfFilm(table([(2, 1, box), (last + 1, 1, box)], sizes=sizes), "t.csv", INFO)
    for number in range(1, 4):
        tracks.of(frame(number))
    tracks.check_end()
    assert len(warnings(caplog)) == 1
    assert {"size": "1280x720", "boxes": "100% of their boxes", "length": "go on to frame 61"}[
        kind
    ] in warnings(caplog)[0]


def test_a_part_of_a_table_has_the_rows_of_that_time(table) -> None:
    part = part_of(table([(n, 1, BOX) for n in range(1, 51)]), 1.0, 2.0, 10)
    assert part.frames[0] in (11, 12)
    assert part.frames[-1] in (20, 21)
