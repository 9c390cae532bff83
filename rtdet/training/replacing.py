"""Files that are whole or stay what they were, whatever interrupts the writing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from rtdet.errors import OutputError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place beside `path` to write to. In the end that file takes the place of `path`, in one step; a kill or a
    full disk leaves what was there before. Raises OutputError."""
    temporary = path.with_name(path.name + ".part")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The one line about it."""
    return OutputError(f"cannot write {path}: {error.strerror or error}")
