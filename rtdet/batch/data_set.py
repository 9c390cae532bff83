"""The data set: the tracks of all sources as Parquet, a partition for each, and the table of the sources.

Every file has the same columns, so that they can be read as one table: what a source does not have is NaN, or an
empty text. Nothing in them tells when, where, by how many or in how many attempts they were made: the same sources
give the same bytes. Of the table of sources that holds for all columns but the last four.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from rtdet.batch.journal import FACTS, Journal
from rtdet.output_file import replacing
from rtdet.track_columns import FURTHER
from rtdet.tracks.formats.parquet import ParquetWriter, schema
from rtdet.tracks.formats.parquet_encoding import MAGIC, Kind, footer, row_group
from rtdet.tracks.rows import FrameRecord, Row, well_formed

_EVERY = tuple(column.name for column in FURTHER)
_KINDS = {str: Kind.TEXT, int: Kind.WHOLE, float: Kind.REAL}
_GROUP = 50_000
# Columns of the table of sources that another run of the same batch may have otherwise.
VOLATILE = ("pieces", "seconds", "machine", "attempts")
_COLUMNS = {
    "source": Kind.TEXT, "path": Kind.TEXT, "state": Kind.TEXT, "error": Kind.TEXT,
    **{name: _KINDS[kind] for name, kind in FACTS.items() if name not in VOLATILE},
    "pieces": Kind.WHOLE, "seconds": Kind.REAL, "machine": Kind.TEXT, "attempts": Kind.WHOLE,
}  # fmt: skip


class DataSetWriter(ParquetWriter):
    """The Parquet file of a source's tracks, with all columns that any source's may have. frames, rows: how many were
    written. A source without frames has a file without rows."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self.frames = self.rows = 0
        self._schema = schema_of_tracks()

    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        self.frames += 1
        self.rows += len(rows)
        super()._write_rows(record, rows)

    def _choose_schema(self, record: FrameRecord) -> None:
        """It is the same for all."""

    def close(self) -> None:
        if not self.frames and not self._is_closed:
            self.write_no_frames()
        super().close()


def schema_of_tracks() -> dict[str, Kind]:
    """The columns of the tracks of every source."""
    return schema(with_names=True, known=_EVERY)


def write_sources(journal: Journal, path: Path) -> None:
    """The table of the sources, a row for each, in order. Raises OutputError."""
    with replacing(path) as part, part.open("wb") as file:
        file.write(MAGIC)
        entries: list[bytes] = []
        offset, count = len(MAGIC), 0
        rows = _source_rows(journal)
        while (group := list(islice(rows, _GROUP))) or not entries:
            columns = [list(column) for column in zip(*group, strict=True)] or [[] for _ in _COLUMNS]
            content, entry = row_group(_COLUMNS, columns, offset)
            file.write(content)
            entries.append(entry)
            offset, count = offset + len(content), count + len(group)
        file.write(footer(_COLUMNS, entries, count))


def _source_rows(journal: Journal) -> Iterator[list[object]]:
    for key, source, state, attempts, error, *facts in journal.rows():
        known = dict(zip(FACTS, facts, strict=True))
        values = {
            **known,
            "source": key,
            "path": source,
            "state": state,
            "error": error,
            "attempts": attempts,
        }
        yield [_cell(values[name], kind) for name, kind in _COLUMNS.items()]


def _cell(value: object, kind: Kind) -> object:
    if value is None:
        return {Kind.TEXT: "", Kind.REAL: math.nan, Kind.WHOLE: 0}[kind]
    return well_formed(value) if isinstance(value, str) else value
