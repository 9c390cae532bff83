"""What is left of a damaged kept run: the rows on those pages of the database that are whole.

SQLite reads a table through its inner pages, one of which is enough to lose half of it. The rows themselves stand on
leaf pages, each of which says for itself what is on it (https://www.sqlite.org/fileformat2.html, 1.6 and 2.1).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rtdet.types import IntArray

_LEAF_OF_A_TABLE = 0x0D
_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_REAL = 7

Row = tuple[Any, ...]


class Salvaged(NamedTuple):
    """The rows that were found, as SQL would give them: those of frames by key, candidates (N, 7) in order of key."""

    frames: dict[int, Row]
    candidates: IntArray


def salvage(path: Path, frame_columns: int, candidate_columns: int) -> Salvaged:
    """Reads every page of the file. Rows are told apart by how many columns they have. Raises OSError."""
    frames: dict[int, Row] = {}
    candidates = array("q")  # there may be millions
    with path.open("rb") as file:
        head = file.read(100)
        size = struct.unpack(">H", head[16:18])[0]
        size = 65536 if size == 1 else size
        if size < 512 or size & (size - 1):
            return Salvaged(frames, _by_key(candidates, candidate_columns))
        file.seek(0)
        usable = size - head[20]
        while len(page := file.read(size)) == size:
            for key, row in _rows_of(page, usable):
                if len(row) == frame_columns:
                    frames[key] = (key, *row[1:])
                elif len(row) == candidate_columns and all(isinstance(value, int) for value in row[1:]):
                    candidates.extend((key, *row[1:]))
    return Salvaged(frames, _by_key(candidates, candidate_columns))


def _by_key(values: array[int], columns: int) -> IntArray:
    """(N, columns) the rows in order of their first column; of those with the same the last."""
    table = np.frombuffer(values, dtype=np.int64).reshape(-1, columns)
    table = table[np.argsort(table[:, 0], kind="stable")]
    is_last = np.append(np.diff(table[:, 0]) != 0, True)[: len(table)]
    newest: IntArray = table[is_last]
    return newest


def _rows_of(page: bytes, usable: int) -> Iterator[tuple[int, Row]]:
    """The keys and rows of a leaf page of a table; nothing of another page, and of a damaged one what makes sense."""
    if page[0] != _LEAF_OF_A_TABLE:
        return
    count = struct.unpack_from(">H", page, 3)[0]
    if 8 + 2 * count > usable:
        return
    for at in struct.unpack_from(f">{count}H", page, 8):
        try:
            length, at = _varint(page, at)
            key, at = _varint(page, at)
            if length > usable - 35 or at + length > usable:
                continue  # the rest of the row is on other pages
            yield key, _values(page[at : at + length])
        except (IndexError, ValueError, struct.error):
            continue


def _values(record: bytes) -> Row:
    """Raises ValueError and IndexError for what is no row."""
    header, at = _varint(record, 0)
    kinds = []
    while at < header:
        kind, at = _varint(record, at)
        kinds.append(kind)
    at, values = header, []
    for kind in kinds:
        value, width = _value(record, at, kind)
        values.append(value)
        at += width
    if at != len(record):
        raise ValueError("a row is as long as its header says")
    return tuple(values)


def _value(record: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind == 0:
        return None, 0
    if kind in (8, 9):
        return kind - 8, 0
    if kind == _REAL:
        return struct.unpack_from(">d", record, at)[0], 8
    if kind in _BYTES:
        return int.from_bytes(record[at : at + _BYTES[kind]], "big", signed=True), _BYTES[kind]
    if kind < 12:
        raise ValueError("no such kind of value")
    width = (kind - 12) // 2
    content = record[at : at + width]
    return (content.decode("utf-8") if kind % 2 else content), width


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for place in range(8):
        byte = content[at + place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + place + 1
    value = value << 8 | content[at + 8]
    return (value - 2**64 if value >= 2**63 else value), at + 9
