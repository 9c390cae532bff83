"""How many workers a machine has, and how much of it each may take: never more workers than there is memory for."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rtdet.backends.machine import core_count
from rtdet.errors import UsageError

# A worker with a small model takes a third of this; a large one, or 4K, may take all of it.
USUAL_BYTES = 3 << 29
# With less than this no worker gets through.
_LEAST_BYTES = 1 << 29
# Of the memory that is free, for everything else.
_SPARE = 0.1


# Of a container's memory: its limit, what is taken, and how much of that are files that are given up at need.
_CGROUPS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


class Staff(NamedTuple):
    """The workers of a machine: how many, the cores of each, the most bytes that each may take (None: nobody knows
    what there is). note: why there are not as many as the cores, or the command, ask for; "" where there are."""

    workers: int
    cores: int
    memory_bytes: int | None
    note: str = ""


def memory_bytes() -> int | None:
    """Bytes of memory that this machine, or the container that this process runs in, has free; None where nobody
    says."""
    try:
        with open("/proc/meminfo") as file:
            known = dict(line.split(":", 1) for line in file)
        free = int(known["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, LookupError):
        return None
    for names in _CGROUPS:
        try:
            most, used, counts = (Path("/sys/fs/cgroup", name).read_text() for name in names[:3])
            of_files = dict(line.split() for line in counts.splitlines())[names[3]]
            free = min(free, int(most) - int(used) + int(of_files))
        except (OSError, ValueError, LookupError):  # "max": there is no limit
            continue
    return free


def staff_of_machine(
    workers: int | None, cores: int | None, memory: str | None, device: str, free: int | None
) -> Staff:
    """As many workers as asked for, else one for each core, and of a GPU one; but no more than fit into the memory
    that is `free` (None: nobody knows), which is shared out among them unless `memory` says what each may take
    ("2GB", "800MB"). Raises UsageError."""
    if workers is not None and workers < 1:
        raise UsageError(f"--workers must be above 0, not {workers}")
    if cores is not None and cores < 1:
        raise UsageError(f"--cores must be above 0, not {cores}")
    asked = None if memory is None else parse_bytes(memory, "--memory")
    there = core_count()
    if workers is not None:
        wanted, least = workers, asked or _LEAST_BYTES
    elif cores is None and device.startswith(("cuda", "mps")):
        wanted, least = 1, asked or _LEAST_BYTES
    else:
        wanted, least = max(1, there // (cores or 1)), asked or USUAL_BYTES
    if free is None:
        return Staff(wanted, cores or max(1, there // wanted), asked)
    usable = int(free * (1 - _SPARE))
    count = min(wanted, max(1, usable // least))
    note = f"no more than {count} of {wanted} fit into the {free / 1e9:.1f} GB of memory that are free"
    each = cores or max(1, there // count)
    return Staff(count, each, asked or usable // count, note if count < wanted else "")


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
