"""What backends need to know about the machine: its processor and cores, and whether it has a GPU."""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import sys
from functools import cache

from rtdet.cache import writable_cache
from rtdet.extras import install_command

log = logging.getLogger("rtdet.backends")


_most_cores: int | None = None


def limit_cores(cores: int) -> None:
    """From now on this process takes so many cores at most for each of inference and decoding: of several processes
    that share the machine, each has its own. To be called before a network or a video is opened."""
    global _most_cores
    _most_cores = max(1, cores)


def limited_cores() -> int | None:
    """What `limit_cores` was told; None where nobody said anything."""
    return _most_cores


def core_count() -> int:
    """Cores that this process may use (a container or taskset may allow fewer than there are)."""
    try:
        count = max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # macOS, Windows
        count = os.cpu_count() or 1
    return count if _most_cores is None else min(count, _most_cores)


@cache
def cpu_name() -> str:
    """What the processor is called; "" where the system does not tell."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            return next(
                (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), ""
            )
    except OSError:  # macOS, Windows
        return os.environ.get("PROCESSOR_IDENTIFIER") or platform.processor()


def may_have_gpu() -> bool:
    """False only where torch could not find a GPU: no driver library of NVIDIA's, no AMD compute device, no
    Mac. Costs nothing, unlike asking torch."""
    return sys.platform == "darwin" or os.path.exists("/dev/kfd") or has_nvidia_driver()


def has_nvidia_driver() -> bool:
    """Whether NVIDIA's driver is installed."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


@cache
def tell_of_unused_gpu() -> None:
    """Tells the user, once per machine, how to make use of its NVIDIA GPU; to be called where torch is missing."""
    if not has_nvidia_driver():
        return
    folder = writable_cache("")
    if folder is not None:
        try:
            (folder / "told-of-unused-gpu").touch(exist_ok=False)
        except FileExistsError:
            return
        except OSError:  # then it is said again next time
            pass
    log.info(
        "this machine's NVIDIA GPU is not used; rtdet would use it with torch: %s", install_command("torch")
    )
