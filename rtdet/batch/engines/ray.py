"""Work done by the nodes of a Ray cluster."""

from __future__ import annotations

import logging
import math
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdet.backends.machine import core_count
from rtdet.batch.engines.engine import Event, Running
from rtdet.batch.engines.nodes import Share, check_shares, shares_of_node
from rtdet.batch.engines.ray_address import check_answers, place_of, refusal
from rtdet.batch.engines.ray_worker import Greeting, RayWorker
from rtdet.batch.facts import own_version
from rtdet.batch.process import Limits, worker_command
from rtdet.batch.sizes import parse_bytes
from rtdet.batch.tasks import Outcome, Progress, Task
from rtdet.errors import SourceError, UsageError
from rtdet.extras import require_part
from rtdet.signals import ending

if TYPE_CHECKING:
    from rtdet.batch.engines.opening import EngineWish

log = logging.getLogger("rtdet.batch")

_ASK_EVERY_S = 1.0
_LOOK_AT_NODES_EVERY_S = 3.0
# A cluster without a node that can work is waited for so long.
_NOBODY_S = 120.0
# One whose head does not answer, so long. After a minute Ray itself would end this process.
_SILENT_S = 15.0
_ANSWER_S = 2.0
# Where no worker begins for so long, the cluster may be busy with other things: somebody who waits is told.
_BUSY_S = 30.0
# A node whose workers end so often before they have begun has no rtdet, say, or another Python.
_MOST_STILLBORN = 10
# Nothing of Ray calls home, and what it starts for itself starts nothing that is not asked for.
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_PROMPT_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
}
# For a cluster of this machine's own: its workers are not to wait for everything else that runs here, as Ray has them
# do, a machine that is busy may take longer to start it, and no other machine is to reach it, since whoever does runs
# there what they like: with clusters switched off, Ray listens on loopback alone, on every system.
_OWN_CLUSTER = {
    "RAY_worker_niceness": "0",
    "RAY_raylet_start_wait_time_s": "180",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}


@dataclass(eq=False)
class _Slot:
    """An actor and what it is doing. greeting: None until its node has started it."""

    actor: Any
    node: str
    share: Share
    greeting: Greeting | None = None
    greets: Any = None
    task: Task | None = None
    does: Any = None
    asked: Any = None
    progress: Progress = field(default_factory=Progress)
    began_at: float = 0.0

    @property
    def machine(self) -> str:
        return "" if self.greeting is None else f"{self.greeting.machine}/{self.node[:6]}"


class RayEngine:
    """Actors on all nodes of a cluster (engine.Engine): as many as there is room for, also on nodes that come later.
    `folder` is the batch's, which every node must see; `command` starts a worker's process (process.WorkerProcess).

    Raises UsageError where no node has room for a worker, SourceError where the cluster does not answer."""

    def __init__(
        self,
        wish: EngineWish,
        device: str,
        folder: Path,
        command: Callable[[int], Sequence[str]] = worker_command,
    ) -> None:
        self._wish, self._device, self._folder, self._command = wish, device, folder, command
        self._memory = None if wish.memory is None else parse_bytes(wish.memory, "--memory")
        address = wish.address or os.environ.get("RAY_ADDRESS")
        os.environ.update(_QUIET)
        # Of the environment, what is for a cluster of this machine's own; another one later is none of it.
        self._lent: list[str] = []
        if address is None:
            for name, value in _OWN_CLUSTER.items():
                self._lend(name, value)
            if "RAY_AUTH_TOKEN_PATH" not in os.environ:
                # Else Ray writes one into the user's home, and each cluster that is started later asks for it.
                self._lend("RAY_AUTH_TOKEN", secrets.token_hex(32))
        import ray  # which takes some of that as it is now

        self._ray = ray
        self._slots: list[_Slot] = []
        self._refused: set[str] = set()
        self._stillborn: dict[str, int] = {}  # workers, by node
        self._looked_at = self._asked_at = 0.0
        self._nobody_since: float | None = None
        self._idle_since: float | None = None  # since when no worker has begun
        self._head: tuple[str, int] | None = None
        self._silent_since: float | None = None
        self._is_own = not ray.is_initialized()
        try:
            if self._is_own:
                self._begin(address)
            nodes = self._nodes()
            check_shares((share for node in nodes for share in self._shares(node)), device, wish.gpus)
            self._look_at_nodes()
        except BaseException:
            self.close()
            raise
        count = len(self._slots)
        where = f"{len(nodes)} node{'s' if len(nodes) > 1 else ''} of a Ray cluster"
        dashboard = f"; its dashboard is http://{self._dashboard}" if self._dashboard else ""
        self.about = f"{count} worker{'s' if count > 1 else ''} on {where}{dashboard}"

    def _lend(self, name: str, value: str) -> None:
        if name not in os.environ:
            os.environ[name] = value
            self._lent.append(name)

    def _begin(self, address: str | None) -> None:
        is_client = address is not None and address.startswith("ray://")
        if is_client:
            require_part("ray[client]", "an --address ray://...", "grpc")
        if address is None and self._wish.dashboard:
            require_part("ray[default]", "--dashboard", "aiohttp")
        if address is not None and check_answers(address, self._ray.util.get_node_ip_address()):
            _stay_on_loopback()
        settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if address is None:
            settings |= {
                "num_cpus": core_count(),
                "include_dashboard": self._wish.dashboard,
                "address": "local",
            }
        else:
            settings["address"] = address
        with _signals_as_they_are():
            try:
                context = self._ray.init(**settings)
            except Exception as error:  # ConnectionError, TimeoutError, RuntimeError, ValueError, ...
                reason = " ".join(str(error).split())[:200]
                where = (
                    f"the Ray cluster {address} does not answer" if address else "Ray could not be started"
                )
                # Somebody does listen there: `check_answers` has seen to that.
                token = "; if it asks for a token, set RAY_AUTH_MODE=token"
                hint = token if address and "RAY_AUTH_MODE" not in os.environ else ""
                raise SourceError(f"{where}: {reason}{hint}") from error
        _leave_standard_output()
        if not is_client:  # who need not reach the head itself
            self._head = place_of(str(getattr(self._ray.get_runtime_context(), "gcs_address", "")))
        self._dashboard = str(getattr(context, "dashboard_url", None) or "")

    _dashboard = ""

    # engine.Engine

    def free(self) -> int:
        self._look_at_nodes()
        return sum(slot.task is None and slot.greeting is not None for slot in self._slots)

    def workers(self) -> int:
        return len(self._slots)

    def start(self, task: Task) -> None:
        slot = next(one for one in self._slots if one.task is None and one.greeting is not None)
        slot.task, slot.progress, slot.began_at = task, Progress(), time.monotonic()
        slot.does = slot.actor.do.remote(task)

    def wait(self, timeout_s: float) -> list[Event]:
        until = time.monotonic() + timeout_s
        events: list[Event] = []
        while not events:
            self._look_at_nodes()
            self._ask()
            waited = [ref for slot in self._slots for ref in (slot.does, slot.greets) if ref is not None]
            left = max(0.0, until - time.monotonic())
            if waited:
                done, _ = self._ray.wait(waited, num_returns=1, timeout=min(left, 0.5))
                for ref in done:
                    events += self._take(
                        next(one for one in self._slots if ref in (one.does, one.greets)), ref
                    )
            else:
                time.sleep(min(left, 0.5))
            if time.monotonic() >= until:
                break
        return events

    def running(self) -> list[Running]:
        now = time.monotonic()
        return [
            Running(slot.task, slot.machine, slot.progress, now - slot.began_at)
            for slot in self._slots
            if slot.task is not None
        ]

    def close(self) -> None:
        slots, self._slots = self._slots, []
        for slot in slots:
            if self._silent_since is None:  # else nobody is there to do it
                with suppress(Exception):
                    self._ray.kill(slot.actor)
        if self._is_own:
            self._is_own = False
            with suppress(Exception):
                self._ray.shutdown()
        for name in self._lent:
            os.environ.pop(name, None)
        self._lent = []

    # What has come

    def _take(self, slot: _Slot, ref: Any) -> list[Event]:
        try:
            answer = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            return self._lost(slot, error)
        if isinstance(answer, Greeting):
            slot.greets = None
            self._welcome(slot, answer)
            return []
        task, slot.task, slot.does, slot.asked = slot.task, None, None, None
        assert task is not None
        if isinstance(answer, Outcome):
            return [Event(task, answer, machine=slot.machine)]
        return [Event(task, crash=str(answer), machine=slot.machine)]

    def _welcome(self, slot: _Slot, greeting: Greeting) -> None:
        """Takes a worker in, unless its node cannot work on this batch."""
        reason = ""
        if greeting.version != own_version():
            reason = f"it has rtdet {greeting.version or 'of an unknown version'}, not {own_version()}"
        elif not greeting.sees_folder:
            reason = f"it does not see {self._folder}; use a folder that all nodes share"
        if not reason:
            slot.greeting = greeting
            self._stillborn.pop(slot.node, None)
            return
        if slot.node not in self._refused:
            self._refused.add(slot.node)
            log.warning("the node %s is not used: %s", greeting.machine, reason)
        self._slots.remove(slot)
        with suppress(Exception):
            self._ray.kill(slot.actor)

    def _lost(self, slot: _Slot, error: Exception) -> list[Event]:
        """An actor is gone, and perhaps its node; another takes its place where there is one."""
        if slot in self._slots:
            self._slots.remove(slot)
        with suppress(Exception):  # of one that failed without dying
            self._ray.kill(slot.actor)
        reason = " ".join(str(error).split())
        if slot.greeting is None:
            self._never_began(slot.node, reason[-200:])  # what went wrong comes last
            return []
        self._looked_at = 0.0
        if slot.task is None:
            return []
        return [
            Event(slot.task, crash=f"its worker was lost: {reason[:200]}", machine=slot.machine, is_lost=True)
        ]

    def _never_began(self, node: str, reason: str) -> None:
        """A worker of a node ended before it had said a word; after some of them the node is not used."""
        self._stillborn[node] = self._stillborn.get(node, 0) + 1
        if self._stillborn[node] >= _MOST_STILLBORN and node not in self._refused:
            self._refused.add(node)
            log.warning("the node %s is not used: its workers do not start: %s", node[:6], reason)

    def _ask(self) -> None:
        """Asks workers how far they are, and takes in what they have said."""
        asked = {slot.asked: slot for slot in self._slots if slot.asked is not None}
        if asked:
            for ref in self._ray.wait(list(asked), num_returns=len(asked), timeout=0)[0]:
                asked[ref].asked = None
                with suppress(Exception):
                    asked[ref].progress = self._ray.get(ref)
        if time.monotonic() - self._asked_at < _ASK_EVERY_S:
            return
        self._asked_at = time.monotonic()
        for slot in self._slots:
            if slot.task is not None and slot.asked is None:
                slot.asked = slot.actor.progress.remote()

    # Nodes

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"] and node["NodeID"] not in self._refused]

    def _shares(self, node: dict[str, Any]) -> list[Share]:
        return shares_of_node(
            node["Resources"],
            device=self._device,
            cores=self._wish.cores,
            gpus=self._wish.gpus,
            memory_bytes=self._memory,
        )

    def _look_at_nodes(self) -> None:
        """Has each node have its workers; those of a node that is gone say so themselves."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_AT_NODES_EVERY_S:
            return
        self._looked_at = now
        if not self._answers():
            return
        nodes = self._nodes()
        self._give_up_without(nodes)
        self._say_where_none_begins()
        room = self._wish.workers
        for node in nodes:
            mine = sum(slot.node == node["NodeID"] for slot in self._slots)
            for share in self._shares(node)[mine:]:
                if room is not None and len(self._slots) >= room:
                    return
                self._slots.append(self._hire(node["NodeID"], share))

    def _answers(self) -> bool:
        """Whether the cluster's head does: what is asked of it otherwise waits without end. Raises SourceError where
        it has not for long."""
        reason = "" if self._head is None else refusal(*self._head, _ANSWER_S)
        if not reason:
            self._silent_since = None
            return True
        now = time.monotonic()
        self._silent_since = self._silent_since or now
        if now - self._silent_since > _SILENT_S:
            raise SourceError(
                f"the Ray cluster does not answer any more ({reason}); start it again, and go on"
            )
        return False

    def _say_where_none_begins(self) -> None:
        """Once each time: workers for which their nodes have no room at present wait in silence."""
        now = time.monotonic()
        if any(slot.greeting is not None for slot in self._slots):
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since > _BUSY_S:
            self._idle_since = math.inf
            log.warning(
                "no worker has begun yet: if the cluster is busy with other work, they wait for its end"
            )

    def _give_up_without(self, nodes: Sequence[dict[str, Any]]) -> None:
        now = time.monotonic()
        if nodes:
            self._nobody_since = None
            return
        self._nobody_since = self._nobody_since or now
        if self._refused and not self._slots:
            raise UsageError(f"no node of the cluster can work on {self._folder}")
        if now - self._nobody_since > _NOBODY_S:
            raise SourceError("the Ray cluster has no node any more; start it again, and go on")

    def _hire(self, node: str, share: Share) -> _Slot:
        strategy = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
        options: dict[str, Any] = {"memory": share.memory_bytes} if share.memory_bytes else {}
        kind = self._ray.remote(
            num_cpus=share.cores, num_gpus=share.gpus, max_restarts=0, max_concurrency=2,
            scheduling_strategy=strategy, **options,
        )(RayWorker)  # fmt: skip
        limits = Limits(share.cores, share.most_bytes, self._wish.stalled_s)
        actor = kind.remote(limits, self._command)
        return _Slot(actor, node, share, greets=actor.greet.remote(str(self._folder)))


def _leave_standard_output() -> None:
    """Ray prints there what its nodes go through; the driver says itself what is lost. There is no public way."""
    from ray._private import worker

    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = lambda said, *_, **__: log.debug("Ray says: %s", said)


def _stay_on_loopback() -> None:
    """Has Ray take loopback for the address of this machine. It asks for that when it is imported, and there is no
    public way later."""
    from ray._private import ray_constants

    if hasattr(ray_constants, "ENABLE_RAY_CLUSTER"):
        ray_constants.ENABLE_RAY_CLUSTER = False


@contextmanager
def _signals_as_they_are() -> Iterator[None]:
    """Ray takes SIGTERM for itself."""
    before = {number: signal.getsignal(number) for number in ending()}
    try:
        yield
    finally:
        for number, handler in before.items():
            with suppress(ValueError, TypeError):  # not in the main thread; set by no Python
                signal.signal(number, handler)
