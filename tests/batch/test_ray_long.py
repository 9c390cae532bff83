"""`rtdet batch` on a cluster that is killed again and again, with the command line and 60 clips: `pytest -m long`."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from tests.batch.clips import DAMAGED, KINDS, write_clips
from tests.batch.conftest import ROOT, files_below
from tests.batch.ray_kills import Driven, check_end, kill_each, light_ray
from tests.batch.ray_nodes import NO_RAY, Nodes

pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(NO_RAY), reason=NO_RAY)]

NODES = ({"num_cpus": 1}, {"num_cpus": 1})


def test_sixty_clips_of_ten_kinds_survive_five_kills(rtdet, tmp_path, worker_cache):
    count = 60 - DAMAGED
    assert len(KINDS) == 10
    clips, out = tmp_path / "clips", tmp_path / "out"
    write_clips(clips, count)
    settings = ("--imgsz", "160", "--conf", "0.05", "--pieces", "3")
    command = [sys.executable, "-m", "rtdet", "batch", str(clips), "--out", str(out), *settings]
    rtdet("batch", clips, "--out", "undisturbed", "--engine", "local", *settings[:4], check=3)
    batch = Driven(lambda address: [*command, "--address", address], out, count)
    with Nodes(*NODES, cache=worker_cache) as nodes:
        said = kill_each(batch, nodes, driver_twice=True)
    assert "the Ray cluster does not answer any more" in said
    with Nodes(*NODES, cache=worker_cache) as nodes:
        done = rtdet("batch", clips, "--out", out, *settings, "--address", nodes.address, check=3)
    assert f"{count} of 60 sources done, {DAMAGED} failed" in done.stderr
    assert "2 workers on 2 nodes of a Ray cluster" in done.stderr
    check_end(out, tmp_path / "undisturbed", count)
    again = rtdet("batch", clips, "--out", out, *settings, check=3)  # nothing is left to be done
    assert f"{count} of 60 sources done, {DAMAGED} failed" in again.stderr


@pytest.mark.timeout(1500)
def test_twenty_kills_at_any_moment_change_nothing(tmp_path, worker_cache):
    rng = random.Random(15)
    count = 30
    clips, out, undisturbed = tmp_path / "clips", tmp_path / "out", tmp_path / "undisturbed"
    write_clips(clips, count, prefix="slow-")
    light = [
        sys.executable,
        str(ROOT / "tests" / "batch" / "light_batch.py"),
        undisturbed,
        "never",
        "0",
        clips,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run(light, env=environment, capture_output=True, timeout=200).returncode == 3
    wanted = files_below(undisturbed / "tracks")
    batch = Driven(lambda address: light_ray(address, out, clips), out, count)
    nodes, driver = Nodes(*NODES, cache=worker_cache), None
    try:
        for what in rng.sample(["driver", "actor", "worker", "node", "head"] * 4, 20):
            if driver is None or driver.poll() is not None:
                if driver is not None:
                    _, said = driver.communicate()
                    assert driver.returncode == 3, said  # all is done, or its cluster is gone
                    if "any more" not in said:
                        shutil.rmtree(out)
                driver = batch.begin(nodes.address)
            time.sleep(rng.uniform(0, 8))
            if what == "driver":
                driver.kill()
                driver.communicate()
                driver = None
            elif what == "head":
                nodes.kill_all()
                driver.wait(timeout=120)
                nodes.close()
                nodes = Nodes(*NODES, cache=worker_cache)
            elif what == "node":
                nodes.kill_last()
                nodes.add()
            else:
                for pid in (nodes.actors() if what == "actor" else nodes.workers())[:1]:
                    with suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
            whole = files_below(out / "tracks").items() if out.exists() else ()
            assert all(wanted[name] == content for name, content in whole), what
        if driver is not None:
            driver.communicate(timeout=300)
        driver = batch.begin(nodes.address)
        _, said = driver.communicate(timeout=300)
        assert driver.returncode == 3, said
    finally:
        nodes.close()
        if driver is not None:
            driver.kill()
            driver.communicate()
    check_end(out, undisturbed, count)
