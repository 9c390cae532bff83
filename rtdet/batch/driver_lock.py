"""One driver at a time works on a batch."""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from rtdet.errors import OutputError, UsageError
from rtdet.output_file import cannot_write
from rtdet.output_lock import lock_descriptor

_PATIENCE_S = 0.5


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
        if not _lock_soon(self._descriptor):
            os.close(self._descriptor)
            raise UsageError(
                f"{path.parent} is being worked on by {_holder(path)}; wait until that has ended, or end it"
            )
        content = json.dumps({"machine": socket.gethostname(), "process": os.getpid()}).encode()
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, content)

    def release(self) -> None:
        """May be called twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _lock_soon(descriptor: int) -> bool:
    """Locks it, and waits a moment for those who only ask (`is_driven`)."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            lock_descriptor(descriptor)
            return True
        except OutputError:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)


def is_driven(path: Path) -> str:
    """Who works on a batch just now, for people; "" where nobody does. It keeps nobody from beginning to."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        # There is no asking without taking; a driver that begins at this very moment waits for it.
        lock_descriptor(descriptor, is_shared=True)
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
