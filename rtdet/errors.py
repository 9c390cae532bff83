"""Every error that rtdet raises on purpose, and the exit code that the command line gives it.

    RtdetError                      1
    ├── UsageError                  2   the command line or a configuration is wrong
    │   ├── UnknownNameError        2   no such class, tracker, device; knows the nearest names
    │   │   └── UnknownModelError   4   no such model: a ModelError, too
    │   └── MissingExtraError       2   a package for it is not installed; says how to install it
    │       └── ModelExtraError     4   a package for a model: a ModelError, too
    ├── SourceError                 3   a source cannot be opened, or was lost for good
    ├── ModelError                  4   a model cannot be loaded or run
    │   └── DownloadError           4   a model cannot be fetched
    └── OutputError                 5   an output cannot be written
        └── ReaderLeftError       141   the reader of a pipe has gone; nothing is said of it

The message is one line for a person: what is wrong, with which thing, what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from rtdet.address import redact


class RtdetError(Exception):
    """The base of all errors that rtdet raises on purpose. The message never holds the secrets of an address."""

    exit_code = 1

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(redact(one) if isinstance(one, str) else one for one in arguments))


class UsageError(RtdetError):
    exit_code = 2


class UnknownNameError(UsageError):
    """`name` is not one of `known`; the message offers the nearest ones, and `note` where there is more to say."""

    def __init__(self, kind: str, name: str, known: Iterable[str], note: str = "") -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        near = _near(name, self.known)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(self.known)}"
        super().__init__(f"unknown {kind} {name!r}: {hint}{f'; {note}' if note else ''}")


def _near(name: str, known: tuple[str, ...]) -> list[str]:
    """The names that somebody may have meant: those that are spelt much like it, have its letters in another order,
    or hold it."""
    plain, typed = {one.lower(): one for one in known}, name.lower()
    found = difflib.get_close_matches(typed, plain, n=3, cutoff=0.7)
    if not found and len(name) >= 3:
        found = [one for one in plain if sorted(one) == sorted(typed) or typed in one][:3]
    return [plain[one] for one in found]


class SourceError(RtdetError):
    exit_code = 3


class ModelError(RtdetError):
    exit_code = 4


class UnknownModelError(UnknownNameError, ModelError):
    exit_code = 4


class DownloadError(ModelError):
    pass


class MissingExtraError(UsageError):
    pass


class ModelExtraError(MissingExtraError, ModelError):
    exit_code = 4


class OutputError(RtdetError):
    exit_code = 5


class ReaderLeftError(OutputError):
    """Nobody reads the pipe any more, which is no fault: a command ends in silence, with the code that a shell gives
    for SIGPIPE. It is not 0: what was written is incomplete, as `set -o pipefail` wants to know."""

    exit_code = 141
