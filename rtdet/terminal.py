"""All that rtdet prints goes through here: no escape sequences of names and files, no secrets of addresses."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from rtdet.address import redact

if TYPE_CHECKING:
    from rich.console import Console


def for_terminal(text: str, stream: IO[str] | None = None) -> str:
    """The text as `stream` (standard output) can take it: a class may be called an escape sequence of the
    terminal, or what its encoding lacks."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    encoding = getattr(stream or sys.stdout, "encoding", None) or "utf-8"
    return shown.encode(encoding, "replace").decode(encoding)


def clean(text: str, stream: IO[str] | None = None) -> str:
    """`for_terminal` of each line, without secrets."""
    return "\n".join(for_terminal(line, stream) for line in redact(text).split("\n"))


def say(text: str = "", *, err: bool = False) -> None:
    """A line, or several, on standard output or standard error."""
    stream = sys.stderr if err else sys.stdout
    # With its end in one piece: several threads may have something to say.
    print(clean(text, stream) + "\n", end="", file=stream, flush=True)


def rate(per_second: float) -> str:
    """`24 frames/s`; with a decimal below 10, so that a slow run does not read as one that stands still."""
    return f"{per_second:.0f} frames/s" if per_second >= 9.95 else f"{per_second:.1f} frames/s"


def console(**attributes: Any) -> Console:
    """Rich's console, whose colours and bars are its own and nobody else's: names come through as `for_terminal` has
    them. The arguments are those of rich.console.Console."""
    from rich.console import Console, RenderableType
    from rich.segment import Segment

    class Clean(Console):
        def render(self, renderable: RenderableType, options: Any = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                if segment.control is None and not segment.text.isprintable():
                    lines = segment.text.split("\n")
                    yield Segment("\n".join(for_terminal(line, self.file) for line in lines), segment.style)
                else:
                    yield segment

    return Clean(**attributes)


def show_traceback(kind: type[BaseException], error: BaseException, trace: Any = None) -> None:
    """On standard error; takes the place of sys.excepthook."""
    if issubclass(kind, KeyboardInterrupt):
        return
    say("".join(traceback.format_exception(kind, error, trace)).rstrip(), err=True)


_quiet_lock = threading.Lock()
_quiet_users: list[int] = []  # the log level to go back to, once for each user


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """OpenCV writes to standard error what it tries; while anybody is within this it doesn't."""
    from cv2.utils import logging as cv2_logging

    with _quiet_lock:
        level = _quiet_users[0] if _quiet_users else cv2_logging.getLogLevel()
        _quiet_users.append(level)
        cv2_logging.setLogLevel(cv2_logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_users.pop()
            if not _quiet_users:
                cv2_logging.setLogLevel(level)
