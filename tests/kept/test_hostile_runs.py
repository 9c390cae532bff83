"""A kept run that somebody made to do harm ends in one line, or in what of it makes sense."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtdet.errors import SourceError
from rtdet.kept import KeptRun, retracked
from rtdet.kept import reading as reading_module
from rtdet.kept.replay import GraySource
from rtdet.kept.retrack import Tracking
from rtdet.kept.retracker import Retracker
from rtdet.types import Detections
from tests.kept.conftest import frame

MakeRun = Callable[..., Path]

_ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"


def _changed(path: Path, script: str) -> Path:
    database = sqlite3.connect(path)
    database.executescript(script)
    database.close()
    return path


def _setting(name: str, value: str, of: str = "settings") -> str:
    known = '{"name": "a", "width": 640, "height": 480' if of == "source_info" else '{"max_det": 100'
    return f"""UPDATE about SET value = '{known}, "{name}": {value}}}' WHERE key = '{of}'"""


@pytest.mark.parametrize(
    "change",
    [
        "frame = 1 << 60", "frame = -5", "time_s = 'abc'", "time_s = 9e999", "time_s = NULL", "time_s = 1e300",
        "pts = 1e300", "pts = x'00'", "width = 'w'", "width = 1 << 40", "height = -5", "name = x'ff00'",
        "dropped = x'05'", "found = 1 << 60", "found = 'x'",
    ],
)  # fmt: skip
def test_a_frame_that_cannot_be_is_left_out(make_run: MakeRun, change: str) -> None:
    with KeptRun(_changed(make_run(9), f"UPDATE frames SET {change} WHERE frame = 9")) as run:
        assert [one.number for one in run.walk()] == list(range(1, 9))
        assert "damaged" in run.damage
        assert retracked(run, Tracking(conf=0.1)).frame_list.numbers.tolist() == list(range(1, 9))


@pytest.mark.parametrize(
    "change",
    ["x1 = 'abc'", "x1 = x'00'", "x1 = 1e300", "x1 = 1 << 62", "x1 = x2 + 5", "y1 = y2", "class = 99", "class = -1",
     "score = 2000000000", "score = -5"],
)  # fmt: skip
def test_a_candidate_that_cannot_be_is_left_out(make_run: MakeRun, change: str) -> None:
    with KeptRun(_changed(make_run(9), f"UPDATE candidates SET {change} WHERE id = 9000")) as run:
        assert len(run.candidates(9)) == 2
        assert [one.number for one in run.walk()] == list(range(1, 9))
        assert "damaged" in run.damage


@pytest.mark.parametrize(
    "camera", [f"x'{'ff' * 48}'", f"'{'a' * 48}'", "5", f"x'{'00' * 5 + 'f07f' + '00' * 41}'"]
)
def test_a_camera_that_cannot_move_like_this_does_not(make_run: MakeRun, camera: str) -> None:
    with KeptRun(_changed(make_run(9), f"UPDATE frames SET camera = {camera} WHERE frame = 9")) as run:
        steps = [run.camera_step(row) for row in range(len(run.frames.numbers))]
        assert all(step is None or (np.abs(step) < 1e6).all() for step in steps)
        retracked(run, Tracking(conf=0.1))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (f"ALTER TABLE frames RENAME TO f; CREATE VIEW frames AS {_ENDLESS} SELECT x AS frame FROM c", "frames"),
        (f"DROP TABLE about; CREATE VIEW about AS {_ENDLESS} SELECT x AS key, x AS value FROM c", "about"),
        (f"DROP TABLE candidates; CREATE VIEW candidates AS {_ENDLESS} SELECT x AS id FROM c", "candidates"),
        ("DROP TABLE documents; CREATE TABLE documents (name, text AS (hex(zeroblob(400000000))))", "documents"),
        ("CREATE TRIGGER t BEFORE INSERT ON documents BEGIN DELETE FROM candidates; END", "trigger, t"),
        ("CREATE INDEX i ON documents (hex(zeroblob(400000000)))", "index, i"),
        (f"UPDATE about SET value = '{'[' * 100_000}' WHERE key = 'settings'", "settings is nested too deeply"),
        (_setting("conf", '"x"'), "conf cannot be x"),
        (_setting("conf", "null"), "conf cannot be None"),
        (_setting("conf", "NaN"), "conf cannot be nan"),
        (_setting("classes", "5"), "classes cannot be 5"),
        (_setting("set", "[1]"), r"set cannot be \[1\]"),
        (_setting("tracker", '["sort"]'), "tracker cannot be"),
        (_setting("max_det", "1.5"), "max_det cannot be"),
        (_setting("start", '"x"'), "start cannot be x"),
        (_setting("width", "1e999", of="source_info"), "width cannot be inf"),
        (_setting("width", "1" + "0" * 400, of="source_info"), "width cannot be 1000"),
        (_setting("fps", "[1]", of="source_info"), "fps cannot be"),
        (_setting("fps", "1e999", of="source_info"), "fps cannot be inf"),
    ],
)  # fmt: skip
def test_what_would_go_on_for_ever_or_is_of_a_wrong_kind_is_refused_in_one_line(
    make_run: MakeRun, change: str, says: str
) -> None:
    with pytest.raises(SourceError, match=says) as raised:
        KeptRun(_changed(make_run(3), change))
    assert "\n" not in str(raised.value)


def test_so_many_classes_are_none(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_module, "_MOST_CLASSES", 10)
    change = f"INSERT INTO classes {_ENDLESS} SELECT x + 1, 'c' || x FROM c LIMIT 20"
    with pytest.raises(SourceError, match=r"more than 10 classes"):
        KeptRun(_changed(make_run(3), change))


def test_grey_pictures_are_no_larger_than_others_may_be(make_run: MakeRun) -> None:
    path = _changed(make_run(3), "UPDATE frames SET width = 100000, height = 100000 WHERE frame = 2")
    with KeptRun(path) as run:
        with pytest.raises(
            SourceError, match=r"10000 megapixels, more than the limit of 120; --max-megapixels"
        ):
            GraySource(run)
        assert GraySource(run, max_megapixels=10_000).info.width == 640


def test_pages_that_name_one_another_are_read_once(make_run: MakeRun) -> None:
    path = make_run(2000)
    content = bytearray(path.read_bytes())
    for page in range(0, len(content), 1024):
        kind, count = (
            content[page + (100 if page == 0 else 0)],
            int.from_bytes(content[page + 3 : page + 5], "big"),
        )
        if page and kind == 0x05 and count > 2:  # inner pages of tables: every child is the first
            cells = [
                int.from_bytes(content[at : at + 2], "big")
                for at in range(page + 12, page + 12 + 2 * count, 2)
            ]
            first = content[page + cells[0] : page + cells[0] + 4]
            for cell in cells:
                content[page + cell : page + cell + 4] = first
    path.write_bytes(content)
    with KeptRun(path) as run:
        assert run.frames.numbers.tolist() == list(range(1, 2001))
        assert [one.number for one in run.walk()] == list(range(1, 2001))
        assert "damaged" in run.damage


def test_only_so_many_candidates_stay_in_memory(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_module, "_MOST_IN_MEMORY", 2000)
    with KeptRun(make_run(2000)) as run:
        assert len(list(run.walk())) == 2000
        assert sum(len(piece.ids) for piece in run._pieces.values()) <= 2000
        run.reread()
        assert len(run.candidates(1)) == 3


def test_of_a_damaged_run_a_frame_that_was_seen_again_is_as_it_was_last(make_run: MakeRun) -> None:
    nothing = Detections(class_names=("person", "car"))
    path = make_run(
        frames=[*(frame(n, 5) for n in range(1, 400)), frame(7, 2, seed=9), frame(8, candidates=nothing)]
    )
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 1024 // 2 * 1024])
    with KeptRun(path) as run:
        known = {one.number: one for one in run.walk()}
    for number, count in ((6, 5), (7, 2), (8, 0)):
        if number in known:
            assert known[number].candidates is not None
            assert len(known[number].candidates) == count


def test_what_was_given_up_half_done_is_begun_anew(make_run: MakeRun) -> None:
    with KeptRun(make_run(4200)) as run:
        retracker, asked = Retracker(run, Tracking(conf=0.1)), iter(range(10_000))
        given_up = list(retracker.advance(lambda _share: next(asked) >= 129))
        again = list(retracker.advance())
        whole = list(Retracker(run, Tracking(conf=0.1)).advance())
    assert [is_new for is_new, _ in given_up] == [True]
    assert [is_new for is_new, _ in again] == [True, False]
    for (_, one), (_, other) in zip(again, whole, strict=True):
        np.testing.assert_array_equal(one.columns["ids"], other.columns["ids"])
        np.testing.assert_array_equal(one.columns["boxes"], other.columns["boxes"])
