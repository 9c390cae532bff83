"""Track files of text: MOTChallenge (.txt), a table (.csv), one object per frame (.jsonl).

Every row is on disk when `write` returns. The same results give the same bytes: nothing in a file tells
when, where or from what it was made. Like every output, a file is created, or an older one emptied, by the
first frame; a run without frames touches nothing.
"""

from __future__ import annotations

import csv
import io
import json
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path

from rtdet.errors import OutputError
from rtdet.output_file import OutputFile
from rtdet.protocols import Sink
from rtdet.tracks.rows import ClassIds, Row, track_rows
from rtdet.types import Frame, FrameResult, SourceInfo


class TrackFile(Sink):
    """Base of the track files. A format fills in `_write_rows` and, where it needs one, `_finish`.

    Rows are in order of frame, then ID. The constructor raises OutputError where nothing can be written.
    """

    def __init__(self, path: str | Path, info: SourceInfo) -> None:
        self.path = Path(path)
        self._info = info
        self._file = OutputFile(path)
        self._class_ids = ClassIds()
        self._is_first, self._is_closed = True, False

    def write(self, result: FrameResult) -> None:
        if self._is_closed:
            raise OutputError(f"{self.path} is already closed")
        rows = self._rows_of(result)
        self._write_rows(result.frame, rows)
        self._is_first = False

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if not self._is_first and self._file.failure is None:
                self._finish()
        finally:
            self._file.close()

    def _rows_of(self, result: FrameResult) -> list[Row]:
        return track_rows(result, self._class_ids)

    @abstractmethod
    def _write_rows(self, frame: Frame, rows: list[Row]) -> None:
        """Write one frame's rows; `self._is_first` says that nothing was written yet."""

    def _finish(self) -> None:
        """Write what closes the file."""


class MotFile(TrackFile):
    """MOTChallenge: `frame,id,left,top,width,height,score,class,visibility`, frame and class from 1.

    The class is the label + 1 (so 1 is a pedestrian, as in MOTChallenge, where the model's first class
    is a person); the visibility is not measured and always 1, unless `visibility` says otherwise: by frame and
    ID, of the rows in which it is not 1.
    """

    def __init__(
        self, path: str | Path, info: SourceInfo, visibility: Mapping[tuple[int, int], float] | None = None
    ) -> None:
        super().__init__(path, info)
        self._visibility = visibility or {}

    def _write_rows(self, frame: Frame, rows: list[Row]) -> None:
        lines = [
            f"{r.frame},{r.track_id},{r.left:.2f},{r.top:.2f},{r.width:.2f},{r.height:.2f},"
            f"{r.score:.4f},{r.class_id},{self._visibility.get((r.frame, r.track_id), 1):.6g}\n"
            for r in rows
        ]
        self._file.append("".join(lines).encode())


class CsvFile(TrackFile):
    """A table with a header: `frame,time_s,id,class,score,left,top,width,height`."""

    HEADER = ("frame", "time_s", "id", "class", "score", "left", "top", "width", "height")

    def _write_rows(self, frame: Frame, rows: list[Row]) -> None:
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        if self._is_first:
            table.writerow(self.HEADER)
        for r in rows:
            geometry = (f"{value:.2f}" for value in (r.left, r.top, r.width, r.height))
            table.writerow(
                (r.frame, f"{r.time_s:.6f}", r.track_id, r.class_name, f"{r.score:.4f}", *geometry)
            )
        self._file.append(text.getvalue().encode())


class JsonLinesFile(TrackFile):
    """One JSON object per frame, empty frames too:
    `{"frame": 1, "time_s": 0.0, "tracks": [{"id", "class", "score", "box": [left, top, width, height]}]}`,
    with the picture's `"name"` where each frame is a file of its own."""

    def _write_rows(self, frame: Frame, rows: list[Row]) -> None:
        line: dict[str, object] = {"frame": frame.index + 1, "time_s": round(frame.t, 6) + 0.0}
        if frame.name:
            line["name"] = frame.name
        line["tracks"] = [
            {
                "id": r.track_id,
                "class": r.class_name,
                "score": r.score,
                "box": [r.left, r.top, r.width, r.height],
            }
            for r in rows
        ]
        self._file.append((json.dumps(line, ensure_ascii=False) + "\n").encode())
