"""Keeps what image libraries print by themselves off the terminal: rtdet says in its own line what is wrong."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CHATTER = re.compile(
    rb"(?i)libpng (?:error|warning)|corrupt jpeg|premature end of jpeg|invalid (?:jpeg|sos)|"
    rb"unsupported marker|warning: (?:unknown|invalid) jfif|inconsistent progression|bogus "
)
_STDERR = 2
_lock = threading.Lock()
_files: list[int] = []  # one for the process, opened when it is first needed and for as long as it lives


@contextmanager
def quiet_codecs() -> Iterator[None]:
    """libpng and libjpeg write their complaints to standard error. Within this they do not reach it; what others
    write there meanwhile does, a moment later."""
    with _lock:
        try:
            terminal = os.dup(_STDERR)
        except OSError:  # there is no standard error
            yield
            return
        try:
            if not _files:
                with tempfile.TemporaryFile() as file:
                    _files.append(os.dup(file.fileno()))
            os.dup2(_files[0], _STDERR)
            try:
                yield
            finally:
                os.dup2(terminal, _STDERR)
                _pass_on(_files[0], terminal)
        finally:
            os.close(terminal)


def _pass_on(file: int, terminal: int) -> None:
    length = os.lseek(file, 0, os.SEEK_CUR)
    if length == 0:
        return
    os.lseek(file, 0, os.SEEK_SET)
    lines = os.read(file, length).splitlines(keepends=True)
    os.lseek(file, 0, os.SEEK_SET)
    os.ftruncate(file, 0)
    said = b"".join(line for line in lines if not _CHATTER.match(line.strip()))
    if said:
        with contextlib.suppress(OSError):
            os.write(terminal, said)
