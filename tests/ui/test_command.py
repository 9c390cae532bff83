"""`rtdet --show` as a person starts it: a process of its own, with the embedded model, ended by a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest

ROOT = Path(__file__).resolve().parents[2]
FPS = 25  # of the demo


@pytest.fixture
def start_viewer(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `rtdet --source demo --show` in an empty folder; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "rtdet", "--source", "demo", "--show", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for(
    condition: Callable[[], object], process: subprocess.Popen[str], timeout_s: float = 100.0
) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def assert_outputs_are_complete(folder: Path) -> dict[str, dict[str, int]]:
    """The tracks, recording and statistics that the options OUTPUTS name. Returns the statistics."""
    rows = [json.loads(line) for line in lines_of(folder / "o.jsonl")]
    assert sum(len(row["tracks"]) for row in rows) > 0
    with av.open(str(folder / "o.mp4")) as recording:
        assert recording.duration is not None
        assert sum(1 for _ in recording.decode(video=0)) > 0
    numbers: dict[str, dict[str, int]] = json.loads((folder / "o.json").read_text())
    assert numbers["frames"]["processed"] > 0
    assert numbers["frames"]["shown"] > 0, "the window painted frames"
    assert numbers["fps"]["display"] > 0
    return numbers


OUTPUTS = ("--save", "o.mp4", "--tracks", "o.jsonl", "--stats", "o.json")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_the_viewer_shows_frames_and_a_signal_ends_it_with_complete_outputs_and_130(
    start_viewer, tmp_path, number
) -> None:
    viewer = start_viewer(*OUTPUTS)
    wait_for(lambda: len(lines_of(tmp_path / "o.jsonl")) > FPS, viewer)
    viewer.send_signal(number)
    _, said = viewer.communicate(timeout=200)
    assert viewer.returncode == 130, said
    assert "Traceback" not in said
    assert "no display" not in said
    assert_outputs_are_complete(tmp_path)


def test_a_run_that_ends_by_itself_completes_its_outputs_and_leaves_the_window_open(
    start_viewer, tmp_path
) -> None:
    viewer = start_viewer("--duration", "1", *OUTPUTS)
    wait_for(lambda: is_plain_mp4(tmp_path / "o.mp4"), viewer)
    time.sleep(0.5)
    assert viewer.poll() is None, "the last picture stays on screen"
    viewer.send_signal(signal.SIGTERM)
    _, said = viewer.communicate(timeout=200)
    assert viewer.returncode == 130, said
    assert assert_outputs_are_complete(tmp_path)["frames"]["in"] == FPS


def is_plain_mp4(path: Path) -> bool:
    """The recording was closed: while it is written it is in fragments, without an index for the whole; before the
    first of them it holds no pictures."""
    kinds, at = [], 0
    content = path.read_bytes() if path.exists() else b""
    while at + 8 <= len(content):
        kinds.append(content[at + 4 : at + 8])
        at += max(int.from_bytes(content[at : at + 4], "big"), 8)
    return b"moov" in kinds and b"mdat" in kinds and b"moof" not in kinds


def test_the_options_of_a_run_hold_in_the_viewer_too(start_viewer, tmp_path) -> None:
    viewer = start_viewer("--classes", "person", "--policy", "every", "--duration", "1", *OUTPUTS)
    wait_for(lambda: is_plain_mp4(tmp_path / "o.mp4"), viewer)
    viewer.send_signal(signal.SIGINT)
    viewer.communicate(timeout=200)
    numbers = assert_outputs_are_complete(tmp_path)
    assert numbers["frames"]["processed"] == numbers["frames"]["in"] == FPS
    rows = [json.loads(line) for line in lines_of(tmp_path / "o.jsonl")]
    assert len(rows) == FPS
    assert {track["class"] for row in rows for track in row["tracks"]} == {"person"}
