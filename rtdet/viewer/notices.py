"""Turns errors, and warnings in rtdet's log, into lines that the window can show."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from rtdet.errors import RtdetError
from rtdet.origin import origin
from rtdet.protocols import SourceState

log = logging.getLogger("rtdet.viewer")


def line_about(error: BaseException) -> str:
    """The error as one line for the user. Anything but an RtdetError is a bug in rtdet: its traceback is logged."""
    if isinstance(error, RtdetError):
        return str(error)
    log.error("unexpected error in the viewer", exc_info=error)
    what = str(error) or "no details"
    return f"Unexpected {type(error).__name__}: {what}. This is a bug in rtdet; see the terminal for details."


class Notice(NamedTuple):
    """A warning or, at logging.INFO, what takes long. `state`: what the line says that its source has become."""

    level: int
    text: str
    state: SourceState | None = None


class NoticeHandler(logging.Handler):
    """Keeps the newest warnings and slow steps of rtdet's log until the window fetches them. Safe from any thread.

    is_wanted: which of them, by what the thread that logs works for (rtdet.origin).
    """

    def __init__(self, is_wanted: Callable[[object | None], bool], limit: int = 20) -> None:
        super().__init__(logging.INFO)
        self._is_wanted = is_wanted
        self._notices: deque[Notice] = deque(maxlen=limit)

    def emit(self, record: logging.LogRecord) -> None:
        is_said_already = record.name.startswith("rtdet.viewer")
        if not is_said_already and self._is_wanted(origin()):
            state = getattr(record, "state", None)
            self._notices.append(Notice(record.levelno, record.getMessage(), state))

    def take(self) -> list[Notice]:
        """What has come since the last call."""
        notices = []
        while self._notices:
            notices.append(self._notices.popleft())
        return notices

    def install(self) -> None:
        logging.getLogger("rtdet").addHandler(self)

    def remove(self) -> None:
        logging.getLogger("rtdet").removeHandler(self)
