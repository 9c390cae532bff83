"""Flat tables as Parquet, row group by row group: https://parquet.apache.org/docs/file-format/ and parquet.thrift.

A file is a magic number, row groups, and a footer that says where everything is. Here a row group has one page a
column, of plain values compressed as gzip: every reader knows that, and dictionaries make rows of tracks no smaller.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

import numpy as np

MAGIC = b"PAR1"
# Higher ones take ten times as long for a hundredth.
_GZIP_LEVEL = 4
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Kind(IntEnum):
    """Types of columns, by their numbers in parquet.thrift."""

    FLAG = 0  # BOOLEAN
    WHOLE = 2  # INT64
    REAL = 5  # DOUBLE
    TEXT = 6  # BYTE_ARRAY of UTF-8


# Numbers in parquet.thrift.
_REQUIRED, _UTF8 = 0, 0
_DATA_PAGE, _PLAIN, _RLE, _GZIP = 0, 0, 3, 2
_VERSION = 1


def row_group(
    schema: Mapping[str, Kind], columns: Sequence[Sequence[Any]], offset: int
) -> tuple[bytes, bytes]:
    """A row group that begins at `offset` in the file, and its entry for the footer.

    The columns are in the schema's order. Raises OverflowError for a whole number of more than 64 bits.
    """
    plain = [_plain(kind, values) for kind, values in zip(schema.values(), columns, strict=True)]
    return row_group_of(schema, plain, len(columns[0]), offset)


def row_group_of(
    schema: Mapping[str, Kind], plain: Sequence[bytes], rows: int, offset: int
) -> tuple[bytes, bytes]:
    """As `row_group`, of columns whose `rows` values are plain already."""
    content = bytearray()
    entries = []
    raw_size = 0
    for (name, kind), values in zip(schema.items(), plain, strict=True):
        page, page_size = _page(values, rows)
        entries.append(_column_entry(name, kind, rows, len(page), page_size, offset + len(content)))
        content += page
        raw_size += page_size
    entry = _structure({1: _structures(entries), 2: _i64(raw_size), 3: _i64(rows)})
    return bytes(content), entry


def footer(schema: Mapping[str, Kind], entries: Sequence[bytes], rows: int) -> bytes:
    """The end of a file with these row groups, of so many rows in all."""
    root = _structure({4: _binary(b"schema"), 5: _i32(len(schema))})
    metadata = _structure(
        {
            1: _i32(_VERSION),
            2: _structures([root, *(_schema_element(name, kind) for name, kind in schema.items())]),
            3: _i64(rows),
            4: _structures(entries),
        }
    )
    return metadata + struct.pack("<I", len(metadata)) + MAGIC


def _plain(kind: Kind, values: Sequence[Any]) -> bytes:
    if kind is Kind.TEXT:
        texts = [text.encode(errors="replace") for text in values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    if kind is Kind.FLAG:
        return np.packbits(np.array(values, dtype=bool), bitorder="little").tobytes()
    return np.array(values, dtype="<i8" if kind is Kind.WHOLE else "<f8").tobytes()


def _page(values: bytes, count: int) -> tuple[bytes, int]:
    """A page with its header, and its size were it not compressed."""
    gzip = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    compressed = gzip.compress(values) + gzip.flush()
    data_page = _structure({1: _i32(count), 2: _i32(_PLAIN), 3: _i32(_RLE), 4: _i32(_RLE)})
    header = _structure(
        {1: _i32(_DATA_PAGE), 2: _i32(len(values)), 3: _i32(len(compressed)), 5: (_STRUCT, data_page)}
    )
    return header + compressed, len(header) + len(values)


def _column_entry(name: str, kind: Kind, count: int, size: int, raw_size: int, offset: int) -> bytes:
    metadata = _structure(
        {
            1: _i32(kind),
            2: _list(_I32, [_zigzag(_PLAIN), _zigzag(_RLE)]),
            3: _list(_BINARY, [_binary(name.encode())[1]]),
            4: _i32(_GZIP),
            5: _i64(count),
            6: _i64(raw_size),
            7: _i64(size),
            9: _i64(offset),
            12: (_STRUCT, _structure({3: _i64(0)})),  # statistics: no value is missing
        }
    )
    return _structure({2: _i64(offset), 3: (_STRUCT, metadata)})


def _schema_element(name: str, kind: Kind) -> bytes:
    fields = {1: _i32(kind), 3: _i32(_REQUIRED), 4: _binary(name.encode())}
    if kind is Kind.TEXT:
        # Both ways in which a reader may learn that it is text.
        fields |= {6: _i32(_UTF8), 10: (_STRUCT, _structure({1: (_STRUCT, _structure({}))}))}
    return _structure(fields)


# Thrift's compact protocol: a field is a number, a type and a value; whole numbers have as many bytes as they need.
_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12
_Field = tuple[int, bytes]


def _structure(fields: Mapping[int, _Field]) -> bytes:
    """The fields by their numbers, which rise by less than 16."""
    content = bytearray()
    before = 0
    for number, (kind, value) in fields.items():
        content.append((number - before) << 4 | kind)
        content += value
        before = number
    return bytes(content) + b"\0"


def _structures(elements: Sequence[bytes]) -> _Field:
    return _list(_STRUCT, elements)


def _list(kind: int, elements: Sequence[bytes]) -> _Field:
    count = len(elements)
    head = bytes([count << 4 | kind]) if count < 15 else bytes([0xF0 | kind]) + _varint(count)
    return _LIST, head + b"".join(elements)


def _binary(content: bytes) -> _Field:
    return _BINARY, _varint(len(content)) + content


def _i32(value: int) -> _Field:
    return _I32, _zigzag(value)


def _i64(value: int) -> _Field:
    return _I64, _zigzag(value)


def _zigzag(value: int) -> bytes:
    """Of a number that is not negative."""
    return _varint(2 * value)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    content.append(value)
    return bytes(content)
