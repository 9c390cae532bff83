"""`rtdet batch` on a cluster that is killed again and again, with the command line and 60 clips: `pytest -m long`."""

from __future__ import annotations

import sys

import pytest

from tests.batch.clips import DAMAGED, KINDS, write_clips
from tests.batch.ray_kills import Driven, check_end, kill_each
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
