"""Keeps two runs from writing the same file."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from rtdet.cache import writable_cache
from rtdet.errors import OutputError

# By the file that is written: the lock's descriptor, and how often this process holds it.
_held: dict[Path, tuple[int, int]] = {}
_guard = threading.Lock()


class OutputLock:
    """A lock on the output `path`, held until `release` or until the process ends, however it ends.

    The locks are files of their own, in the user's cache folder: an output is not touched before there is something
    to write. Where the cache cannot be written there are none. Raises OutputError where another process holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path: Path | None = path.resolve()
        with _guard:
            descriptor, count = _held.get(self._path, (None, 0))
            if descriptor is None:
                descriptor = _acquire(self._path, path)
            if descriptor is None:
                self._path = None
            else:
                _held[self._path] = descriptor, count + 1

    def release(self) -> None:
        """May be called twice."""
        path, self._path = self._path, None
        if path is None:
            return
        with _guard:
            descriptor, count = _held.pop(path)
            if count > 1:
                _held[path] = descriptor, count - 1
                return
            with suppress(OSError):  # Windows does not delete what is open
                _lock_file(path).unlink(missing_ok=True)
            os.close(descriptor)

    def __enter__(self) -> OutputLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def _lock_file(path: Path) -> Path:
    folder = writable_cache("locks")
    assert folder is not None
    return folder / hashlib.sha256(os.fsencode(path)).hexdigest()[:32]


def _acquire(path: Path, said: Path) -> int | None:
    """The descriptor of a lock that is held from now on; None where there can be none."""
    if writable_cache("locks") is None:
        return None
    file = _lock_file(path)
    while True:
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return None
        if not _try_lock(descriptor):
            os.close(descriptor)
            raise OutputError(
                f"{said} is being written by another run; choose another name, or wait until it has finished"
            )
        # Whoever held it may have deleted the file between the two steps: then it locks nothing.
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), os.stat(file)):
                return descriptor
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
