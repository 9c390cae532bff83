"""What of a kept run makes sense: the file may be damaged, or made by somebody who means harm."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np

from rtdet.kept.schema import MOST, TABLES
from rtdet.pipeline.grid import FULL_SCORE
from rtdet.tracks.table import LAST_FRAME
from rtdet.types import IntArray

Row = tuple[Any, ...]

_LONGEST_SIDE = 1_000_000
_LAST_S = 1e9
_FARTHEST = 2**31 - 1
_PTS = 2**63 - 1
# Nobody's camera moves like this between two frames.
FARTHEST_STEP = 1e6
_AT_ONCE = 4096


class _Kind(NamedTuple):
    """What a column holds besides NULL; numbers within two limits."""

    types: frozenset[type]
    limits: tuple[float, float] | None = None

    def has(self, values: Iterable[Any]) -> bool:
        """Whether all of these are of the kind."""
        known = [value for value in values if value is not None]
        if not known or not frozenset(map(type, known)) <= self.types:
            return not known
        return self.limits is None or (self.limits[0] <= min(known) and max(known) <= self.limits[1])


def _whole(least: int, most: int) -> _Kind:
    return _Kind(frozenset({int}), (least, most))


_TEXT = _Kind(frozenset({str}))
# Of the table `frames`, in its order. SQLite stores whole seconds as whole numbers.
_FRAME_KINDS = (
    _whole(1, LAST_FRAME), _Kind(frozenset({int, float}), (-_LAST_S, _LAST_S)), _whole(-_PTS - 1, _PTS),
    _whole(0, _LONGEST_SIDE), _whole(0, _LONGEST_SIDE), _TEXT, _TEXT, _Kind(frozenset({bytes})), _whole(0, MOST),
)  # fmt: skip


def fetched(cursor: sqlite3.Cursor) -> list[Row]:
    """All rows of a table whose first column is its key. Raises sqlite3.DatabaseError where keys do not rise: pages
    that are damaged can name one another, and would be read for ever."""
    rows: list[Row] = []
    while chunk := cursor.fetchmany(_AT_ONCE):
        keys = [row[0] for row in (*rows[-1:], *chunk)]
        if frozenset(map(type, keys)) != {int} or any(after <= before for before, after in pairwise(keys)):
            raise sqlite3.DatabaseError("its rows are not in order")
        rows += chunk
    return rows


def sound_frames(rows: list[Row]) -> list[Row]:
    """Those of the rows of `frames` that hold what they should."""
    if all(kind.has(column) for kind, column in zip(_FRAME_KINDS, zip(*rows, strict=True), strict=False)):
        return rows
    return [
        row
        for row in rows
        if row[0] is not None
        and all(kind.has((value,)) for kind, value in zip(_FRAME_KINDS, row, strict=True))
    ]


def sound_candidates(rows: Sequence[Row], class_count: int) -> IntArray:
    """(N, 7) those of the rows of `candidates` that are boxes, with scores, of classes that there are."""
    if not frozenset(map(type, chain.from_iterable(rows))) <= {int}:
        rows = [row for row in rows if all(type(value) is int for value in row)]
    table = np.array(rows, dtype=np.int64).reshape(-1, 7)
    sound: IntArray = table[_is_sound(table, class_count)]
    return sound


def _is_sound(table: IntArray, class_count: int) -> Any:
    corners, scores, classes = table[:, 1:5], table[:, 5], table[:, 6]
    is_near = ((corners >= -_FARTHEST) & (corners <= _FARTHEST)).all(axis=1)
    has_area = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
    is_score = (scores >= 0) & (scores <= FULL_SCORE)
    return is_near & has_area & is_score & (classes >= 0) & (classes < class_count)


def check_schema(database: sqlite3.Connection) -> None:
    """Raises ValueError where a table is not as rtdet makes it, or something else in its place: a view or a column
    that is computed could go on for ever, and a trigger change what it likes."""
    rows = database.execute("SELECT type, name, sql FROM sqlite_master LIMIT 1000").fetchall()
    known = _known_schema()
    for kind, name, sql in rows:
        if kind in ("trigger", "index") and sql is not None:
            raise ValueError(f"it has a {kind}, {str(name)[:40]}, which a kept run has not")
        if name in known and " ".join(str(sql).split()) != known[name]:
            raise ValueError(f"its {name} are not the table that they are in a kept run")


@cache
def _known_schema() -> dict[str, str]:
    """The tables that are read, and how each is made."""
    database = sqlite3.connect(":memory:")
    try:
        database.executescript(TABLES)
        rows = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    finally:
        database.close()
    return {name: " ".join(sql.split()) for name, sql in rows}
