"""Detection files, for `rtdet detect`: what the detector saw, before any tracker."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.geometry.boxes import xyxy_to_ltwh
from rtdet.output_file import suffix_of
from rtdet.track_columns import BASIC
from rtdet.tracks.formats.format import RowWriter, compact_json
from rtdet.tracks.rows import FrameRecord, Row
from rtdet.types import Detections

_MOT_COLUMNS = ("frame", "id", "left", "top", "width", "height", "score")


@dataclass(frozen=True)
class About:
    """What a detection file may say of all its frames.

    fps: the source's nominal frame rate, None where it has none. least_score: the lowest that was kept.
    are_pictures: the frames are single pictures that have nothing to do with each other.
    """

    fps: float | None = None
    least_score: float | None = None
    are_pictures: bool = False


class DetectionJsonWriter(RowWriter):
    """A list of `{"frame" (from 1), "time_s", "category", "bbox": [left, top, width, height], "score"}`, in front
    "file_name" where each frame is a file of its own, and no time where it is a single picture, behind "keypoints":
    [x, y, confidence, ...] where the detector gives them; a whole document after every frame.

    Numbers are written to the last bit, so that a tracker makes the same of the file as of the detector. What else
    it has to know is said once: the first row has "source" (frame rate, all class names, lowest score), the first of
    a picture of another size "size", and the first after frames without detections lists those as "no_detections"
    (frames at the end: the last row; where nothing was found at all, a row of nothing else).
    """

    goes_back = True

    def __init__(self, path: str | Path, about: About | None = None) -> None:
        super().__init__(path)
        self._about = about or About()
        self._size: tuple[int, int] | None = None
        self._without: list[dict[str, object]] = []
        # The row that frames without detections at the end may yet be added to.
        self._last: dict[str, object] = {}
        self._has_items = False

    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        frame = self._frame(record)
        items = self._items(record, frame)
        if not items:
            self._without.append(frame)
        elif self._without:
            items[0]["no_detections"], self._without = self._without, []
        done = ""
        for item in items:
            done += self._separated(compact_json(self._last)) if self._last else ""
            self._last = item
        start = "[" if self._is_first else ""
        last = self._last or {"source": self._source(record)}
        if self._without:
            last = {**last, "no_detections": self._without}
        tail = self._next_separator() + compact_json(last)
        self._file.replace_tail((start + done).encode(), (tail + "\n]\n").encode())

    def _separated(self, item: str) -> str:
        separator, self._has_items = self._next_separator(), True
        return separator + item

    def _next_separator(self) -> str:
        return ",\n" if self._has_items else "\n"

    def _frame(self, record: FrameRecord) -> dict[str, object]:
        frame: dict[str, object] = {"file_name": record.name} if record.name else {}
        frame["frame"] = record.number
        if not math.isnan(record.time_s):
            frame["time_s"] = float(record.time_s)
        if min(record.size) > 0 and record.size != self._size:
            self._size = record.size
            frame["size"] = list(record.size)
        return frame

    def _items(self, record: FrameRecord, frame: dict[str, object]) -> list[dict[str, Any]]:
        seen = record.objects
        ltwh = xyxy_to_ltwh(seen.boxes) + 0.0  # no -0.0
        sound = np.flatnonzero(np.isfinite(ltwh).all(axis=1) & np.isfinite(seen.scores))
        items: list[dict[str, Any]] = []
        for i in sound.tolist():
            item = dict(frame) if not items else {k: v for k, v in frame.items() if k != "size"}
            item |= {
                "category": seen.name_of(i),
                "bbox": ltwh[i].tolist(),
                "score": float(seen.scores[i]),
            }
            if isinstance(seen, Detections) and seen.points is not None:
                item["keypoints"] = seen.points[i].ravel().tolist()
            items.append(item)
        if items and not self._last:
            items[0]["source"] = self._source(record)
        return items

    def _source(self, record: FrameRecord) -> dict[str, object]:
        return {
            "fps": self._about.fps,
            "classes": list(record.objects.class_names),
            "least_score": self._about.least_score,
            "are_pictures": self._about.are_pictures,
        }


class DetectionMotWriter(RowWriter):
    """MOTChallenge detections: `frame,-1,left,top,width,height,score,-1,-1,-1`, frame from 1. They have no classes,
    no times, and boxes to a hundredth of a pixel."""

    def __init__(self, path: str | Path, about: About | None = None) -> None:
        super().__init__(path)

    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        columns = [(column.name, column.template) for column in BASIC if column.name in _MOT_COLUMNS]
        columns.sort(key=lambda column: _MOT_COLUMNS.index(column[0]))
        lines = [
            ",".join([template % row[name] for name, template in columns]) + ",-1,-1,-1\n" for row in rows
        ]
        self._file.append("".join(lines).encode())


DETECTION_FILES: dict[str, type[DetectionJsonWriter] | type[DetectionMotWriter]] = {
    ".json": DetectionJsonWriter,
    ".txt": DetectionMotWriter,
}


def open_detection_writer(path: str | Path, about: About | None = None) -> RowWriter:
    """What writes a detection file of the path's suffix. Raises UnknownNameError and OutputError."""
    return DETECTION_FILES[suffix_of(path, "detection file", tuple(DETECTION_FILES))](path, about)
