"""Processor, cores, memory, and the instructions that make networks quick."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from rtdet.backends.machine import core_count, cpu_name
from rtdet.doctor.report import NOTE, OK, PROBLEM, Finding

# By the kernel's names: what they are called, and what they are good for.
INSTRUCTIONS = {
    "avx2": "AVX2", "avx512f": "AVX-512", "avx_vnni": "AVX-VNNI (int8)", "avx512_vnni": "AVX-512 VNNI (int8)",
    "avx512_bf16": "AVX-512 bf16", "amx_bf16": "AMX bf16", "amx_int8": "AMX int8", "asimd": "NEON",
    "asimddp": "int8 dot", "bf16": "bf16", "i8mm": "int8 matrices", "sve": "SVE",
}  # fmt: skip
LEAST_GB = 2.0


def look() -> Iterator[Finding]:
    from rtdet.backends.openvino import native_precisions

    yield Finding("processor", cpu_name() or "unknown")
    usable, there = core_count(), os.cpu_count() or 1
    text = (
        f"{usable}"
        if usable == there
        else f"{usable} of {there} (a container, taskset or affinity allows no more)"
    )
    yield Finding("cores", text, OK if usable == there else NOTE, values={"usable": usable, "there": there})
    yield _memory()
    flags = _flags()
    known = [name for flag, name in INSTRUCTIONS.items() if flag in flags]
    if flags:
        is_slow = "flags" in flags and "avx2" not in flags
        remedy = (
            "networks run several times slower without AVX2; use a newer machine, or a GPU" if is_slow else ""
        )
        text = ", ".join(known) or "none of those that make networks quick"
        yield Finding("instructions", text, NOTE if is_slow else OK, remedy, {"instructions": known})
    native = native_precisions()
    text = ", ".join(native) + (
        ": --precision auto is bf16" if "bf16" in native else ": --precision auto is fp32"
    )
    yield Finding("native precisions", text, values={"precisions": list(native)})


def _flags() -> set[str]:
    """The instruction sets by the kernel's names, with "flags" where they are an x86 processor's; nothing where the
    system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return {*value.split(), key.strip()}
    return set()


def _memory() -> Finding:
    total, free = memory_bytes()
    if total is None:
        return Finding("memory", "unknown")
    text = f"{total / 2**30:.1f} GB" + (f", {free / 2**30:.1f} GB free" if free is not None else "")
    values = {"bytes": total, "free_bytes": free}
    if free is not None and free < LEAST_GB * 2**30:
        return Finding(
            "memory", text, NOTE, "close other programs; rtdet needs about 1 GB, larger models more", values
        )
    if total < LEAST_GB * 2**30:
        return Finding("memory", text, PROBLEM, "rtdet needs about 1 GB for itself", values)
    return Finding("memory", text, OK, values=values)


def memory_bytes() -> tuple[int | None, int | None]:
    """The memory that this process may use, and what of it is free; None where the system does not tell."""
    if sys.platform == "win32":
        return _of_windows()
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None, None
    free = None
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
    except (OSError, ValueError):  # macOS
        pass
    limit = _limit_of_container()
    if limit is not None and limit < total:
        total, free = limit, None if free is None else min(free, limit)
    return total, free


def _limit_of_container() -> int | None:
    for place in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            return int(Path(place).read_text(encoding="ascii"))
        except (OSError, ValueError):  # "max": none
            continue
    return None


def _of_windows() -> tuple[int | None, int | None]:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong), ("load", ctypes.c_ulong), ("total", ctypes.c_ulonglong),
            ("available", ctypes.c_ulonglong), *((f"other{i}", ctypes.c_ulonglong) for i in range(5)),
        )  # fmt: skip

    status = Status()
    status.length = ctypes.sizeof(status)
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined]
        return None, None
    return int(status.total), int(status.available)
