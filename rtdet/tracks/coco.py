"""Track files as one COCO document (.json), valid JSON at every checkpoint."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rtdet.output_file import Checkpoint
from rtdet.tracks.rows import Row
from rtdet.tracks.writers import TrackFile
from rtdet.types import Frame, SourceInfo


def compact(value: object) -> str:
    """JSON without spaces, names of any alphabet as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def coco_file_name(frame: int) -> str:
    """What a frame of a video is called, which has no file of its own."""
    return f"{frame:06d}.jpg"


class CocoFile(TrackFile):
    """COCO: `annotations` with `track_id` and `score`, `images` (frames without tracks too), `categories`.

    image_id is the frame's number from 1, category_id is label + 1. Annotations are written as they come;
    the images and categories stand behind them and are rewritten about every second, so a run that is
    killed leaves a whole document up to then.
    """

    def __init__(self, path: str | Path, info: SourceInfo) -> None:
        super().__init__(path, info)
        self._pending: list[str] = []
        self._images: list[str] = []
        self._annotation_count = 0
        self._checkpoint = Checkpoint()

    def _write_rows(self, frame: Frame, rows: list[Row]) -> None:
        width, height = frame.size
        number = frame.index + 1
        image = {"id": number, "file_name": frame.name or coco_file_name(number)}
        self._images.append(
            compact({**image, "width": width, "height": height, "time_s": round(frame.t, 6) + 0.0})
        )
        for row in rows:
            self._annotation_count += 1
            separator = "\n" if self._annotation_count == 1 else ",\n"
            self._pending.append(separator + compact(_annotation(row, self._annotation_count)))
        if self._is_first:
            self._file.replace_tail(b'{"annotations":[', self._closing())
        if self._checkpoint.is_due():
            self._flush()

    def _finish(self) -> None:
        self._flush()

    def _flush(self) -> None:
        started = time.monotonic()
        self._file.replace_tail("".join(self._pending).encode(), self._closing())
        self._pending.clear()
        self._checkpoint.done(started)

    def _closing(self) -> bytes:
        categories = [{"id": number, "name": name} for name, number in self._class_ids.items()]
        images = ",\n".join(self._images)
        return f'\n],\n"images":[\n{images}\n],\n"categories":{compact(categories)}}}\n'.encode()


def _annotation(row: Row, number: int) -> dict[str, object]:
    return {
        "id": number,
        "image_id": row.frame,
        "category_id": row.class_id,
        "track_id": row.track_id,
        "bbox": [row.left, row.top, row.width, row.height],
        "area": round(row.width * row.height, 2),
        "iscrowd": 0,
        "score": row.score,
    }
