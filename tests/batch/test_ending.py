"""How a batch ends early: by Ctrl-C, and where the disk is full."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from rtdet.batch.journal import Journal
from rtdet.batch.layout import Layout
from tests.batch.conftest import ROOT, files_below

if os.name == "nt":
    pytest.skip("signals and mounts are not those of Windows", allow_module_level=True)


def _wait_for(what, process):
    for _ in range(1200):
        if what():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError("it did not come")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_at_once_and_says_how_to_go_on(tmp_path, worker_cache, number):
    process = subprocess.Popen(
        [sys.executable, "-m", "rtdet", "batch", "demo", "--out", "out", "--duration", "3000", "--imgsz", "160"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "RTDET_CACHE": str(worker_cache)},
    )  # fmt: skip
    work = tmp_path / "out" / "work"
    _wait_for(lambda: any(work.glob("*/tracks.parquet")), process)
    os.killpg(process.pid, number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "to go on where it was: rtdet batch --out out" in said
    assert list(work.iterdir()) == []
    with Journal(Layout(tmp_path / "out").journal, reads_only=True) as journal:
        assert journal.counts().waiting == 1


def test_a_full_disk_ends_it_with_one_line_and_it_goes_on_once_there_is_room(films, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=76k", "none", str(out)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a full disk is made by mounting one, which needs root")
    try:
        light = ROOT / "tests" / "batch" / "light_batch.py"
        script = [sys.executable, light, out, "never", "0", films / "a.mp4", films / "c.mp4"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        full = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=200)
        assert "the disk is full" in full.stderr
        assert f"go on: rtdet batch --out {out}" in full.stderr
        assert full.returncode == 5, full.stderr
        assert "Traceback" not in full.stderr
        subprocess.run(["mount", "-o", "remount,size=8m", str(out)], check=True)
        done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, done.stderr
        assert len(files_below(out / "tracks")) == 2
    finally:
        subprocess.run(["umount", "-l", str(out)], check=True)
