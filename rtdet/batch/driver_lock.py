"""One driver at a time works on a batch."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path

from rtdet.errors import OutputError, UsageError
from rtdet.output_file import cannot_write
from rtdet.output_lock import lock_descriptor


class DriverLock:
    """A lock on the folder of a batch, held until `release` or until the process ends, however it ends. It is a file
    in that folder, so that other machines that share it see it. Raises UsageError where another driver holds it, and
    OutputError where it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            lock_descriptor(self._descriptor)
        except OutputError:
            os.close(self._descriptor)
            raise UsageError(
                f"{path.parent} is being worked on by {_holder(path)}; wait until that has ended, or end it"
            ) from None
        content = json.dumps({"machine": socket.gethostname(), "process": os.getpid()}).encode()
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, content)

    def release(self) -> None:
        """May be called twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def is_driven(path: Path) -> str:
    """Who works on a batch just now, for people; "" where nobody does."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return ""
    try:
        lock_descriptor(descriptor)
    except OutputError:
        return _holder(path)
    finally:
        os.close(descriptor)
    return ""


def _holder(path: Path) -> str:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return f"process {known['process']} of {known['machine']}"
    except (OSError, ValueError, LookupError, TypeError):
        return "another process"
