"""What a thread works for, so that lines in the log can be told apart where several sources run at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any

_origin: ContextVar[object | None] = ContextVar("rtdet_origin", default=None)


def origin() -> object | None:
    """What this thread works for just now; None: for nobody in particular."""
    return _origin.get()


@contextmanager
def working_for(whom: object | None) -> Iterator[None]:
    """Until it is left, this thread, and the `Thread`s that are made in it, work for `whom`."""
    token = _origin.set(whom)
    try:
        yield
    finally:
        _origin.reset(token)


class Thread(threading.Thread):
    """A thread that works for whom its maker worked for."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._made_in = copy_context()

    def run(self) -> None:
        self._made_in.run(super().run)
