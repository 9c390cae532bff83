"""Reading label files as text: what cannot be read is one line that names the file."""

from __future__ import annotations

from pathlib import Path

from rtdet.errors import UsageError


def read_text(path: Path) -> str:
    """The UTF-8 text of a label file, a byte order mark taken off. Raises UsageError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read the labels {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def shown(value: object) -> str:
    """A value for an error's line, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
