"""What the command line says to people, and how people interrupt it."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from rtdet.signals import ENDING


def show_messages(*, quiet: bool = False) -> None:
    """Warnings of any room become lines on standard error; so does, unless `quiet`, what a detector does that
    takes its time."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine())
    logger = logging.getLogger("rtdet")
    logger.handlers[:] = [handler]
    logger.propagate = False
    for room in ("rtdet.detectors", "rtdet.backends"):
        logging.getLogger(room).setLevel(logging.WARNING if quiet else logging.INFO)


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        kind = "warning: " if record.levelno >= logging.WARNING else ""
        return f"rtdet: {kind}{record.getMessage()}"


def say_error(message: str) -> None:
    """The one line on standard error that a failed command ends with."""
    click.echo("rtdet: error: " + " ".join(message.split()), err=True)


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """Ctrl-C, SIGTERM and the closing of the terminal (SIGHUP) are noted, not raised: a run ends between two steps,
    with complete outputs. A second one ends at once."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if received:
            signal.default_int_handler(number, frame)
        received.append(number)

    before = {number: signal.signal(number, note) for number in ENDING}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
