"""Which views of a track are taken, and what their files are called."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from rtdet.errors import OutputError
from rtdet.rendering import CropFolder
from rtdet.types import Detections, Frame, FrameResult, Tracks

SIZE = (320, 240)
BOX = (100.0, 60.0, 160.0, 180.0)
NOISE = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)


def shown(crops: CropFolder, numbers, picture=lambda _number: NOISE) -> None:
    for number in numbers:
        crops.write(FrameResult(Frame(picture(number), number / 10, number - 1), Detections(), Tracks()))
    crops.close()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.jpg"))


def test_views_are_spread_over_the_time_of_the_track_and_named_in_order(table, tmp_path) -> None:
    rows = [(n, 12, BOX) for n in range(1, 101)] + [(n, 3, (200, 20, 230, 60)) for n in range(1, 41)]
    crops = CropFolder(tmp_path / "c", table(rows, labels=[0] * 100 + [1] * 40), SIZE, limit=4)
    shown(crops, range(1, 101))
    found = files(tmp_path / "c")
    assert len(found) == crops.written == 8
    assert found[0].startswith("0003-car")
    of_12 = [int(name.split("/")[1][:-4]) for name in found if name.startswith("0012-person")]
    assert [(number - 1) // 25 for number in of_12] == [0, 1, 2, 3]


def test_the_sharp_view_is_taken_of_equal_ones(table, tmp_path) -> None:
    soft = cv2.GaussianBlur(NOISE, (0, 0), 4)
    crops = CropFolder(tmp_path / "c", table([(n, 1, BOX) for n in range(1, 6)]), SIZE, limit=1)
    shown(crops, range(1, 6), lambda number: NOISE if number == 4 else soft)
    assert files(tmp_path / "c") == ["0001-person/000004.jpg"]
    view = cv2.imread(str(tmp_path / "c" / "0001-person" / "000004.jpg"))
    assert view.shape[0] > 120
    assert view.shape[1] > 60


@pytest.mark.parametrize("worse", ["guessed", "small", "cut off", "hidden"])
def test_a_view_that_is_guessed_small_cut_off_or_hidden_is_not_taken(table, tmp_path, worse) -> None:
    bad = {"small": (100, 60, 115, 90), "cut off": (-40, 60, 20, 180)}.get(worse, BOX)
    rows = [(1, 1, bad), (2, 1, BOX), (3, 1, bad)]
    if worse == "hidden":
        rows += [(n, 2, (90, 80, 170, 200)) for n in (1, 3)]
    seen = [True] * len(rows)
    if worse == "guessed":
        seen[0] = seen[2] = False
    crops = CropFolder(tmp_path / "c", table(rows, seen=seen), SIZE, limit=1)
    shown(crops, (1, 2, 3))
    assert "0001-person/000002.jpg" in files(tmp_path / "c")


def test_where_only_a_part_is_rendered_the_views_of_it_are_written(table, tmp_path) -> None:
    crops = CropFolder(tmp_path / "c", table([(n, 1, BOX) for n in range(1, 6)]), SIZE, limit=1)
    shown(crops, (2,))
    assert files(tmp_path / "c") == ["0001-person/000002.jpg"]


def test_a_folder_that_cannot_be_is_refused_before_the_run(table, tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"is a file; --crops takes a folder"):
        CropFolder(tmp_path / "file", table([(1, 1, BOX)]), SIZE)
    with pytest.raises(OutputError, match=r"does not exist; create it"):
        CropFolder(tmp_path / "no" / "where", table([(1, 1, BOX)]), SIZE)
