"""How many workers each node of a cluster has, and how much of it each takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rtdet.batch.sizes import USUAL_BYTES
from rtdet.errors import UsageError


@dataclass(frozen=True)
class Share:
    """What a worker takes of its node: cores, a share of a GPU, bytes of memory that are kept for it (None: none).
    most_bytes: it is ended where it takes more (None: nobody counts them)."""

    cores: int = 1
    gpus: float = 0.0
    memory_bytes: int | None = None
    most_bytes: int | None = None


def shares_of_node(
    resources: Mapping[str, Any],
    *,
    device: str,
    cores: int | None,
    gpus: float | None,
    memory_bytes: int | None,
) -> list[Share]:
    """The workers of a node with these resources, by Ray's names. On a node with GPUs each worker has one of them, or
    the share `gpus`, with its part of the cores, to decode for it; elsewhere it has `cores` cores (1), and there are
    no more than the memory is enough for. Without `memory_bytes` each may take its part of the node's memory. Nodes
    that lack what `device` asks for have none."""
    cpus, there = int(resources.get("CPU", 0)), float(resources.get("GPU", 0.0))
    memory = float(resources.get("memory", 0.0))
    on_gpu = there > 0 and gpus != 0 and device != "cpu"
    if on_gpu:
        share = gpus or 1.0
        count = int(there / share + 1e-6)
        each = cores or max(1, cpus // max(1, count))
        count = min(count, cpus // each)
    elif device.startswith(("cuda", "mps")) or (gpus or 0) > 0:
        return []
    else:
        share, each = 0.0, cores or 1
        count = cpus // each
        if memory_bytes is None and memory > 0:
            count = min(count, max(1, int(memory) // USUAL_BYTES))
    if memory_bytes is not None and memory > 0:
        count = min(count, int(memory / memory_bytes))
    most_bytes = memory_bytes
    if memory_bytes is None and memory > 0 and count > 0:
        most_bytes = int(memory / count)
    return [Share(each, share, memory_bytes, most_bytes)] * count


def check_shares(shares: Iterable[Share], device: str, gpus: float | None) -> None:
    """Raises UsageError where no node of the cluster can have a worker."""
    if any(True for _ in shares):
        return
    if device.startswith(("cuda", "mps")) or (gpus or 0) > 0:
        raise UsageError(
            "no node of the cluster has a GPU that is free; use --device cpu, or add one that has"
        )
    raise UsageError("no node of the cluster has room for a worker: ask for fewer --cores or less --memory")
