"""Track files as MOTChallenge has them (.txt): `frame,id,left,top,width,height,score,class,visibility`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rtdet.tracks.columns import BASIC, Column, further_of
from rtdet.tracks.formats.format import Entry, Format, RowWriter
from rtdet.tracks.mot_rows import read_rows
from rtdet.tracks.rows import FrameRecord, Row

_ORDER = ("frame", "id", "left", "top", "width", "height", "score", "class_id")


class MotWriter(RowWriter):
    """One row for each track in each frame; frame and class count from 1.

    The class is the label + 1 (so 1 is a pedestrian, as in MOTChallenge, where the model's first class
    is a person); the visibility is 1 where nobody measured it. Where there are further values, -1 stands before
    them: rows of ten columns are something else.
    """

    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        columns = _columns()
        lines = [
            ",".join("-1" if column is None else column.text(row[column.name]) for column in columns) + "\n"
            for row in rows
        ]
        self._file.append("".join(lines).encode())


def _columns() -> list[Column | None]:
    basic = {column.name: column for column in BASIC}
    visibility, *others = further_of(MOT.suffix)
    return [*(basic[name] for name in _ORDER), visibility, *((None, *others) if others else ())]


def _read(path: Path) -> Iterator[Entry]:
    rows = read_rows(path)
    frames, ids, ltwh = rows.frames().tolist(), rows.ids().tolist(), rows.ltwh()
    labels, scores = rows.labels().tolist(), rows.scores().tolist()
    further = [(column, rows.further()[column.name].tolist()) for column in further_of(MOT.suffix)]
    for i, box in enumerate(ltwh.tolist()):
        values = {column.name: column.parsed(of_rows[i]) for column, of_rows in further}
        yield Entry(frames[i], ids[i], labels[i], None, scores[i], tuple(box), further=values)


MOT = Format(".txt", MotWriter, _read)
