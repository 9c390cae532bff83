"""Track files as Parquet, readable at every checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from rtdet import track_columns
from rtdet.output_file import Checkpoint
from rtdet.track_columns import columns_of
from rtdet.tracks.formats.csv_file import table_entry
from rtdet.tracks.formats.format import Entry, Format, RowWriter
from rtdet.tracks.formats.parquet_encoding import MAGIC, Kind, footer, row_group
from rtdet.tracks.formats.parquet_reading import parquet_rows
from rtdet.tracks.rows import FrameRecord, Row, known_values

_ROWS_PER_GROUP = 50_000
_KINDS = {int: Kind.WHOLE, float: Kind.REAL, bool: Kind.FLAG, str: Kind.TEXT}


class ParquetWriter(RowWriter):
    """Parquet with the columns of the .csv and `class_id`, in row groups of 50 000 rows; NaN is a missing time.

    Parquet's directory (the footer) stands at the end, so a plain writer leaves nothing readable when it is
    killed. Here the newest row group and the footer are rewritten together about every second, in one system
    call: the file is whole at any moment, and its bytes do not depend on when the checkpoints were.
    """

    goes_back = True

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._schema = schema()
        self._open_group: list[Row] = []
        # The footer's entries, the rows and the bytes of the groups before the open one.
        self._sealed: list[bytes] = []
        self._sealed_rows = 0
        self._offset = 0
        self._checkpoint = Checkpoint()

    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        if self._is_first:
            self._choose_schema(record)
        self._open_group += rows
        while len(self._open_group) >= _ROWS_PER_GROUP:
            self._seal()
        if self._is_first or self._checkpoint.is_due():
            self._flush()

    def _choose_schema(self, record: FrameRecord) -> None:
        self._schema = schema(with_names=bool(record.name), known=known_values(record.objects))

    def write_no_frames(self) -> None:
        self._flush()

    def _finish(self) -> None:
        if self._open_group or not self._sealed:
            self._flush()

    def _seal(self) -> None:
        group, self._open_group = self._open_group[:_ROWS_PER_GROUP], self._open_group[_ROWS_PER_GROUP:]
        content, entry = self._encode(group)
        self._sealed.append(entry)
        self._sealed_rows += len(group)
        self._file.replace_tail(content, footer(self._schema, self._sealed, self._sealed_rows))
        self._offset += len(content)

    def _flush(self) -> None:
        started = time.monotonic()
        content, entry = self._encode(self._open_group)
        rows = self._sealed_rows + len(self._open_group)
        self._file.replace_tail(b"", content + footer(self._schema, [*self._sealed, entry], rows))
        self._checkpoint.done(started)

    def _encode(self, rows: list[Row]) -> tuple[bytes, bytes]:
        """One row group as bytes for the end of the file, and its entry in the footer."""
        magic = b"" if self._offset else MAGIC
        columns = [
            [math.nan if row.get(name) is None else row[name] for row in rows] for name in self._schema
        ]
        content, entry = row_group(self._schema, columns, self._offset + len(magic))
        return magic + content, entry


def schema(*, with_names: bool = False, known: Collection[str] = ()) -> dict[str, Kind]:
    """The columns of a file, with their types; see `columns_of`."""
    columns = columns_of(PARQUET.suffix, with_names=with_names, known=known)
    return {column.name: _KINDS[column.kind] for column in columns}


def _read(path: Path) -> Iterator[Entry]:
    every = [column.name for column in track_columns.FURTHER]
    names = [column.name for column in columns_of(PARQUET.suffix, with_names=True, known=every)]
    return (table_entry(row, PARQUET.suffix) for row in parquet_rows(path, names))


PARQUET = Format(".parquet", ParquetWriter, _read, has_class_numbers=True)
