"""The pages of Parquet files that `parquet_encoding` wrote, as bytes: many small files become a large one without a
look at any value."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rtdet.tracks.formats.parquet_encoding import MAGIC, Kind

# Types of Thrift's compact protocol.
_TRUE, _FALSE, _I16, _I64, _BINARY, _LIST, _STRUCT = 1, 2, 4, 6, 8, 9, 12


def pages_of(path: Path, schema: Mapping[str, Kind]) -> Iterator[tuple[int, list[bytes]]]:
    """Of each row group how many rows it has, and of each column its plain values (Parquet's encoding PLAIN). Raises
    OSError, and ValueError where it is no file of this schema that `parquet_encoding` wrote."""
    content = path.read_bytes()
    try:
        yield from _row_groups(content, schema)
    except (LookupError, TypeError, AttributeError, struct.error, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    except ValueError as error:
        raise ValueError(f"{path} is damaged, or was written by something else: {error}") from None


def _row_groups(content: bytes, schema: Mapping[str, Kind]) -> Iterator[tuple[int, list[bytes]]]:
    if len(content) < 12 or content[:4] != MAGIC or content[-4:] != MAGIC:
        raise ValueError("it has no beginning or no end")
    (size,) = struct.unpack("<I", content[-8:-4])
    metadata, _ = _structure(content, len(content) - 8 - size)
    names = [element[4].decode() for element in metadata[2][1:]]
    kinds = [element[1] for element in metadata[2][1:]]
    if names != list(schema) or kinds != [int(kind) for kind in schema.values()]:
        raise ValueError("it has other columns")
    for group in metadata[4]:
        rows: int = group[3]
        yield rows, [_page(content, column[2], rows) for column in group[1]]


def _page(content: bytes, offset: int, rows: int) -> bytes:
    header, begin = _structure(content, offset)
    if header[5][1] != rows:
        raise ValueError("a column has more than one page")
    values = zlib.decompress(content[begin : begin + header[3]], 16 + zlib.MAX_WBITS)
    if len(values) != header[2]:
        raise ValueError("a page is not as long as it says")
    return values


def _structure(content: bytes, place: int) -> tuple[dict[int, Any], int]:
    """The fields of a structure by their numbers, and where it ends."""
    fields: dict[int, Any] = {}
    number = 0
    while head := content[place]:
        if not head >> 4:
            raise ValueError("a field has a long number")
        number += head >> 4
        fields[number], place = _value(content, place + 1, head & 15)
    return fields, place + 1


def _value(content: bytes, place: int, kind: int) -> tuple[Any, int]:
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, place
    if kind == _STRUCT:
        return _structure(content, place)
    if kind == _LIST:
        return _elements(content, place)
    number, place = _varint(content, place)
    if kind == _BINARY:
        return content[place : place + number], place + number
    if _I16 <= kind <= _I64:
        return number >> 1 ^ -(number & 1), place
    raise ValueError(f"a value is of the unknown type {kind}")


def _elements(content: bytes, place: int) -> tuple[list[Any], int]:
    head = content[place]
    count, place = head >> 4, place + 1
    if count == 15:
        count, place = _varint(content, place)
    if count > len(content):
        raise ValueError("a list is longer than the file")
    elements = []
    for _ in range(count):
        element, place = _value(content, place, head & 15)
        elements.append(element)
    return elements, place


def _varint(content: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
        shift += 7
