"""A kept run opens as a source: with its video, wherever that has gone, or on grey."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtdet.kept import KeptRun, fingerprint
from rtdet.kept.replay import GRAY, GraySource, KeptDetector, find_video
from rtdet.protocols import SourceState
from rtdet.types import Frame, Thresholds
from tests.kept.conftest import frame

MakeRun = Callable[..., Path]


@pytest.fixture
def film_run(make_run: MakeRun, tmp_path: Path) -> Path:
    """A kept run of a file, which is beside it."""
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film" * 500_000)
    return make_run(path=str(film), fingerprint=fingerprint(film))


def test_the_video_is_found_where_it_was(film_run: Path, tmp_path: Path) -> None:
    with KeptRun(film_run) as run:
        assert find_video(run) == str(tmp_path / "film.mp4")


def test_the_video_is_found_beside_the_run_under_its_name_and_under_another(
    film_run: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "film.mp4").rename(elsewhere / "film.mp4")
    moved = Path(shutil.move(film_run, elsewhere))
    with KeptRun(moved) as run:
        assert find_video(run) == str(elsewhere / "film.mp4")
        (elsewhere / "film.mp4").rename(elsewhere / "holiday.mp4")
        assert find_video(run) == str(elsewhere / "holiday.mp4")
        (elsewhere / "holiday.mp4").unlink()
        assert find_video(run) is None


def test_of_a_run_that_was_kept_of_a_kept_one_the_video_is_found(
    film_run: Path, make_run: MakeRun, tmp_path: Path
) -> None:
    first = film_run.rename(tmp_path / "FIRST.rtdet")
    with KeptRun(make_run(path=str(first), fingerprint=fingerprint(first))) as again:
        assert find_video(again) == str(tmp_path / "film.mp4")


def test_another_video_of_its_name_is_not_taken_for_it(
    film_run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "film.mp4").write_bytes(b"another film")
    with KeptRun(film_run) as run:
        assert find_video(run) is None
    assert "is not the video that RUN.rtdet was kept of" in caplog.text


def test_without_the_video_the_frames_are_grey_at_their_own_times(make_run: MakeRun) -> None:
    frames = [
        frame(1),
        frame(2, t=0.05, size=(320, 240)),
        frame(4, t=0.3, candidates=None, dropped="detector_busy"),
    ]
    with KeptRun(make_run(frames=frames)) as run:
        source = GraySource(run)
        got = []
        while (one := source.read()) is not None:
            got.append(one)
        assert [(one.index, one.t, one.size) for one in got] == [
            (0, 0.0, (640, 480)), (1, 0.05, (320, 240)), (3, 0.3, (640, 480)),
        ]  # fmt: skip
        assert (got[0].bgr == GRAY).all()
        assert source.state is SourceState.ENDED
        source.seek(0.05)
        again = source.read()
        assert again is not None
        assert again.index == 1
        assert source.time_of(3) == 0.3
        source.close()


def test_candidates_are_given_by_frame_and_by_time_where_the_numbers_are_others(make_run: MakeRun) -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    frames = [frame(1), frame(2), frame(3, candidates=None, dropped="detector_busy"), frame(4)]
    detector = KeptDetector(KeptRun(make_run(frames=frames)), Thresholds(0.05))
    by_number, by_time, dropped, unknown = detector.detect_frames(
        [Frame(picture, 0.04, 1), Frame(picture, 0.12, 0), Frame(picture, 0.08, 2), Frame(picture, 9.0, 200)]
    )
    assert by_number is not None
    assert by_time is not None
    assert by_number.boxes.tobytes() == detector.run.candidates(2).boxes.tobytes()
    assert by_time.boxes.tobytes() == detector.run.candidates(4).boxes.tobytes()
    assert dropped is None
    assert unknown is None
    detector.thresholds = Thresholds(0.999999)
    assert len(detector.detect_frames([Frame(picture, 0.04, 1)])[0] or ()) == 0
    detector.close()


def test_a_run_without_its_video_gives_its_tracks_all_the_same(demo_run: Path, tmp_path: Path) -> None:
    # As if the demo were a camera, whose pictures nobody has any more.
    import sqlite3

    lost = shutil.copy(demo_run / "RUN.rtdet", tmp_path / "LOST.rtdet")
    database = sqlite3.connect(lost)
    database.execute("""UPDATE about SET value = '"webcam"' WHERE key = 'source'""")
    database.commit()
    database.close()
    words = ["--source", "LOST.rtdet", "--headless", "--tracks", "AGAIN.csv"]
    done = subprocess.run(
        [sys.executable, "-m", "rtdet", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "the video of LOST.rtdet is not here; its boxes are shown on grey" in done.stderr
    assert (tmp_path / "AGAIN.csv").read_bytes() == (demo_run / "TRACKS.csv").read_bytes()


def test_a_password_of_the_source_is_not_in_the_file(tmp_path: Path) -> None:
    from rtdet.kept import About, KeptRunWriter
    from rtdet.kept.about import about_source
    from rtdet.types import SourceInfo

    address = "rtsp://anna:geheim@camera.example/live?token=abc123secret"
    info = SourceInfo(address, 640, 480, is_live=True)
    writer = KeptRunWriter(tmp_path / "RUN.rtdet", lambda: About(**about_source(address, info, None)))
    writer.write(frame(1))
    writer.close()
    content = (tmp_path / "RUN.rtdet").read_bytes()
    assert b"geheim" not in content
    assert b"abc123secret" not in content
    assert b"camera.example" in content


def test_a_kept_run_is_known_by_its_content_and_has_its_settings_under_any_name(tmp_path: Path) -> None:
    def rtdet(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", "rtdet", *words, "--headless"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    run = (
        "--max-frames",
        "30",
        "--conf",
        "0.6",
        "--tracker",
        "sort",
        "--tracks",
        "RUN.csv",
        "--keep",
        "RUN.rtdet",
    )
    assert rtdet("--source", "demo", *run).returncode == 0
    (tmp_path / "RUN.rtdet").rename(tmp_path / "renamed.db")
    assert rtdet("--source", "renamed.db", "--tracks", "AGAIN.csv").returncode == 0
    assert (tmp_path / "AGAIN.csv").read_bytes() == (tmp_path / "RUN.csv").read_bytes()
    wrong = rtdet("--source", "renamed.db", "--classes", "peple")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)
