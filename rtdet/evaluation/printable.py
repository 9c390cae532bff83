"""Names that come from elsewhere, fit for a terminal."""

from __future__ import annotations

import sys


def printable(text: str) -> str:
    """A class may also be called an escape sequence of the terminal, or what its encoding lacks."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    encoding = sys.stdout.encoding or "utf-8"
    return shown.encode(encoding, "replace").decode(encoding)
