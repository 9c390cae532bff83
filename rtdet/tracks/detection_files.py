"""Detection files, for `rtdet detect`: what the detector saw, before any tracker."""

from __future__ import annotations

from pathlib import Path

from rtdet.output_file import suffix_of
from rtdet.track_columns import BASIC
from rtdet.tracks.formats.format import RowWriter, compact_json
from rtdet.tracks.rows import FrameRecord, Row, ltwh_of

_MOT_COLUMNS = ("frame", "id", "left", "top", "width", "height", "score")


class DetectionJsonWriter(RowWriter):
    """A list of `{"file_name" (or "frame", from 1), "category", "bbox": [left, top, width, height],
    "score"}`; a whole document after every frame."""

    goes_back = True

    _has_items = False

    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        key: dict[str, object] = {"file_name": record.name} if record.name else {"frame": record.number}
        items = [
            compact_json({**key, "category": row["class"], "bbox": ltwh_of(row), "score": row["score"]})
            for row in rows
        ]
        start = "[" if self._is_first else ""
        if items:
            start += "\n" if not self._has_items else ",\n"
            self._has_items = True
        self._file.replace_tail((start + ",\n".join(items)).encode(), b"\n]\n")


class DetectionMotWriter(RowWriter):
    """MOTChallenge detections: `frame,-1,left,top,width,height,score,-1,-1,-1`, frame from 1."""

    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        columns = [(column.name, column.template) for column in BASIC if column.name in _MOT_COLUMNS]
        columns.sort(key=lambda column: _MOT_COLUMNS.index(column[0]))
        lines = [
            ",".join([template % row[name] for name, template in columns]) + ",-1,-1,-1\n" for row in rows
        ]
        self._file.append("".join(lines).encode())


DETECTION_FILES: dict[str, type[RowWriter]] = {".json": DetectionJsonWriter, ".txt": DetectionMotWriter}


def open_detection_writer(path: str | Path) -> RowWriter:
    """What writes a detection file of the path's suffix. Raises UnknownNameError and OutputError."""
    return DETECTION_FILES[suffix_of(path, "detection file", tuple(DETECTION_FILES))](path)
