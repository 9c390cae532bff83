"""Progress of commands that work through pictures or tracks: a bar, or lines in a log."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rtdet.terminal import clean
from rtdet.terminal import console as make_console

# Without a terminal, seconds between two lines; in a long run, the share of the elapsed time between them.
_EVERY_S = 10.0
_EVERY_SHARE = 0.1


@contextmanager
def progress(
    what: str, count: int, quiet: bool, stream: TextIO | None = None
) -> Iterator[Callable[[], None]]:
    """Shows a bar on standard error (or `stream`) while it lasts, or prints a line now and then where that is not a
    terminal; yields the function to call after each of the `count` items."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = make_console(stderr=True) if stream is None else make_console(file=stream)
    if quiet or not console.is_terminal:
        yield (lambda: None) if quiet else _Lines(what, count, stream or sys.stderr).tick
        return
    columns = [TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=count)
        yield lambda: bar.advance(task)


class _Lines:
    """Progress as a line now and then, for logs and pipes."""

    def __init__(
        self, what: str, count: int, stream: TextIO, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._what, self._count, self._stream, self._clock = what, count, stream, clock
        self._begin = self._last = clock()
        self._done = 0

    def tick(self) -> None:
        self._done += 1
        now = self._clock()
        elapsed = now - self._begin
        if now - self._last < max(_EVERY_S, _EVERY_SHARE * elapsed) or self._done == self._count:
            return
        self._last = now
        left = elapsed / self._done * (self._count - self._done)
        line = f"{self._what}: {self._done} of {self._count}, {_duration(left)} left"
        print(clean(line, self._stream), file=self._stream)
        self._stream.flush()


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def muted() -> Iterator[TextIO]:
    """Silences what C libraries print to standard error; yields a stream that still writes there."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        is_real = sys.stderr.fileno() == 2
    except (OSError, ValueError):  # no file, as in a test
        is_real = False
    os.dup2(nowhere, 2)
    try:
        with os.fdopen(os.dup(kept), "w", encoding="utf-8") as stream:
            yield stream if is_real else sys.stderr
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
