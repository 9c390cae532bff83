"""Track files as Parquet, readable at every checkpoint."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtdet.output_file import Checkpoint
from rtdet.tracks.columns import columns_of
from rtdet.tracks.formats.csv_file import table_entry
from rtdet.tracks.formats.format import Entry, Format, RowWriter
from rtdet.tracks.rows import FrameRecord, Row

_ROWS_PER_GROUP = 50_000


class ParquetWriter(RowWriter):
    """Parquet with the columns of the .csv and `class_id`, in row groups of 50 000 rows.

    Parquet's directory (the footer) stands at the end, so a plain writer leaves nothing readable when it is
    killed. Here the newest row group and the footer are rewritten together about every second, in one system
    call: the file is whole at any moment. Each row group is written by a writer of its own at its true
    offset, and the footers are merged; the bytes do not depend on when the checkpoints were.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        # Here and not at the first frame, so that the run does not stop for the import.
        import pyarrow as pa

        types = {int: pa.int64(), float: pa.float64(), bool: pa.bool_(), str: pa.string()}
        columns = columns_of(PARQUET.suffix)
        self._schema = pa.schema([(column.name, types[column.kind]) for column in columns])
        self._open_group: list[Row] = []
        self._sealed: Any = None  # the merged FileMetaData of the groups before the open one
        self._offset = 0
        self._checkpoint = Checkpoint()

    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        self._open_group += rows
        while len(self._open_group) >= _ROWS_PER_GROUP:
            self._seal()
        if self._is_first or self._checkpoint.is_due():
            self._flush()

    def write_no_frames(self) -> None:
        self._flush()

    def _finish(self) -> None:
        if self._open_group or self._sealed is None:
            self._flush()

    def _seal(self) -> None:
        group, self._open_group = self._open_group[:_ROWS_PER_GROUP], self._open_group[_ROWS_PER_GROUP:]
        content, self._sealed = self._encode(group)
        self._file.replace_tail(content, _footer(self._sealed))
        self._offset += len(content)

    def _flush(self) -> None:
        started = time.monotonic()
        content, metadata = self._encode(self._open_group)
        self._file.replace_tail(b"", content + _footer(metadata))
        self._checkpoint.done(started)

    def _encode(self, rows: list[Row]) -> tuple[bytes, Any]:
        """One row group as bytes for the end of the file, and the metadata of all groups up to it."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        arrays = [pa.array([row[field.name] for row in rows], field.type) for field in self._schema]
        sink = _AtOffset(self._offset)
        stream = pa.PythonFile(sink, mode="w")
        collected: list[Any] = []
        with pq.ParquetWriter(
            stream, self._schema, compression="zstd", metadata_collector=collected
        ) as writer:
            sink.advance(stream)
            writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        metadata = collected[0]
        content = sink.getvalue()[: -_footer_size(sink.getvalue())]
        if self._sealed is not None:
            sealed = _copy(self._sealed)
            sealed.append_row_groups(metadata)
            metadata = sealed
        return content, metadata


def _footer_size(written: bytes) -> int:
    # Thrift metadata, its length in four bytes, the magic "PAR1".
    return int.from_bytes(written[-8:-4], "little") + 8


def _footer(metadata: Any) -> bytes:
    """What stands at the end of a Parquet file with this metadata."""
    alone = io.BytesIO()
    metadata.write_metadata_file(alone)
    return alone.getvalue()[-_footer_size(alone.getvalue()) :]


def _copy(metadata: Any) -> Any:
    """An independent copy: append_row_groups changes the object."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    alone = pa.BufferOutputStream()
    metadata.write_metadata_file(alone)
    return pq.read_metadata(pa.BufferReader(alone.getvalue()))


class _AtOffset(io.BytesIO):
    """What is written after the first `offset` bytes; Parquet notes absolute positions.

    pyarrow counts the position itself and insists on beginning at 0, where it writes its magic. So the bytes
    before the offset are made to go by once it has begun, and are not kept.
    """

    _ZEROS = bytes(1 << 20)

    def __init__(self, offset: int) -> None:
        super().__init__()
        self._to_skip = offset

    def advance(self, stream: Any) -> None:
        """Bring the pyarrow stream over this buffer from the magic to the offset."""
        while self._to_skip:
            stream.write(memoryview(self._ZEROS)[: self._to_skip])

    def write(self, content: Any) -> int:
        if self._to_skip:
            self._to_skip -= len(content)
            return len(content)
        return super().write(content)

    def close(self) -> None:
        """Keep the bytes: the writer closes what it writes to."""


def _read(path: Path) -> Iterator[Entry]:
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        for batch in pq.ParquetFile(file).iter_batches():
            for row in batch.to_pylist():
                yield table_entry(row, PARQUET.suffix)


PARQUET = Format(".parquet", ParquetWriter, _read, has_class_numbers=True)
