"""Which engine a batch has."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rtdet.batch.engines.engine import Engine
from rtdet.batch.engines.local import LocalEngine
from rtdet.batch.process import Limits
from rtdet.batch.sizes import Staff, memory_bytes, staff_of_machine
from rtdet.errors import UnknownNameError
from rtdet.extras import is_installed, require

ENGINES = ("auto", "local", "ray")


@dataclass(frozen=True)
class EngineWish:
    """Where the work is to be done. address: of a Ray cluster, "auto" for the one that this machine is part of.
    workers, cores, memory: how many, and what each may take; None: by the machine. gpus: the share of a GPU that each
    has on a cluster. stalled_s: a worker that gives no frame for so long is ended. dashboard: of a cluster that is
    started for this batch."""

    name: str = "auto"
    address: str | None = None
    workers: int | None = None
    cores: int | None = None
    memory: str | None = None
    gpus: float | None = None
    stalled_s: float = 600.0
    dashboard: bool = False

    def staff(self, device: str) -> Staff:
        """The workers that this machine has. Raises UsageError."""
        return staff_of_machine(self.workers, self.cores, self.memory, device, memory_bytes())


def _is_ray(wish: EngineWish) -> bool:
    is_cluster = wish.address is not None or bool(os.environ.get("RAY_ADDRESS"))
    return wish.name == "ray" or (
        wish.name == "auto" and is_cluster and (wish.address is not None or is_installed("ray"))
    )


def opening_line(wish: EngineWish) -> str:
    """What is said before an engine is opened that takes a while; "" of one that does not."""
    if not _is_ray(wish):
        return ""
    address = wish.address or os.environ.get("RAY_ADDRESS")
    return f"connecting to the Ray cluster {address} ..." if address else "starting Ray on this machine ..."


def open_engine(wish: EngineWish, device: str, folder: Path) -> Engine:
    """Raises UnknownNameError, UsageError, MissingExtraError; SourceError where the cluster does not answer."""
    if wish.name not in ENGINES:
        raise UnknownNameError("engine", wish.name, ENGINES)
    if _is_ray(wish):
        require("batch", "--engine ray" if wish.name == "ray" else "--address")
        from rtdet.batch.engines.ray import RayEngine

        return RayEngine(wish, device, folder)
    staff = wish.staff(device)
    limits = Limits(staff.cores, staff.memory_bytes, wish.stalled_s)
    return LocalEngine(staff.workers, limits, note=staff.note)
