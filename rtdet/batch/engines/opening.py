"""Which engine a batch has."""

from __future__ import annotations

from dataclasses import dataclass

from rtdet.batch.engines.engine import Engine
from rtdet.batch.engines.local import LocalEngine
from rtdet.batch.process import Limits
from rtdet.batch.sizes import memory_of_worker, workers_of_machine
from rtdet.errors import UnknownNameError

ENGINES = ("auto", "local")


@dataclass(frozen=True)
class EngineWish:
    """Where the work is to be done. workers, cores, memory: how many, and what each may take; None: by the machine.
    stalled_s: a worker that gives no frame for so long is ended."""

    name: str = "auto"
    workers: int | None = None
    cores: int | None = None
    memory: str | None = None
    stalled_s: float = 600.0


def open_engine(wish: EngineWish, device: str) -> Engine:
    """Raises UnknownNameError, UsageError."""
    if wish.name not in ENGINES:
        raise UnknownNameError("engine", wish.name, ENGINES)
    workers, cores = workers_of_machine(wish.workers, wish.cores, device)
    memory = memory_of_worker(wish.memory, workers)
    return LocalEngine(workers, Limits(cores, memory, wish.stalled_s))
