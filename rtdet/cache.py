"""The user's cache folder."""

from __future__ import annotations

import os
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
