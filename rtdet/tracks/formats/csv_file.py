"""Track files as a table with a header (.csv): `frame,time_s,id,class,score,left,top,width,height,seen`,
speeds where the run knows them, and `file_name` where each frame is a file of its own.

A class whose name a spreadsheet would run as a formula has an apostrophe in front (see `csv_text`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rtdet.csv_text import text_cell, text_of_cell
from rtdet.track_columns import BOX, columns_of
from rtdet.tracks.formats.format import Entry, Format, RowWriter, further_in, on_line, seconds, whole
from rtdet.tracks.rows import FrameRecord, Row, known_values


class CsvWriter(RowWriter):
    """A header, then a row for each track in each frame."""

    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        if self._is_first:
            columns = columns_of(CSV.suffix, with_names=bool(record.name), known=known_values(record.objects))
            # The template of a number's text, None for a text: looked up once, not for each cell.
            self._cells = [(one.name, None if one.kind is str else one.template) for one in columns]
        lines = [[_cell(template, row.get(name)) for name, template in self._cells] for row in rows]
        if self._is_first:
            lines.insert(0, [name for name, _ in self._cells])
        self._file.append(_as_text(lines))

    def write_no_frames(self) -> None:
        self._file.append(_as_text([[column.name for column in columns_of(CSV.suffix)]]))


def _cell(template: str | None, value: Any) -> str:
    if template is None:
        return text_cell(value)
    return "" if value is None else template % value


def _as_text(lines: Iterable[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def _read(path: Path) -> Iterator[Entry]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            yield on_line(number, _entry, row)


def _entry(row: dict[str, Any]) -> Entry:
    texts = {"class": text_of_cell(row["class"] or ""), "file_name": text_of_cell(row.get("file_name") or "")}
    return table_entry({**row, **texts}, CSV.suffix)


def table_entry(row: dict[str, Any], suffix: str) -> Entry:
    """The entry of a table row, given by column name. Raises LookupError, TypeError or ValueError for a bad row."""
    ltwh = tuple(float(row[column.name]) for column in BOX)
    label = int(row.get("class_id") or 1) - 1
    frame, track_id = whole(float(row["frame"])), whole(float(row["id"]))
    return Entry(
        frame,
        track_id,
        label,
        row["class"],
        float(row["score"]),
        ltwh,
        seconds(row),
        str(row.get("file_name") or ""),
        further=further_in(row, suffix),
    )


CSV = Format(".csv", CsvWriter, _read)
