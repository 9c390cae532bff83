"""What was kept is read as it was, and of a damaged file what is whole."""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtdet.errors import OutputError, SourceError
from rtdet.kept import KeptRun, is_kept_run
from rtdet.types import Detections
from tests.kept.conftest import frame

MakeRun = Callable[..., Path]


def test_candidates_come_back_to_the_last_bit(make_run: MakeRun) -> None:
    with KeptRun(make_run(600)) as run:
        assert run.class_names == ("person", "car")
        for number in (1, 2, 255, 256, 257, 600):
            kept, given = run.candidates(number), frame(number).candidates
            assert given is not None
            assert kept.boxes.tobytes() == given.boxes.tobytes()
            assert kept.scores.tobytes() == given.scores.tobytes()
            assert kept.labels.tobytes() == given.labels.tobytes()


def test_frames_keep_their_times_sizes_names_and_camera_steps(make_run: MakeRun) -> None:
    step = np.array([[1.0, 1e-17, 0.1], [0.0, 1.0, 1 / 3]])
    frames = [
        frame(1, t=0.1 + 0.2, pts=None),
        frame(2, size=(320, 240), camera_step=step),
        frame(5, candidates=None, dropped="detector_busy"),
        frame(6, candidates=Detections(class_names=("person", "car"))),
    ]
    with KeptRun(make_run(frames=frames)) as run:
        assert run.frames.numbers.tolist() == [1, 2, 5, 6]
        assert run.frames.times_s[0] == 0.1 + 0.2
        assert run.frames.dropped == ["", "", "detector_busy", ""]
        walked = list(run.walk())
    assert [one.number for one in walked] == [1, 2, 6]
    assert (walked[0].pts, walked[1].size) == (None, (320, 240))
    assert walked[1].camera_step is not None
    assert walked[1].camera_step.tobytes() == step.tobytes()
    assert len(walked[2].candidates or ()) == 0


def test_key_points_are_kept(make_run: MakeRun) -> None:
    points = np.array([[[10.5, 20.25, 0.5]], [[1.0, 2.0, 1.0]], [[3.0, 4.125, 0.25]]])
    found = frame(1).candidates
    assert found is not None
    found = Detections(found.boxes, found.scores, found.labels, found.class_names, points)
    with KeptRun(make_run(frames=[frame(1, candidates=found)])) as run:
        np.testing.assert_array_equal(run.candidates(1).points, points)


def test_a_frame_that_is_seen_again_takes_the_place_of_the_first_time(make_run: MakeRun) -> None:
    again = frame(2, 1, seed=9)
    frames = [frame(1), frame(2, 5), frame(3), again, frame(1, candidates=None, dropped="seek")]
    with KeptRun(make_run(frames=frames)) as run:
        assert len(run.candidates(2)) == 1
        assert len(run.candidates(1)) == 3  # it was only dropped the second time
        assert run.frames.dropped == ["", "", ""]


def test_a_stranger_reads_it_with_sqlite_alone(make_run: MakeRun) -> None:
    database = sqlite3.connect(make_run(3))
    rows = database.execute(
        "SELECT frame, time_s, class, score, x1, y2 FROM detections ORDER BY frame, place"
    ).fetchall()
    database.close()
    given = frame(1).candidates
    assert given is not None
    assert len(rows) == 9
    assert rows[0][:4] == (1, 0.0, given.name_of(0), given.scores[0])
    assert rows[0][4:] == (given.boxes[0, 0], given.boxes[0, 3])


def test_a_candidate_takes_at_most_forty_bytes(make_run: MakeRun) -> None:
    path = make_run(frames=[frame(n, 20) for n in range(1, 501)])
    assert path.stat().st_size <= 40 * 20 * 500


def test_documents_are_kept_beside_the_rows(make_run: MakeRun) -> None:
    with KeptRun(make_run()) as run:
        assert run.document("edits") is None
        run.set_document("edits", '{"ä": 1}')
        assert run.document("edits") == '{"ä": 1}'
        run.set_document("edits", None)
        assert run.document("edits") is None


def test_it_is_told_from_other_files(make_run: MakeRun, tmp_path: Path) -> None:
    other = tmp_path / "other.rtdet"
    database = sqlite3.connect(other)
    database.execute("CREATE TABLE frames (frame)")
    database.close()
    assert is_kept_run(make_run())
    assert not is_kept_run(other)
    assert not is_kept_run(tmp_path / "none")
    with pytest.raises(SourceError, match=r"other\.rtdet is not a kept run of rtdet"):
        KeptRun(other)
    with pytest.raises(SourceError, match=r"cannot read .*none: no such file"):
        KeptRun(tmp_path / "none")


def test_a_file_of_a_newer_format_says_so_in_one_line(make_run: MakeRun) -> None:
    path = make_run()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(
        SourceError, match=r"kept by a newer rtdet \(format 7; this one reads 1\); update rtdet"
    ):
        KeptRun(path)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_of_a_file_that_was_cut_off_the_first_part_is_read(
    make_run: MakeRun, share: float, caplog: pytest.LogCaptureFixture
) -> None:
    path = make_run(2000)
    os.truncate(path, int(path.stat().st_size * share))
    with KeptRun(path) as run:
        walked = list(run.walk())
        assert "damaged" in run.damage
    assert "is damaged" in caplog.text
    assert len(walked) > 2000 * share * 0.6
    for one in (walked[0], walked[len(walked) // 2]):
        given = frame(one.number).candidates
        assert given is not None
        assert one.candidates is not None
        assert one.candidates.boxes.tobytes() == given.boxes.tobytes()


def test_what_lies_around_a_damaged_place_is_read(make_run: MakeRun) -> None:
    path = make_run(2000)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 1024 * 1024
    content[middle : middle + 8192] = os.urandom(8192)
    path.write_bytes(content)
    with KeptRun(path) as run:
        numbers = [one.number for one in run.walk()]
    assert 1 in numbers
    assert 2000 in numbers
    assert 1800 < len(numbers) < 2000


def test_a_file_of_which_nothing_is_left_is_an_error(make_run: MakeRun) -> None:
    path = make_run(100)
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(len(content) - 100))
    with pytest.raises(SourceError, match=r"is damaged, and nothing of it can be read"):
        KeptRun(path)
    path.write_bytes(content[:60] + struct.pack(">I", 1) + content[64:72])  # not even its head
    with pytest.raises(SourceError, match=r"is not a kept run"):
        KeptRun(path)


def test_a_document_that_cannot_be_written_says_so(make_run: MakeRun) -> None:
    path = make_run()
    with KeptRun(path) as run:
        path.unlink()
        path.mkdir()
        with pytest.raises(OutputError, match=r"cannot write .*RUN\.rtdet"):
            run.set_document("zones", "{}")
