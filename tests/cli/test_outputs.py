"""Outputs and what they may not do: destroy what is read, vanish unnoticed, or be written by two at once."""

from __future__ import annotations

import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as POSIX has them")


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    """The folder where the command runs is also the user's home."""
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def film(clip, tmp_path) -> Path:
    return Path(shutil.copy(clip, tmp_path / "a.mp4"))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "spelling", ["a.mp4", "file://{}", "~/a.mp4", " a.mp4 ", "./a.mp4", "[a].mp4", "folder"]
)
@pytest.mark.parametrize("output", ["--save", "--tracks", "--stats"])
def test_no_spelling_of_the_source_lets_an_output_destroy_it(rtdet, film, tmp_path, spelling, output):
    suffix = {"--save": ".mp4", "--tracks": ".csv", "--stats": ".json"}[output]
    if spelling == "folder":
        (tmp_path / "folder").mkdir()
        os.link(film, tmp_path / "folder" / "1.mp4")
    target = tmp_path / f"link{suffix}"
    os.link(film, target)
    before = _digest(film)
    outcome = rtdet("--source", spelling.format(film), "--headless", output, target)
    assert outcome.code == 2, outcome.err
    assert len(outcome.errors) == 1
    assert f"{output} {target} would overwrite" in outcome.errors[0]
    assert _digest(film) == before


def test_other_commands_do_not_destroy_what_they_read_either(rtdet, film, tmp_path):
    rows = tmp_path / "d.txt"
    rows.write_text("1,-1,10,10,20,20,.9\n")
    for name in ("d.csv", "d.png"):
        os.link(rows, tmp_path / name)
    os.link(film, tmp_path / "a.json")
    before = {path: _digest(path) for path in (rows, film)}
    for command in (
        ("detect", film, "--out", "a.json"),
        ("track", rows, "--out", "d.csv"),
        ("track", "d.csv", "--out", "t.txt", "--frames", rows, "--out", "d.txt"),
        ("eval", "stream", rows, "--latency-ms", "50", "--out", "d.csv"),
        ("eval", "stream", rows, "--latency-ms", "50", "--out", "s.txt", "--gt", rows, "--plot", "d.png"),
    ):
        outcome = rtdet(*command)
        assert outcome.code == 2, (command, outcome.err)
        assert "would overwrite" in outcome.errors[0], command
    assert {path: _digest(path) for path in before} == before


def test_the_model_and_the_configuration_are_read_too(rtdet, film, tmp_path):
    settings = tmp_path / "run.toml"
    settings.write_text("conf = 0.4\n")
    os.link(settings, tmp_path / "stats.json")
    outcome = rtdet("--source", film, "--headless", "--config", settings, "--stats", "stats.json")
    assert (outcome.code, settings.read_text()) == (2, "conf = 0.4\n"), outcome.err
    (tmp_path / "own.onnx").write_bytes(b"weights")
    outcome = rtdet("--source", film, "--headless", "--model", "own.onnx", "--tracks", "own.txt")
    (tmp_path / "own.txt").write_text("cat\n")
    outcome = rtdet("--source", film, "--headless", "--model", "own.onnx", "--tracks", "own.txt")
    assert (outcome.code, (tmp_path / "own.txt").read_text()) == (2, "cat\n"), outcome.err


def test_of_two_runs_with_one_output_the_second_is_told(rtdet, start_rtdet, film, tmp_path):
    first = start_rtdet("--source", "demo", "--headless", "--tracks", "t.csv")
    _wait_for(lambda: (tmp_path / "t.csv").exists() and (tmp_path / "t.csv").stat().st_size > 1000)
    outcome = rtdet("--source", film, "--headless", "--tracks", "t.csv")
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=200)
    assert outcome.code == 5
    assert "is being written by another run" in outcome.errors[0]
    assert (tmp_path / "t.csv").read_text().startswith("frame,")


@pytest.mark.parametrize("name", ["t.csv", "v.mp4"])
def test_a_folder_that_vanishes_during_a_run_is_exit_code_5(start_rtdet, tmp_path, name):
    folder = tmp_path / "out"
    folder.mkdir()
    option = "--save" if name.startswith("v") else "--tracks"
    run = start_rtdet("--source", "demo", "--headless", option, f"out/{name}")
    _wait_for(lambda: (folder / name).exists() and (folder / name).stat().st_size > 100)
    shutil.rmtree(folder)
    _, said = run.communicate(timeout=200)
    assert run.returncode == 5, said
    assert f"out/{name} was deleted or moved while it was being written" in said
    assert "Traceback" not in said


def test_statistics_whose_folder_vanishes_are_exit_code_5(start_rtdet, tmp_path):
    (tmp_path / "out").mkdir()
    limits = ("--max-frames", 120)
    run = start_rtdet("--source", "demo", "--headless", "--stats", "out/s.json", "--tracks", "t.csv", *limits)
    _wait_for(lambda: (tmp_path / "t.csv").exists())
    shutil.rmtree(tmp_path / "out")
    _, said = run.communicate(timeout=200)
    assert run.returncode == 5, said
    assert "cannot write out/s.json" in said


@pytest.fixture
def hangup():
    """Says what a process that is started from now on does at SIGHUP; afterwards it is as it was."""
    before = signal.getsignal(signal.SIGHUP)
    yield lambda handler: signal.signal(signal.SIGHUP, handler)
    signal.signal(signal.SIGHUP, before)


def test_a_closed_terminal_completes_the_outputs_as_ctrl_c_does(start_rtdet, hangup, tmp_path):
    hangup(signal.SIG_DFL)
    run = start_rtdet(
        "--source", "demo", "--headless", "--tracks", "t.parquet", "--save", "v.mp4", "--stats", "s.json"
    )
    _wait_for(lambda: (tmp_path / "v.mp4").exists())
    run.send_signal(signal.SIGHUP)
    _, said = run.communicate(timeout=200)
    assert run.returncode == 130, said
    assert json.loads((tmp_path / "s.json").read_text())["frames"]["processed"] > 0
    assert "frames in" in said


def test_a_run_that_nohup_started_outlives_its_terminal(start_rtdet, hangup, tmp_path):
    hangup(signal.SIG_IGN)
    run = start_rtdet("--source", "demo", "--headless", "--max-frames", "60", "--tracks", "t.csv")
    _wait_for(lambda: (tmp_path / "t.csv").exists())
    run.send_signal(signal.SIGHUP)
    _, said = run.communicate(timeout=200)
    assert run.returncode == 0, said
    assert said.startswith("60 frames in")


@pytest.mark.parametrize("name", ["pipe.csv", "pipe.txt", "pipe.jsonl", "pipe"])
def test_a_pipe_gets_the_rows_as_they_come(rtdet, film, tmp_path, name):
    os.mkfifo(tmp_path / name)
    got: list[bytes] = []
    end = os.open(tmp_path / name, os.O_RDONLY | os.O_NONBLOCK)  # from now on the pipe has a reader

    def read() -> None:
        select.select([end], [], [])
        os.set_blocking(end, True)
        with open(end, "rb") as file:
            got.append(file.read())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    run = ("--source", film, "--headless", "--max-frames", 12, "--tracks")
    assert rtdet(*run, name).code == 0
    reader.join(20)
    assert rtdet(*run, f"file{Path(name).suffix or '.csv'}").code == 0
    assert got == [(tmp_path / f"file{Path(name).suffix or '.csv'}").read_bytes()]
    assert got[0].count(b"\n") >= 12


def test_a_pipe_that_nobody_reads_or_that_a_format_cannot_use_is_one_line(rtdet, film, tmp_path):
    for name in ("p.csv", "p.json", "p.parquet", "p.mp4"):
        os.mkfifo(tmp_path / name)
    outcome = rtdet("--source", film, "--headless", "--tracks", "p.csv")
    assert (outcome.code, len(outcome.errors)) == (5, 1)
    assert "nothing reads from this pipe" in outcome.errors[0]
    for option, name in (("--tracks", "p.json"), ("--tracks", "p.parquet"), ("--save", "p.mp4")):
        outcome = rtdet("--source", film, "--headless", option, name)
        assert (outcome.code, len(outcome.errors)) == (5, 1)
        assert "is a pipe or a device" in outcome.errors[0]


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_tracks_go_to_standard_output_as_a_table(rtdet, start_rtdet, film, tmp_path, name):
    limits = ("--source", film, "--headless", "--max-frames", 12, "--tracks")
    run = start_rtdet(*limits, name)
    out, said = run.communicate(timeout=200)
    assert run.returncode == 0, said
    assert rtdet(*limits, "t.csv").code == 0
    assert out == (tmp_path / "t.csv").read_text()
    assert out.count("\n") > 12
    assert not (tmp_path / "-").exists()


def test_a_reader_that_leaves_ends_the_run_in_silence(film, tmp_path):
    command = (
        f"{sys.executable} -m rtdet --source {film} --headless --tracks - | head -1; exit ${{PIPESTATUS[0]}}"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "frame,time_s,id,class,score,left,top,width,height,seen\n"
    assert done.returncode == 141
    assert "error" not in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_printed_to_a_reader_that_has_left_is_no_error(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = f"{{ sleep 0.1; {sys.executable} -m rtdet models; }} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (141, "")


def _wait_for(condition, timeout_s: float = 100.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
