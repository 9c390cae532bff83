"""`rtdet batch` on a real Ray cluster of two nodes on loopback, and on one of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rtdet.batch.journal import Journal
from rtdet.batch.layout import Layout
from tests.batch.clips import write_clips
from tests.batch.conftest import ROOT, files_below, write_film
from tests.batch.ray_kills import Driven, check_end, kill_each, light_ray
from tests.batch.ray_nodes import NO_RAY, Nodes, descendants

# To start a cluster takes seconds, and minutes on a loaded machine.
pytestmark = [pytest.mark.skipif(bool(NO_RAY), reason=NO_RAY), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def cluster(worker_cache: Path) -> Iterator[Nodes]:
    """A node without a GPU, and one that says that it has one. Skips where Ray itself does not start: it needs
    /dev/shm, some hundred open files, and a machine that has a moment for it."""
    try:
        nodes = Nodes({"num_cpus": 1}, {"num_cpus": 1, "num_gpus": 1}, cache=worker_cache)
    except RuntimeError as error:
        pytest.skip(str(error))
    with nodes:
        yield nodes


def _light(address: str, out: Path, *sources: Path, **wish: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        light_ray(address, out, *sources, **wish), env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=200,
    )  # fmt: skip


def _local(out: Path, *sources: Path) -> subprocess.Popen[bytes]:
    """A batch with light workers of this machine."""
    script = str(ROOT / "tests" / "batch" / "light_batch.py")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, script, str(out), "never", "0", *map(str, sources)], env=environment
    )


def test_two_nodes_give_the_data_set_of_one_machine_byte_for_byte(cluster, films, rtdet, tmp_path):
    settings = ("--imgsz", "160", "--conf", "0.05", "--tracks", "csv")
    alone = rtdet("batch", films, "--out", "alone", "--engine", "local", *settings)
    assert "on this machine" in alone.stderr
    said = rtdet(
        "batch", films, "--out", "out", "--address", cluster.address, "--pieces", "3", *settings
    ).stderr
    assert f"6 sources to work through; connecting to the Ray cluster {cluster.address} ..." in said
    assert "2 workers on 2 nodes of a Ray cluster" in said
    assert "6 of 6 sources done" in said
    wanted = files_below(tmp_path / "alone" / "tracks")
    assert len(wanted) == 6
    assert files_below(tmp_path / "out" / "tracks") == wanted


def _told(folder: Path) -> list[dict[str, str | None]]:
    return [json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()]


def test_what_asks_for_a_gpu_is_only_done_where_one_is(cluster, tmp_path):
    folder = tmp_path / "films"
    folder.mkdir()
    for number in range(3):
        write_film(folder / f"told-{number}.mp4", 3)
    done = _light(cluster.address, tmp_path / "gpu", folder, gpus=1.0)
    assert done.returncode == 0, done.stderr
    assert "1 worker on 2 nodes" in done.stdout
    assert [one["gpu"] for one in _told(folder)] == ["0"] * 3


def test_nodes_of_both_kinds_work_at_once_and_what_crashes_a_worker_costs_only_itself(cluster, tmp_path):
    folder, out = tmp_path / "films", tmp_path / "out"
    folder.mkdir()
    for name in ("abort", "memory", *(f"told-slow-{number}" for number in range(6))):
        write_film(folder / f"{name}.mp4", 8)
    done = _light(cluster.address, out, folder, memory="400MB")
    assert done.returncode == 3, done.stderr
    with Journal(Layout(out).journal, reads_only=True) as journal:
        assert journal.counts().done == 6
        failures = {Path(one.source).stem: one for one in journal.failures()}
    assert "SIGABRT" in failures["abort"].error
    assert "more than the 0.4 GB of a worker" in failures["memory"].error
    assert {one.attempts for one in failures.values()} == {2}
    gpus = {one["node"]: one["gpu"] for one in _told(folder)}
    assert sorted(gpus.values(), key=str) == ["0", None]


def test_a_batch_survives_the_death_of_driver_actor_node_and_cluster_and_goes_on_without(cluster, tmp_path):
    # The last test that has this cluster.
    count = 12
    clips, out, undisturbed = tmp_path / "clips", tmp_path / "out", tmp_path / "undisturbed"
    write_clips(clips, count, prefix="slow-")
    batch = Driven(lambda address: light_ray(address, out, clips), out, count)
    with _local(undisturbed, clips) as alone:
        said = kill_each(batch, cluster, driver_twice=False)
        assert "the Ray cluster does not answer any more" in said
        assert alone.wait(timeout=200) == 3
    with _local(out, clips) as local:
        assert local.wait(timeout=200) == 3
    check_end(out, undisturbed, count)


# A cluster of this machine's own


@pytest.fixture
def own_cluster(cluster: Nodes, tmp_path: Path, worker_cache: Path) -> Iterator[subprocess.Popen[str]]:
    """A batch that has been at work for a while, and would be for hours. The other cluster tells that Ray starts."""
    session = tempfile.mkdtemp(prefix="rt-ray-")  # sockets are in it, whose paths must be short
    process = subprocess.Popen(
        [sys.executable, "-m", "rtdet", "batch", "demo", "--out", "out", "--engine", "ray", "--duration", "30000",
         "--imgsz", "160", "--workers", "1"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "RTDET_CACHE": str(worker_cache), "RAY_TMPDIR": session},
    )  # fmt: skip
    try:
        for _ in range(2400):
            if any((tmp_path / "out" / "work").glob("*/tracks.parquet")):
                break
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
        yield process
    finally:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        shutil.rmtree(session, ignore_errors=True)


def test_a_cluster_of_its_own_calls_nobody_and_ends_at_once_with_the_batch(own_cluster, tmp_path):
    below = descendants([own_cluster.pid])
    if sys.platform == "linux":
        _check_calls_nobody(below)
    os.killpg(own_cluster.pid, signal.SIGINT)
    _, said = own_cluster.communicate(timeout=60)
    assert own_cluster.returncode == 130, said
    assert "1 source to work through; starting Ray on this machine ..." in said
    assert "rtdet: interrupted; ending what is under way" in said
    assert "to go on where it was: rtdet batch --out out" in said
    assert list((tmp_path / "out" / "work").iterdir()) == []
    for _ in range(300):  # those of Ray end by themselves, once nobody needs them
        left = set(below) & set(descendants([1]))
        if not left:
            break
        time.sleep(0.1)
    assert not left


def _check_calls_nobody(processes: list[int]) -> None:
    """Usage statistics are switched off in every process of Ray, each has the token that no file has, and all
    of their sockets are of loopback."""
    own, asked = set(), 0
    for pid in processes:
        with suppress(OSError):  # one ends now and then
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            own |= {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
            # A title that a process gives itself is written over its environment.
            if environment and not Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::"):
                assert b"RAY_USAGE_STATS_ENABLED=0" in environment.split(b"\0"), environment
                assert b"\0RAY_AUTH_TOKEN=" in b"\0" + environment, environment
                asked += 1
    assert asked > 2  # Ray's head and its node, at the least, and the worker
    addresses = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, remote, *_, inode = line.split()[:10]
            if f"socket:[{inode}]" in own:
                addresses += [local.split(":")[0], remote.split(":")[0]]
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    nobody = {"00000000", "0" * 32}
    assert loopback & set(addresses)
    assert set(addresses) <= loopback | nobody
