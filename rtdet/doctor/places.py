"""Where rtdet writes: whether it may, and how much room there is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rtdet.cache import cache_folder
from rtdet.doctor.report import NOTE, OK, PROBLEM, Finding

LEAST_BYTES = 2 * 2**30


def look() -> Iterator[Finding]:
    yield about_place("home", Path.home())
    yield about_place("here", Path.cwd())
    yield about_place("temporary files", Path(tempfile.gettempdir()))
    yield about_place("cache", cache_folder())


def about_place(name: str, place: Path) -> Finding:
    """Whether a folder can be written, and what is free on its disk."""
    there = next((one for one in (place, *place.parents) if one.exists()), place)
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Finding(name, f"{place}: {error.strerror}", PROBLEM, _REMEDIES.get(name, ""))
    values = {"path": str(place), "free_bytes": free, "writable": _can_write(there)}
    text = f"{place}, {free / 2**30:.1f} GB free"
    if not values["writable"]:
        state = NOTE if name == "here" else PROBLEM
        return Finding(name, f"{text}, cannot be written", state, _REMEDIES.get(name, ""), values)
    if free < LEAST_BYTES:
        return Finding(name, text, NOTE, "make room before a long recording or a training", values)
    return Finding(name, text, OK, values=values)


_REMEDIES = {
    "home": "RTDET_CACHE=FOLDER rtdet … with a folder that can be written; the viewer remembers nothing till then",
    "here": "name outputs in another folder: --save /path/OUT.mp4",
    "temporary files": "TMPDIR=FOLDER rtdet … with a folder that can be written",
    "cache": "RTDET_CACHE=FOLDER rtdet … with a folder that can be written; till then each start is slower",
}


def _can_write(folder: Path) -> bool:
    """By writing: permissions do not tell of a file system that is mounted to be read only."""
    if not os.access(folder, os.W_OK):
        return False
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
