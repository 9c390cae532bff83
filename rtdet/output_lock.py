"""Keeps two runs from writing the same file."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from rtdet.cache import writable_cache
from rtdet.errors import OutputError

# How a file that somebody has locked is refused, by flock and by Windows; anything else says that the file system has
# no locks, as with some network drives.
_TAKEN = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)

# By the file that is written: the lock's file and descriptor, and how often this process holds it.
_held: dict[Path, tuple[Path, int, int]] = {}
_guard = threading.Lock()


class OutputLock:
    """A lock on the output `path`, held until `release` or until the process ends, however it ends.

    The locks are files of their own, in the user's cache folder: an output is not touched before there is something
    to write. Where the cache cannot be written or locked there are none. Raises OutputError where another process
    holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path: Path | None = path.resolve()
        with _guard:
            if self._path in _held:
                file, descriptor, count = _held[self._path]
                _held[self._path] = file, descriptor, count + 1
            elif (taken := _acquire(self._path, path)) is not None:
                _held[self._path] = *taken, 1
            else:
                self._path = None

    def release(self) -> None:
        """May be called twice."""
        path, self._path = self._path, None
        if path is None:
            return
        with _guard:
            file, descriptor, count = _held.pop(path)
            if count > 1:
                _held[path] = file, descriptor, count - 1
                return
            with suppress(OSError):  # Windows does not delete what is open
                file.unlink(missing_ok=True)
            os.close(descriptor)

    def __enter__(self) -> OutputLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def _acquire(path: Path, said: Path) -> tuple[Path, int] | None:
    """The lock's file and descriptor, which is held from now on; None where there can be none."""
    folder = writable_cache("locks")
    if folder is None:
        return None
    file = folder / hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
    while True:
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return None
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            if error.errno not in _TAKEN:
                return None
            raise OutputError(
                f"{said} is being written by another run; choose another name, or wait until it has finished"
            ) from None
        # Whoever held it may have deleted the file between the two steps: then it locks nothing.
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), os.stat(file)):
                return file, descriptor
        os.close(descriptor)


def lock_descriptor(descriptor: int, *, is_shared: bool = False) -> None:
    """Locks an open file until it is closed, or the process ends; where its file system has no locks nothing happens.
    Several may have one that is shared (not on Windows). Raises OutputError where another process has locked it."""
    try:
        _lock(descriptor, is_shared=is_shared)
    except OSError as error:
        if error.errno in _TAKEN:
            raise OutputError("another process has locked it") from None


def _lock(descriptor: int, *, is_shared: bool = False) -> None:
    """Raises OSError where it cannot be had at once."""
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        import fcntl

        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
