"""Whatever is killed, and whenever: who goes on where it was has in the end what a batch without a kill has."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys

import pytest

from rtdet.batch.journal import Journal
from rtdet.batch.layout import Layout
from tests.batch.conftest import ROOT, files_below
from tests.batch.light_batch import MOMENTS

if os.name == "nt":
    pytest.skip("kill -9 is not of Windows", allow_module_level=True)


@pytest.fixture(scope="module")
def clips(films, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name in ("a.mp4", "b.mkv", "c.mp4", "below/d.ts"):
        shutil.copy(films / name, folder)
    (folder / "no.mp4").write_bytes(b"this is no film")
    return folder


def _batch(out, moment, count, *sources):
    return subprocess.run(
        [sys.executable, ROOT / "tests" / "batch" / "light_batch.py", out, moment, str(count), *sources],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=200,
    )  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(clips, tmp_path_factory):
    """What a batch without a kill gives."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    done = _batch(out, "never", 0, clips)
    assert done.returncode == 3, done.stderr
    tracks = files_below(out / "tracks")
    assert len(tracks) == 4
    assert all(len(content) > 1_500 for content in tracks.values())
    return tracks


@pytest.mark.parametrize("wanted", [5, pytest.param(20, marks=pytest.mark.long)])
def test_so_many_kills_change_nothing(wanted, clips, undisturbed, tmp_path):
    rng = random.Random(15)
    out = tmp_path / "out"
    moments = [*MOMENTS, *(f"all: {moment}" for moment in MOMENTS)]
    rng.shuffle(moments)
    kills = begun = 0
    while kills < wanted:
        if begun and Journal(Layout(out).journal, reads_only=True).counts().done == 4:
            shutil.rmtree(out)  # all is done: from the beginning, with the kills that are left
        moment = moments[begun % len(moments)]
        begun += 1
        done = _batch(out, moment, rng.randint(1, 2), clips)
        kills += done.returncode == -signal.SIGKILL
        assert done.returncode in (-signal.SIGKILL, 3), done.stderr
        whole = files_below(out / "tracks").items() if out.exists() else ()
        assert all(undisturbed[name] == content for name, content in whole), moment
        assert begun < 60
    done = _batch(out, "never", 0, clips)
    assert done.returncode == 3, done.stderr
    assert files_below(out / "tracks") == undisturbed
    assert list((out / "work").iterdir()) == []


def test_workers_that_are_killed_change_nothing(clips, undisturbed, tmp_path):
    for number in (2, 5):
        out = tmp_path / str(number)
        done = _batch(out, "worker", number, clips)
        assert done.returncode == 3, done.stderr
        assert files_below(out / "tracks") == undisturbed


def test_a_source_that_crashes_its_worker_costs_only_itself(films, clips, undisturbed, tmp_path):
    poison = tmp_path / "poison"
    poison.mkdir()
    for name in ("segfault", "memory", "hang"):
        shutil.copy(films / "c.mp4", poison / f"{name}.mp4")
    out = tmp_path / "out"
    done = _batch(out, "never", 0, poison, clips)
    assert done.returncode == 3, done.stderr
    assert files_below(out / "tracks") == undisturbed
    with Journal(Layout(out).journal, reads_only=True) as journal:
        why = {one.source.rpartition("/")[2]: one.error for one in journal.failures()}
        attempts = {one.source.rpartition("/")[2]: one.attempts for one in journal.failures()}
    assert "SIGSEGV" in why["segfault.mp4"]
    assert "more than the 0.4 GB of a worker" in why["memory.mp4"]
    assert "no frame came for 8 s" in why["hang.mp4"]
    assert set(attempts.values()) == {2}
