"""The file under every output: checked before the run, opened at the first byte, intact after a failure.

What grows as the run goes on is an `OutputFile`; what is written at once takes the place of an older file with
`replacing`.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from io import FileIO
from pathlib import Path

from rtdet.errors import OutputError, ReaderLeftError, UnknownNameError, UsageError
from rtdet.output_lock import OutputLock

# As an output's name: standard output.
STDOUT = Path("-")


def check_output(path: str | Path, source: str | None = None) -> Path:
    """The path, once it is sure that a file can be written there; nothing is created or emptied.

    `source` is what is being read (a path or a URL). Raises OutputError: the folder is missing or
    read-only, the path is a folder, or it is the source itself.
    """
    path = Path(path)
    if path == STDOUT:
        return path
    if os.path.isdir(path):
        raise OutputError(f"{path} is a folder; name a file in it")
    if not os.path.isdir(path.parent):
        raise OutputError(f"the folder {path.parent} does not exist; create it or choose another")
    if source is not None and _same_file(path, source):
        raise OutputError(f"{path} is the source itself; choose another name for the output")
    _try_open(path)
    return path


class UnknownSuffixError(UnknownNameError):
    """An unknown suffix; the message lists all known ones instead of similar ones."""

    def __init__(self, path: str | Path, kind: str, known: tuple[str, ...]) -> None:
        self.kind, self.name, self.known = f"{kind} suffix", Path(path).suffix, known
        choices = " or ".join([*([", ".join(known[:-1])] if known[1:] else []), known[-1]])
        a_kind = f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"
        line = f"{path} has no suffix that says its format: {a_kind} ends in {choices}"
        if self.name:
            line = f"{path} ends in {self.name}, which is no format of {a_kind}; use {choices}"
        UsageError.__init__(self, line)


def suffix_of(path: str | Path, kind: str, known: tuple[str, ...]) -> str:
    """The path's suffix in lower case; .csv for standard output and pipes without one. Raises UnknownNameError when
    it is not one of `known`."""
    suffix = Path(path).suffix.lower() or (".csv" if is_stream(Path(path)) else "")
    if suffix not in known:
        raise UnknownSuffixError(path, kind, known)
    return suffix


def is_stream(path: Path) -> bool:
    """Whether the path is standard output, a pipe or a device, which can only be written sequentially."""
    # Not Path's own methods, which raise where a name is too long or a folder may not be read.
    return path == STDOUT or (os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path))


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The error, as one line for the user, for a failed open or write."""
    if error.errno == errno.EPIPE:
        return ReaderLeftError(f"nobody reads {path} any more")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(
            f"the disk is full: {path} is incomplete; free some space or choose another folder"
        )
    if error.errno == errno.EROFS:
        return OutputError(f"cannot write {path}: the folder is read-only; choose another")
    if error.errno in (errno.EACCES, errno.EPERM):
        return OutputError(f"cannot write {path}: no permission; choose another folder or name")
    reason = error.strerror or str(error)
    return OutputError(f"cannot write {path}: {reason[:1].lower()}{reason[1:]}")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A place beside `path` to write a whole file to. At the end of the block that file is on the disk and takes the
    place of `path`, in one step and with its rights; a kill, a full disk or any error leaves what was there before.

    What a link points to is replaced, not the link. A pipe or a device is written to as it is: then the place is
    `path` itself. Raises OutputError for an OSError in the block, for an OutputError that comes from one, and, before
    the block, where another process writes the file.
    """
    path = Path(path)
    is_device = is_stream(path)
    target = path if is_device else path.resolve()
    part = target if is_device else target.with_name(target.name + ".part")
    with nullcontext() if is_device else OutputLock(path):
        try:
            yield part
            if not is_device:
                _put_in_place(part, target)
        except (OutputError, OSError) as error:
            cause = error if isinstance(error, OSError) else error.__cause__
            if is_device or not isinstance(cause, OSError):
                raise cannot_write(path, error) if isinstance(error, OSError) else error from cause
            reason = cause.strerror or str(cause)
            kept = "; it is as it was before" if target.exists() else ""
            raise OutputError(f"cannot write {path}: {reason[:1].lower()}{reason[1:]}{kept}") from error
        finally:
            if not is_device:
                with suppress(OSError):
                    part.unlink(missing_ok=True)


def write_whole(path: str | Path, content: bytes | str) -> None:
    """The whole content of a file, a text as UTF-8; an older file stays until this one is on the disk.

    Raises OutputError."""
    content = content.encode() if isinstance(content, str) else content
    if is_stream(Path(path)):
        with closing(OutputFile(path)) as file:
            file.append(content)
        return
    with replacing(path) as whole:
        whole.write_bytes(content)


def _put_in_place(part: Path, target: Path) -> None:
    with part.open("rb+") as file:
        os.fsync(file.fileno())  # else a power cut could leave an empty file under the old name
    if target.exists():
        shutil.copymode(target, part)
    part.replace(target)


def _same_file(path: Path, source: str) -> bool:
    try:
        return os.path.samefile(path, source)
    except (OSError, ValueError):  # one of them is not there, or the source is a URL
        return False


def _try_open(path: Path) -> None:
    # Opened for real, because permissions, read-only mounts and quotas cannot be guessed. Without
    # O_TRUNC, so that what an earlier run wrote stays until this one has something better.
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            return
        existed = path.exists()
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666))
        if not existed:
            path.unlink()
    except OSError as error:
        raise cannot_write(path, error) from error


class OutputFile:
    """Bytes on disk. The file is created, or an older one emptied, at the first write.

    After a write that fails, the file is as it was before it, stays so, and every later write raises
    the same OutputError. Nothing is buffered here: what was written survives a kill -9. A file that is deleted
    or moved away meanwhile is a write that fails, noticed within a second, or on closing. No other process may
    write the file at the same time (OutputError).
    """

    def __init__(self, path: str | Path, source: str | None = None, *, goes_back: bool = False) -> None:
        """goes_back: the format changes what it wrote before, which no pipe or device allows (OutputError)."""
        self.path = check_output(path, source)
        self.failure: OutputError | None = None
        self._is_stream = is_stream(self.path)
        if self._is_stream and goes_back:
            raise OutputError(
                f"{self.path} is a pipe or a device, but this format has to go back in its file; name a regular file"
            )
        self._lock = None if self._is_stream else OutputLock(self.path)
        self._look_at = 0.0
        self._file: FileIO | None = None
        self._tail = b""
        self._tail_at = 0

    def open(self) -> FileIO:
        """The raw file, emptied when this is the first call."""
        if self._file is None:
            try:
                self._file = _open_stream(self.path) if self._is_stream else FileIO(str(self.path), "w+")
            except OSError as error:
                raise self.fail(error) from error
        return self._file

    def append(self, content: bytes) -> None:
        """Appends `content` to the file, either all of it or nothing. Raises OutputError."""
        self.replace_tail(content, b"")

    def replace_tail(self, content: bytes, tail: bytes) -> None:
        """Write `content` over the tail of the last call, then a new `tail`, in one system call.

        This is how a format with a closing part (a bracket, a footer) is complete after every write.
        """
        if self.failure is not None:
            raise self.failure
        file = self.open()
        self.check_in_place()
        try:
            if not self._is_stream:
                file.seek(self._tail_at)
            write_all(file, content + tail)
            if not self._is_stream and len(content) + len(tail) < len(self._tail):
                file.truncate()
        except OSError as error:
            self._restore(file)
            raise self.fail(error) from error
        self._tail_at += len(content)
        self._tail = tail

    def fail(self, error: OSError) -> OutputError:
        """Remember the first failure."""
        self.failure = self.failure or cannot_write(self.path, error)
        return self.failure

    def check_in_place(self, *, now: bool = False) -> None:
        """Looks, at most once a second unless `now`, whether the file is still where it was opened. Raises
        OutputError."""
        is_due = now or time.monotonic() >= self._look_at
        if self._is_stream or self._file is None or self._file.closed or not is_due:
            return
        self._look_at = time.monotonic() + 1
        try:
            is_there = os.path.samestat(os.fstat(self._file.fileno()), os.stat(self.path))
        except OSError:
            is_there = False
        if not is_there:
            self.failure = self.failure or OutputError(
                f"{self.path} was deleted or moved while it was being written; everything after that is lost"
            )
            raise self.failure

    def close(self) -> None:
        """Raises OutputError where the file is no longer there, unless a write has failed already."""
        try:
            if self.failure is None:
                self.check_in_place(now=True)
        finally:
            try:
                self._close_file()
            finally:
                if self._lock is not None:
                    self._lock.release()

    def _close_file(self) -> None:
        if self._file is None or self._file.closed:
            return
        self._file.close()
        with suppress(OSError):
            if self.failure is not None and self.path.is_file() and self.path.stat().st_size == 0:
                self.path.unlink()  # nothing is better than an empty file

    def _restore(self, file: FileIO) -> None:
        # The old tail fits where it was: that space is still the file's own.
        with suppress(OSError):
            file.seek(self._tail_at)
            write_all(file, self._tail)
            file.truncate()


def _open_stream(path: Path) -> FileIO:
    """Standard output, a pipe or a device, to be written."""
    if path == STDOUT:
        return FileIO(os.dup(1), "w")
    try:
        # Without a reader, opening a pipe would wait for one, for ever perhaps.
        descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(error.errno, "nothing reads from this pipe; start its reader first") from error
        raise
    os.set_blocking(descriptor, True)
    return FileIO(descriptor, "w")


def write_all(file: FileIO, content: bytes | memoryview) -> None:
    """Writes all of `content`; FileIO.write alone may write only a part of it. Raises OSError."""
    view = memoryview(content)
    while len(view):
        view = view[file.write(view) or 0 :]


class Checkpoint:
    """Says when an expensive tail is due again: every second, or less often where it takes so long
    that it would cost more than a twentieth of the time."""

    def __init__(self, interval_s: float = 1.0) -> None:
        self._interval_s = interval_s
        self._next = time.monotonic() + interval_s

    def is_due(self) -> bool:
        return time.monotonic() >= self._next

    def done(self, started: float) -> None:
        """`started`: time.monotonic() when the write that has just ended began."""
        now = time.monotonic()
        self._next = now + max(self._interval_s, 20 * (now - started))
