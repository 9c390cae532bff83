"""Track files as MOTChallenge has them (.txt): `frame,id,left,top,width,height,score,class,visibility`."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

from rtdet.track_columns import BASIC, further_of
from rtdet.tracks.formats.format import Entry, Format, RowWriter
from rtdet.tracks.mot_rows import read_rows
from rtdet.tracks.rows import FrameRecord, Row

_ORDER = ("frame", "id", "left", "top", "width", "height", "score", "class_id")
_BASIC = sorted(
    (column for column in BASIC if column.name in _ORDER), key=lambda column: _ORDER.index(column.name)
)


class MotWriter(RowWriter):
    """One row for each track in each frame; frame and class count from 1.

    The class is the label + 1 (so 1 is a pedestrian, as in MOTChallenge, where the model's first class
    is a person); the visibility is 0 of a track that was not seen in the frame, and else 1 where nobody measured it.
    Where there are further values, -1 stands before
    them: rows of ten columns are something else.
    """

    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        visibility, *others = further_of(MOT.suffix)
        columns = [*_BASIC, visibility, *others]
        templates = [column.template for column in columns]
        if others:
            templates.insert(len(_BASIC) + 1, "-1")
        line, values_of = ",".join(templates) + "\n", itemgetter(*(column.name for column in columns))
        shown = [row if row.get("seen", True) else {**row, visibility.name: 0.0} for row in rows]
        self._file.append("".join([line % values_of(row) for row in shown]).encode())


def _read(path: Path) -> Iterator[Entry]:
    rows = read_rows(path)
    frames, ids, ltwh = rows.frames().tolist(), rows.ids().tolist(), rows.ltwh()
    labels, scores = rows.labels().tolist(), rows.scores().tolist()
    further = [(column, rows.further()[column.name].tolist()) for column in further_of(MOT.suffix)]
    for i, box in enumerate(ltwh.tolist()):
        values = {column.name: column.parsed(of_rows[i]) for column, of_rows in further}
        values["seen"] = values["visibility"] > 0
        yield Entry(frames[i], ids[i], labels[i], None, scores[i], tuple(box), further=values)


MOT = Format(".txt", MotWriter, _read)
