"""Text for the terminal. Here and not with the texts of label files, because the tables of tracking need no pictures:
what reads those takes longer to load than most sequences take to score."""

from __future__ import annotations

import sys


def for_terminal(text: str) -> str:
    """The text as standard output can take it: a class may be called an escape sequence of the terminal, or what its
    encoding lacks."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    encoding = sys.stdout.encoding or "utf-8"
    return shown.encode(encoding, "replace").decode(encoding)
