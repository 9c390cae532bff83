"""What the table of sources says of a source and of what it was worked through with."""

from __future__ import annotations

import hashlib
import os
import socket
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rtdet.detectors.registry import files_of_model, model_card, weights_of
from rtdet.errors import RtdetError
from rtdet.types import SourceInfo
from rtdet.video.sources.inputs import file_of

# Longer files are not read once more only for their hash: it is of their ends then.
_WHOLE_BYTES = 1 << 28
_ENDS_BYTES = 1 << 20


def of_source(source: str, info: SourceInfo) -> dict[str, Any]:
    """What is known of a source once it is open: of a file its length and hash, its pictures' size and rate."""
    facts: dict[str, Any] = {"width": info.width, "height": info.height, "fps": info.fps}
    path = file_of(source)
    if path is not None:
        facts |= {"bytes": path.stat().st_size, "hash": hash_of(path)}
    return facts


def hash_of(path: Path) -> str:
    """`sha256:` and the SHA-256 of a file; of one of over 256 MiB `sha256-ends:` and that of its length, its first
    and its last MiB. Raises OSError."""
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if size <= _WHOLE_BYTES:
            while part := file.read(_ENDS_BYTES):
                digest.update(part)
            return f"sha256:{digest.hexdigest()}"
        digest.update(f"{size}\n".encode())
        digest.update(file.read(_ENDS_BYTES))
        file.seek(size - _ENDS_BYTES)
        digest.update(file.read(_ENDS_BYTES))
        return f"sha256-ends:{digest.hexdigest()}"


@cache
def of_model(model: str) -> dict[str, Any]:
    """The model and the SHA-256 of the file that it is read from; "" where it is not one file."""
    path = next(files_of_model(model), None)
    try:
        found = hash_of(path or weights_of(model_card(model), offline=True))
    except (RtdetError, OSError):
        found = ""
    return {"model": model, "model_hash": found, "version": own_version()}


@cache
def own_version() -> str:
    """rtdet's."""
    try:
        return version("rtdet")
    except PackageNotFoundError:
        return ""


@cache
def machine_name() -> str:
    """What this machine is called in tables and on screen."""
    return os.environ.get("RTDET_MACHINE") or socket.gethostname()
