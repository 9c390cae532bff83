"""How many workers a machine has, and how much of it each may take."""

from __future__ import annotations

from rtdet.backends.machine import core_count
from rtdet.errors import UsageError

# A worker with a small model takes a third of this; a large one, or 4K, may take all of it.
USUAL_BYTES = 3 << 29
# Of the memory that is free, for everything else.
_SPARE = 0.1


def memory_bytes() -> int | None:
    """Bytes of memory that this machine, or the container that this process runs in, has free; None where nobody
    says."""
    try:
        with open("/proc/meminfo") as file:
            known = dict(line.split(":", 1) for line in file)
        free = int(known["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, LookupError):
        return None
    for name, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            with open(f"/sys/fs/cgroup/{name}") as most, open(f"/sys/fs/cgroup/{used}") as now:
                free = min(free, int(most.read()) - int(now.read()))
        except (OSError, ValueError):  # "max": there is no limit
            continue
    return free


def workers_of_machine(workers: int | None, cores: int | None, device: str) -> tuple[int, int]:
    """How many workers there are, and how many cores each has: as asked for, else one for each core, as far as the
    memory reaches; of a GPU one. Raises UsageError."""
    if workers is not None and workers < 1:
        raise UsageError(f"--workers must be above 0, not {workers}")
    if cores is not None and cores < 1:
        raise UsageError(f"--cores must be above 0, not {cores}")
    there = core_count()
    if workers is not None:
        return workers, cores or max(1, there // workers)
    if cores is None and device.startswith(("cuda", "mps")):
        return 1, there
    cores = cores or 1
    free = memory_bytes()
    most = max(1, int(free * (1 - _SPARE)) // USUAL_BYTES) if free is not None else there
    return max(1, min(there // cores, most)), cores


def memory_of_worker(text: str | None, workers: int) -> int | None:
    """The most that a worker may take, in bytes: as asked for ("2GB", "1.5G", "800MB"), else its share of what is
    free; None where nobody knows. Raises UsageError."""
    if text is None:
        free = memory_bytes()
        return None if free is None else int(free * (1 - _SPARE) / workers)
    return parse_bytes(text, "--memory")


def parse_bytes(text: str, option: str) -> int:
    """A number of bytes: a number, and KB, MB, GB or TB. Raises UsageError."""
    plain = text.strip().upper().removesuffix("B").removesuffix("I")
    power = "KMGT".find(plain[-1:]) + 1 if plain[-1:] in ("K", "M", "G", "T") else 0
    try:
        number = float(plain[: len(plain) - bool(power)])
        if not 0 < number < 1e15:
            raise ValueError
    except ValueError:
        raise UsageError(f"{option} is a size, as 2GB or 800MB, not {text[:40]!r}") from None
    return int(number * 1000**power)
