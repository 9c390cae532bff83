"""A kept run is tracked again in another process, also while it grows, and a newer wish ends an older one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rtdet.kept import About, KeptRun, KeptRunWriter, Tracking, retracked
from rtdet.kept.retracker import Retracker, Rows, rows_of
from rtdet.kept.retracking_client import Answer, RetrackingClient
from rtdet.tracks.table import TrackTable
from tests.kept.conftest import CLASSES, frame

MakeRun = Callable[..., Path]


@pytest.fixture
def client() -> Iterator[RetrackingClient]:
    one = RetrackingClient()
    yield one
    one.close()


def _wait(client: RetrackingClient, number: int) -> Answer:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        for answer in client.answers():
            if answer.number == number and (answer.table is not None or answer.error):
                return answer
        time.sleep(0.01)
    raise AssertionError("no answer came")


def _same(one: TrackTable | None, other: TrackTable) -> None:
    assert one is not None
    for name in ("frames", "ids", "boxes", "scores", "labels"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.class_names == other.class_names
    assert one.frame_list.numbers.tolist() == other.frame_list.numbers.tolist()


def test_the_process_gives_the_table_that_this_one_would(client: RetrackingClient, demo_run: Path) -> None:
    path = demo_run / "RUN.rtdet"
    with KeptRun(path) as run:
        tracking = Tracking.of(run.about)
        _same(_wait(client, client.request(path, tracking)).table, retracked(run))
        other = Tracking(conf=0.6, tracker="sort", classes=("person",))
        _same(_wait(client, client.request(path, other)).table, retracked(run, other))


def test_wrong_settings_are_an_answer_and_the_next_request_is_served(
    client: RetrackingClient, make_run: MakeRun, tmp_path: Path
) -> None:
    path = make_run(40)
    assert "horse" in _wait(client, client.request(path, Tracking(set=("max_age_s.horse=2",)))).error
    assert "none.rtdet" in _wait(client, client.request(tmp_path / "none.rtdet", Tracking())).error
    assert _wait(client, client.request(path, Tracking())).table is not None


def test_a_process_that_was_killed_is_started_anew(client: RetrackingClient, make_run: MakeRun) -> None:
    path = make_run(40)
    _wait(client, client.request(path, Tracking()))
    process = client._process
    assert process is not None
    process.kill()
    process.wait()
    assert _wait(client, client.request(path, Tracking())).table is not None


def test_the_newest_of_several_requests_is_answered(client: RetrackingClient, make_run: MakeRun) -> None:
    path = make_run(3000)
    numbers = [client.request(path, Tracking(conf=conf)) for conf in (0.2, 0.3, 0.4, 0.5)]
    answer = _wait(client, numbers[-1])
    with KeptRun(path) as run:
        _same(answer.table, retracked(run, Tracking(conf=0.5)))


def test_a_run_that_grows_is_gone_on_with(tmp_path: Path, client: RetrackingClient) -> None:
    path = tmp_path / "RUN.rtdet"
    writer = KeptRunWriter(path, lambda: About(class_names=CLASSES))
    tracking = Tracking(conf=0.1)
    for end in (50, 60, 120):
        begin = {50: 1, 60: 50, 120: 60}[end]
        for number in range(begin, end):
            writer.write(frame(number))
        writer.flush()
        table = _wait(client, client.request(path, tracking)).table
        with KeptRun(path) as run:
            _same(table, retracked(run, tracking))
    writer.close()


def test_what_was_tracked_already_is_not_tracked_again(tmp_path: Path) -> None:
    path = tmp_path / "RUN.rtdet"
    writer = KeptRunWriter(path, lambda: About(class_names=CLASSES))
    for number in range(1, 11):
        writer.write(frame(number))
    writer.flush()
    with KeptRun(path) as run:
        retracker = Retracker(run, Tracking(conf=0.1))
        (first,) = retracker.advance()
        for number in range(11, 14):
            writer.write(frame(number))
        writer.flush()
        run.reread()
        (second,) = retracker.advance()
        assert (first[0], first[1].numbers.tolist()) == (True, list(range(1, 11)))
        assert (second[0], second[1].numbers.tolist()) == (False, [11, 12, 13])
        # Somebody went back and saw a frame that had been dropped.
        writer.write(frame(14, candidates=None, dropped="detector_busy"))
        writer.write(frame(15))
        writer.flush()
        run.reread()
        list(retracker.advance())
        writer.write(frame(14))
        writer.close()
        run.reread()
        (third,) = retracker.advance()
        assert (third[0], third[1].numbers.tolist()) == (True, list(range(1, 16)))


def test_rows_without_frames_are_an_empty_table() -> None:
    assert len(rows_of([]).table(("a",))) == 0
    empty: Rows = rows_of([])
    assert empty.followed_by(empty).numbers.tolist() == []


def test_files_of_the_folder_that_one_is_in_are_not_taken_for_modules(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_run(40)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "numpy.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(elsewhere)
    client = RetrackingClient()
    try:
        assert _wait(client, client.request(Path("..") / path.name, Tracking())).table is not None
    finally:
        client.close()
