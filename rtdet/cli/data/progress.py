"""The bar of commands that go from picture to picture."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def progress(
    what: str, count: int, quiet: bool, stream: TextIO | None = None
) -> Iterator[Callable[[], None]]:
    """A bar on standard error (or `stream`), gone at the end; gives what to call after each picture."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True) if stream is None else Console(file=stream)
    columns = [TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(what, total=count)
        yield lambda: bar.advance(task)


@contextmanager
def muted() -> Iterator[TextIO]:
    """Keeps quiet what C libraries print to standard error; gives a stream that still leads there."""
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
