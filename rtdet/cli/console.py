"""Messages on standard error, and the signals that interrupt a command."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from rtdet.address import redact
from rtdet.origin import origin
from rtdet.signals import ending
from rtdet.terminal import clean, say

# What these find in a file each command says once, however often it opens or counts it.
_SAID_ONCE = (("rtdet.kept", "reading"), ("rtdet.kept", "reviewed"), ("rtdet.counting", "counter"))
_said: set[str] = set()


def show_messages(*, quiet: bool = False, afresh: bool = False) -> None:
    """Prints the warnings of every room to standard error, one line each; unless `quiet`, also what detectors and
    backends report of their slow steps, such as a download, and what a source was taken for. With `afresh` a
    command begins, which may say again what the one before it said once."""
    if afresh:
        _said.clear()
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine())
    handler.addFilter(_is_new)
    logger = logging.getLogger("rtdet")
    logger.handlers[:] = [handler]
    logger.propagate = False
    for room in ("rtdet.detectors", "rtdet.backends", "rtdet.video"):
        logging.getLogger(room).setLevel(logging.WARNING if quiet else logging.INFO)


def _is_new(record: logging.LogRecord) -> bool:
    if (record.name, record.module) not in _SAID_ONCE:
        return True
    message = record.getMessage()
    is_new = message not in _said
    _said.add(message)
    return is_new


class _OneLine(logging.Formatter):
    """A line says which of several sources it is of, where the thread that logs works for one by its name."""

    def format(self, record: logging.LogRecord) -> str:
        kind = "warning: " if record.levelno >= logging.WARNING else ""
        whom = origin()
        name = f"{' '.join(clean(whom, sys.stderr).split())}: " if isinstance(whom, str) else ""
        lines = [f"rtdet: {kind}{name}{' '.join(clean(record.getMessage(), sys.stderr).split())}"]
        if record.exc_info:  # a bug of ours
            lines.append(clean(self.formatException(record.exc_info), sys.stderr))
        return "\n".join(lines)


def say_error(message: str) -> None:
    """Prints the one line on standard error with which a failed command ends."""
    say("rtdet: error: " + " ".join(redact(message).split()), err=True)


@contextmanager
def interrupts(at_once: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
    """Collects Ctrl-C, SIGTERM and SIGHUP (the terminal was closed) in the list that it yields, instead of raising:
    a run that looks at the list can stop between two steps, with complete outputs. A second signal raises at once.
    `at_once` says that it was heard."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if received:
            signal.default_int_handler(number, frame)
        received.append(number)
        # It may have come in the middle of another line, or nobody is there to read it.
        with suppress(RuntimeError, OSError):
            at_once()

    before = {number: signal.signal(number, note) for number in ending()}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def listed(names: Sequence[str], most: int = 8) -> str:
    """The names with commas between; of many the first, and how many more."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
