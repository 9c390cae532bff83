"""The tracks of many small sources in a few large files, for those who read them often.

To open a hundred thousand files takes a reader a minute or more, however little is in them. DIR/packed has the rows
and columns of DIR/tracks, and a column `source` with the names of the partitions; it is made of what is there, may be
made again at any time, and is taken away once a batch changes its tracks.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtdet.batch.data_set import schema_of_tracks
from rtdet.batch.driver_lock import DriverLock
from rtdet.batch.journal import Journal
from rtdet.batch.layout import TRACKS_FILE
from rtdet.batch.status import open_layout
from rtdet.errors import SourceError
from rtdet.output_file import cannot_write
from rtdet.tracks.formats.parquet_encoding import MAGIC, Kind, footer, row_group_of
from rtdet.tracks.formats.parquet_pages import pages_of

# A reader holds a group of one column at a time, or several at once.
_ROWS_A_GROUP, _ROWS_A_FILE = 200_000, 5_000_000


@dataclass(frozen=True)
class Packed:
    """What was packed: how many sources and rows, into how many files."""

    sources: int
    rows: int
    files: int


def pack(folder: str | Path, *, rows_a_group: int = _ROWS_A_GROUP, rows_a_file: int = _ROWS_A_FILE) -> Packed:
    """Makes DIR/packed of the tracks of all sources that are done, in their order, whole or not at all. Raises
    SourceError where there is no batch or a partition is damaged, UsageError where somebody works on it just now, and
    OutputError."""
    layout = open_layout(folder)
    lock = DriverLock(layout.lock)
    try:
        with Journal(layout.journal, reads_only=True) as journal:
            try:
                layout.work.mkdir(exist_ok=True)
                place = layout.attempt(f"packed.{os.getpid()}")
                writer = _Writer(place, rows_a_group, rows_a_file)
                for key in journal.keys_done():
                    writer.add(key, layout.partition(key) / TRACKS_FILE)
                writer.close()
                layout.put_packed(place)
            except OSError as error:
                raise cannot_write(layout.packed, error) from error
        return Packed(writer.sources, writer.rows, writer.files)
    finally:
        layout.clear_attempts()
        lock.release()


class _Writer:
    """Writes files of many row groups, each of the pages of many sources."""

    def __init__(self, folder: Path, rows_a_group: int, rows_a_file: int) -> None:
        self._folder, self._rows_a_group, self._rows_a_file = folder, rows_a_group, rows_a_file
        self._of_tracks = schema_of_tracks()
        self._schema = {"source": Kind.TEXT, **self._of_tracks}
        self.sources = self.rows = self.files = 0
        self._pages: list[list[bytes]] = []
        self._rows_of_pages: list[int] = []
        self._rows_of_group = 0
        self._content: list[bytes] = []
        self._entries: list[bytes] = []
        self._rows_of_file = 0
        self._size = 0

    def add(self, key: str, path: Path) -> None:
        """The rows of a source."""
        name = key.encode()
        cell = struct.pack("<I", len(name)) + name
        self.sources += 1
        for rows, pages in self._read(path):
            self._pages.append([cell * rows, *pages])
            self._rows_of_pages.append(rows)
            self._rows_of_group += rows
            if self._rows_of_group >= self._rows_a_group:
                self._end_group()

    def close(self) -> None:
        if self._pages or not self.files:
            self._end_group()
        if self._entries:
            self._end_file()

    def _read(self, path: Path) -> Iterator[tuple[int, list[bytes]]]:
        try:
            yield from pages_of(path, self._of_tracks)
        except FileNotFoundError:
            raise SourceError(f"{path} is missing; the batch's tracks are not whole") from None
        except OSError as error:
            raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
        except ValueError as error:
            raise SourceError(str(error)) from error

    def _end_group(self) -> None:
        rows, self._rows_of_group = self._rows_of_group, 0
        columns = zip(*self._pages, strict=True) if self._pages else [()] * len(self._schema)
        plain = [
            _joined(kind, pages, self._rows_of_pages)
            for kind, pages in zip(self._schema.values(), columns, strict=True)
        ]
        content, entry = row_group_of(self._schema, plain, rows, len(MAGIC) + self._size)
        self._content.append(content)
        self._entries.append(entry)
        self._size += len(content)
        self._rows_of_file += rows
        self._pages, self._rows_of_pages = [], []
        if self._rows_of_file >= self._rows_a_file:
            self._end_file()

    def _end_file(self) -> None:
        with Path(self._folder, f"tracks-{self.files:05d}.parquet").open("wb") as file:
            file.write(MAGIC)
            file.writelines(self._content)
            file.write(footer(self._schema, self._entries, self._rows_of_file))
            file.flush()
            os.fsync(file.fileno())
        self.files += 1
        self.rows += self._rows_of_file
        self._content, self._entries = [], []
        self._rows_of_file = self._size = 0


def _joined(kind: Kind, pages: tuple[bytes, ...], rows: list[int]) -> bytes:
    """The plain values of several pages one after the other: of flags, eight of which share a byte, anew."""
    if kind is not Kind.FLAG:
        return b"".join(pages)
    flags = [
        np.unpackbits(np.frombuffer(page, np.uint8), count=count, bitorder="little")
        for page, count in zip(pages, rows, strict=True)
    ]
    return np.packbits(np.concatenate(flags), bitorder="little").tobytes() if flags else b""
