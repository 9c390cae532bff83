"""Short names of sources, and names and folders for new files."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from rtdet.address import hide_secrets


def short_name(source: str) -> str:
    """The last part of a path or address, to recognise it by in a window title."""
    source = hide_secrets(source)
    tail = source.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1]
    return tail or source


def absolute(source: str) -> str:
    """The full path of a file, because the next start may be in another folder; any other source unchanged."""
    try:
        path = Path(source)
        return str(path.resolve()) if "://" not in source and path.exists() else source
    except OSError:
        return source


def dated_path(folder: Path, source: str, suffix: str, exists: Callable[[Path], bool] = Path.exists) -> Path:
    """A new path such as `folder/rtdet 2026-01-31 17.04.09 street.mp4`, numbered if that exists."""
    stem = Path(short_name(hide_secrets(source).split("?")[0])).stem
    stem = re.sub(r"[^\w\-. ]+", "_", stem)[:40].strip(" ._") or "source"
    base = f"rtdet {time.strftime('%Y-%m-%d %H.%M.%S')} {stem}"
    path = folder / f"{base}{suffix}"
    number = 2
    while exists(path):
        path = folder / f"{base} {number}{suffix}"
        number += 1
    return path


def videos_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_videos_dir())


def pictures_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_pictures_dir())
