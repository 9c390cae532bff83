"""The user's cache folder."""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from pathlib import Path


def cache_folder(name: str = "") -> Path:
    """rtdet's cache folder of the user, or `name` in it; RTDET_CACHE takes precedence. Creates nothing."""
    chosen = os.environ.get("RTDET_CACHE")
    if chosen:
        return Path(chosen).expanduser() / name
    import platformdirs

    return Path(platformdirs.user_cache_dir("rtdet", appauthor=False)) / name


def writable_cache(name: str) -> Path | None:
    """`cache_folder(name)`, made if need be; None where it cannot be written: then do without."""
    folder = cache_folder(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


# What is kept can be damaged later: by a disk, a power cut, another program. A seal says how long a file is and what
# its CRC-32 is, which takes a hundredth of a second for ten megabytes.


def seal_of(path: Path) -> Path:
    """Where the seal of a file of the cache is: in a folder beside its own."""
    return path.parent.with_name(f"{path.parent.name}-sums") / path.name


def seal(path: Path) -> None:
    """Notes what is in a file of the cache; does without where nothing can be written."""
    place = seal_of(path)
    with suppress(OSError):
        place.parent.mkdir(exist_ok=True)
        part = place.with_name(f"{place.name}.{os.getpid()}")
        part.write_text(_sum(path), encoding="ascii")
        part.replace(place)


def is_whole(path: Path) -> bool | None:
    """Whether a file of the cache is as it was when it was sealed; None where it was not."""
    try:
        return _sum(path) == seal_of(path).read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None
    except OSError:
        return False


def discard(path: Path) -> None:
    """Removes a file of the cache with its seal, if it can."""
    for one in (seal_of(path), path):
        with suppress(OSError):
            one.unlink(missing_ok=True)


def _sum(path: Path) -> str:
    crc = size = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            crc, size = zlib.crc32(piece, crc), size + len(piece)
    return f"{size} {crc:08x}\n"
