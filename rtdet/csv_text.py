"""Text in the cells of CSV files. A spreadsheet runs a cell that begins like a formula, also where a class or a file
has such a name: it gets an apostrophe in front, by which spreadsheets know text, and reading takes that off again."""

from __future__ import annotations

import re
from functools import lru_cache

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


@lru_cache(maxsize=4096)
def text_cell(text: str) -> str:
    """The text as a cell that is nothing but text."""
    return "'" + text if _FORMULA.match(text) else text


def text_of_cell(cell: str) -> str:
    """The inverse of `text_cell`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
