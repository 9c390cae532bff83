"""A batch on a cluster of two nodes of which one thing after the other is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rtdet.batch.journal import Journal
from rtdet.batch.layout import Layout
from rtdet.errors import RtdetError, SourceError
from tests.batch.clips import DAMAGED
from tests.batch.conftest import ROOT, files_below
from tests.batch.ray_nodes import Nodes

# The command of a driver, by the address of its cluster.
Command = Callable[[str], list[str]]


def light_ray(address: str, out: Path, *sources: Path, **wish: object) -> list[str]:
    """The command of a batch with light workers; wish: of EngineWish."""
    script = str(ROOT / "tests" / "batch" / "light_ray.py")
    return [sys.executable, script, address, json.dumps({"out": str(out), **wish}), *map(str, sources)]


class Driven:
    """A batch of `count` sources that succeed, whose driver is started again and again."""

    def __init__(self, command: Command, out: Path, count: int) -> None:
        self._command, self._out, self._count = command, out, count

    def begin(self, address: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command(address), env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def until(self, share: float, driver: subprocess.Popen[str]) -> None:
        """Waits until this share of the sources is done, and something is left; the driver must live."""
        wanted = max(1, round(share * self._count))
        for _ in range(2400):
            if self._done() >= wanted:
                break
            assert driver.poll() is None, driver.communicate()[1]
            time.sleep(0.05)
        assert wanted <= self._done() < self._count
        assert driver.poll() is None, driver.communicate()[1]

    def _done(self) -> int:
        try:
            with Journal(Layout(self._out).journal, reads_only=True) as journal:
                return journal.counts().done
        except RtdetError:  # it is not there yet
            return 0


def kill_each(batch: Driven, nodes: Nodes, *, driver_twice: bool) -> str:
    """Kills the driver, an actor, a node, the driver again if it is to be killed twice, and the whole cluster, each
    some way further; gives what the driver said that had lost its cluster."""
    driver = batch.begin(nodes.address)
    batch.until(0.1, driver)
    _kill(driver)
    driver = batch.begin(nodes.address)
    batch.until(0.25, driver)
    os.kill(nodes.actors()[0], 9)
    batch.until(0.4, driver)
    nodes.kill_last()
    batch.until(0.55, driver)
    if driver_twice:
        _kill(driver)
        driver = batch.begin(nodes.address)
        batch.until(0.7, driver)
    nodes.kill_all()
    _, said = driver.communicate(timeout=120)
    assert driver.returncode == SourceError.exit_code, said
    return said


def _kill(driver: subprocess.Popen[str]) -> None:
    driver.kill()
    driver.communicate()


def check_end(out: Path, undisturbed: Path, count: int) -> None:
    """The data set is the other's, byte for byte, nothing is left of what was begun, and failures have reasons."""
    wanted = files_below(undisturbed / "tracks")
    assert len(wanted) == count
    assert files_below(out / "tracks") == wanted
    assert list((out / "work").iterdir()) == []
    with Journal(Layout(out).journal, reads_only=True) as journal:
        assert (journal.counts().done, journal.counts().failed) == (count, DAMAGED)
        reasons = {Path(one.source).stem.removeprefix("slow-"): one.error for one in journal.failures()}
    assert "is empty" in reasons["empty"]
    assert "index (moov) is missing" in reasons["cut-off"]
    assert "cannot be read as a video" in reasons["noise"]
    assert "holds text" in reasons["words"]
