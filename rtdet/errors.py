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
    """`name` is not one of `known`; the message offers the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        near = difflib.get_close_matches(name.lower(), self.known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(self.known)}"
        super().__init__(f"unknown {kind} {name!r}: {hint}")


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
