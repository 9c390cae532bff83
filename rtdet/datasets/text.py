"""Label files read as text, what cannot be read being one line that names the file."""

from __future__ import annotations

import re
import reprlib
from pathlib import Path

from rtdet.errors import UsageError

# Control characters, ends of lines, halves of UTF-16 pairs (of file names that are not UTF-8, too), and what XML
# forbids.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")

# YAML's aliases make lists of lists that would take the memory to write out.
_short = reprlib.Repr()
_short.maxlevel = 3


def read_text(path: Path) -> str:
    """The UTF-8 text of a label file, a byte order mark taken off. Raises UsageError."""
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise UsageError(f"cannot read the labels {path}: it is not a file")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read the labels {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def whole_number(text: str) -> int | None:
    """The number that a text of up to ten digits is; None for another text: no frame and no picture's side has more,
    and Python refuses to read thousands of them."""
    digits = text.strip()
    return int(digits) if digits.isdecimal() and len(digits) <= 10 else None


def shown(value: object) -> str:
    """A value for an error's line, cut where it is long."""
    text = _short.repr(value) if isinstance(value, (list, tuple, dict, set)) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def printable(text: str, instead: str = "\ufffd") -> str:
    """The text on one line, fit for a terminal, a picture and every format of labels."""
    return _UNPRINTABLE.sub(instead, text)


def starts_with(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a label file. Raises UsageError."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise UsageError(f"cannot read the labels {path}: {error.strerror}") from error
