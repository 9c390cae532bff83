"""A Ray cluster of several nodes on loopback, for tests.

`Nodes` is what tests have of it. The nodes are started by this file as a script, in a process of its own, which does
what standard input says, a line of JSON each time, and kills all that it has started once that ends, however it ends.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Ray's own figures are for machines that do nothing else; a lost node is to be noticed within seconds.
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_ENABLE_METRICS_COLLECTION": "0",
    "RAY_worker_niceness": "0",
    "RAY_raylet_start_wait_time_s": "90",
    "RAY_health_check_initial_delay_ms": "2000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "5000",
    "RAY_health_check_failure_threshold": "5",
}
_OBJECT_STORE_BYTES = 80 << 20
_WORKERS = ("light_worker.py", "rtdet.batch.worker")
# Ray gives a node that starts a few seconds here and there, which a loaded machine may not have for it. Where it does
# not start at all, that is not tried for longer.
_TRIES, _TRYING_S = 3, 150
NO_RAY = "" if importlib.util.find_spec("ray") else "needs Ray: pip install 'rtdet[batch]'"
if os.name == "nt":
    NO_RAY = "several nodes on one machine are not for Windows"
elif shutil.which("ps") is None:
    NO_RAY = "needs ps: apt install procps"


class Nodes:
    """A cluster; `address` is what `rtdet batch --address` takes. The first of `nodes`, which say what each has, is
    the cluster's head; cache: where the workers have their models. Raises RuntimeError where Ray does not start."""

    def __init__(self, *nodes: Mapping[str, int], cache: Path) -> None:
        began = time.monotonic()
        for left in reversed(range(_TRIES)):
            try:
                self._begin(nodes, cache)
                return
            except (RuntimeError, OSError) as error:
                if not left or time.monotonic() - began > _TRYING_S:
                    raise RuntimeError(f"Ray does not start here: {error}") from error

    def _begin(self, nodes: Sequence[Mapping[str, int]], cache: Path) -> None:
        # Sockets are in this folder: the path of one must be short.
        self._folder = tempfile.mkdtemp(prefix="rt-ray-")
        own = {"RAY_TMPDIR": self._folder, "PYTHONPATH": str(ROOT), "RTDET_CACHE": str(cache)}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__))],
            env={**os.environ, **_SETTINGS, **own},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True, cwd=self._folder,
        )  # fmt: skip
        try:
            self.address = str(self._ask("add", **nodes[0]))
            for node in nodes[1:]:
                self.add(**node)
        except BaseException:
            self.close()
            raise

    def add(self, **resources: int) -> None:
        """A further node, with `num_cpus` and `num_gpus`, which are 1 and 0."""
        self._ask("add", **resources)

    def kill_last(self) -> None:
        """Kills the node that came last, with all that runs on it, as if its machine lost power."""
        self._ask("kill")

    def kill_all(self) -> None:
        """Kills everything of the cluster, as if its machines lost power."""
        self._ask("kill all")

    def actors(self) -> list[int]:
        """The processes of the actors that work on batches."""
        return [pid for pid in self._ask("pids") if _is_actor(pid)]

    def workers(self) -> list[int]:
        """The processes that do the work, which the actors look after."""
        return [pid for pid in self._ask("pids") if any(name in _command_of(pid) for name in _WORKERS)]

    def close(self) -> None:
        """Ends all that was started. May be called twice."""
        with suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _ask(self, what: str, **more: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"what": what, **more}), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the cluster's process ended with the code {self._process.wait()}")
        known = json.loads(answer)
        if "error" in known:
            raise RuntimeError(known["error"])
        return known["answer"]


def _command_of(pid: int) -> str:
    done = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True)
    return done.stdout.strip()


def _is_actor(pid: int) -> bool:
    return _command_of(pid).startswith("ray::RayWorker")


def descendants(pids: Sequence[int]) -> list[int]:
    """All processes below these that live."""
    ps = subprocess.Popen(["ps", "-A", "-o", "pid=,ppid=,stat="], stdout=subprocess.PIPE, text=True)
    lines = [line.split() for line in ps.communicate()[0].splitlines()]
    parents = {int(pid): int(parent) for pid, parent, state in lines if "Z" not in state}
    parents.pop(ps.pid, None)
    found = set(pids)
    while more := {pid for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= more
    return sorted(found - set(pids))


# The process that starts the nodes


def _adopt_orphans() -> None:
    """Has what a killed process leaves behind become a child of this one, where Linux is: else nobody ended it."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def _kill(pids: Sequence[int]) -> None:
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


class _Cluster:
    """Carries out the lines."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self._cluster = Cluster()
        self._nodes: list[Any] = []

    def add(self, **resources: int) -> str:
        node = self._cluster.add_node(
            node_ip_address="127.0.0.1",
            object_store_memory=_OBJECT_STORE_BYTES,
            include_dashboard=False,
            include_log_monitor=False,
            no_monitor=True,
            **resources,
        )
        self._nodes.append(node)
        return str(self._cluster.address)

    def pids(self) -> list[int]:
        return descendants([os.getpid()])

    def kill(self) -> None:
        node = self._nodes.pop()
        _kill(self._processes_of(node))
        self._cluster.remove_node(node, allow_graceful=False)

    def kill_all(self) -> None:
        _kill([pid for node in self._nodes for pid in self._processes_of(node)])

    @staticmethod
    def _processes_of(node: Any) -> list[int]:
        own = [one.process.pid for processes in node.all_processes.values() for one in processes]
        return [*own, *descendants(own)]


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Ray prints is no answer
    _adopt_orphans()
    cluster = _Cluster()
    try:
        for line in sys.stdin:
            asked = json.loads(line)
            what = asked.pop("what").replace(" ", "_")
            print(json.dumps({"answer": getattr(cluster, what)(**asked)}), file=answers, flush=True)
    except BaseException as error:
        traceback.print_exc()
        with suppress(OSError):  # nobody listens any more
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=answers, flush=True)
    finally:
        for _ in range(50):  # some may be starting others just now
            pids = descendants([os.getpid()])
            _kill(pids)
            if not pids:
                break
            time.sleep(0.05)
        shutil.rmtree(os.environ["RAY_TMPDIR"], ignore_errors=True)  # also where the tests were killed
        os._exit(0)


if __name__ == "__main__":
    main()
