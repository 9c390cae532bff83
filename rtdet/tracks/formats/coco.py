"""Track files as one COCO document (.json), valid JSON at every checkpoint."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rtdet.output_file import Checkpoint
from rtdet.track_columns import TIME
from rtdet.tracks.formats.format import Entry, Format, RowWriter, compact_json, further_in, seconds, whole
from rtdet.tracks.rows import FrameRecord, Row, further_names, known_values, ltwh_of

# COCO has no pictures without a size: this one says that nobody saw the picture.
_UNSEEN = (1, 1)


class CocoWriter(RowWriter):
    """COCO: `annotations` with `track_id` and `score`, `images` (frames without tracks too), `categories`.

    image_id is the frame's number from 1, category_id is label + 1. Annotations are written as they come;
    the images and categories stand behind them and are rewritten about every second, so a run that is
    killed leaves a whole document up to then.
    """

    goes_back = True

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._pending: list[str] = []
        self._images: list[str] = []
        self._listed: set[int] = set()
        self._annotation_count = 0
        self._checkpoint = Checkpoint()

    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        width, height = record.size if min(record.size) > 0 else _UNSEEN
        image = {"id": record.number, "file_name": record.name or _file_name(record.number)}
        if record.number not in self._listed:  # a frame that a seek went back to comes again
            self._listed.add(record.number)
            self._images.append(
                compact_json({**image, "width": width, "height": height, TIME.name: record.written_time})
            )
        further = further_names(COCO.suffix, known_values(record.objects))
        for row in rows:
            self._annotation_count += 1
            separator = "\n" if self._annotation_count == 1 else ",\n"
            self._pending.append(separator + compact_json(_annotation(row, self._annotation_count, further)))
        if self._is_first:
            self._file.replace_tail(b'{"annotations":[', self._closing())
        if self._checkpoint.is_due():
            self._flush()

    def write_no_frames(self) -> None:
        self._file.append(b'{"annotations":[],"images":[],"categories":[]}\n')

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
        return f'\n],\n"images":[\n{images}\n],\n"categories":{compact_json(categories)}}}\n'.encode()


def _annotation(row: Row, number: int, further: tuple[str, ...]) -> dict[str, object]:
    return {
        "id": number,
        "image_id": row["frame"],
        "category_id": row["class_id"],
        "track_id": row["id"],
        "bbox": ltwh_of(row),
        "area": round(row["width"] * row["height"], 2),
        "iscrowd": 0,
        "score": row["score"],
        **{name: row[name] for name in further},
    }


def _file_name(frame: int) -> str:
    """A made-up file name for a frame of a video, which has no file of its own."""
    return f"{frame:06d}.jpg"


def _read(path: Path) -> Iterator[Entry]:
    content = json.loads(path.read_text(encoding="utf-8-sig"))
    images, names = content["images"], {c["id"]: str(c["name"]) for c in content["categories"]}
    frames = {entry.frame: entry for entry in map(_frame, images)}
    # In order of their ids first, so that labels are the category ids - 1 again.
    for entry in list(frames.values())[:1]:
        for number, name in names.items():
            yield entry._replace(label=whole(number) - 1, class_name=name)
    yield from frames.values()
    for note in content["annotations"]:
        label, frame = whole(note["category_id"]) - 1, whole(note["image_id"])
        name = names.get(note["category_id"], str(label))
        time_s = frames[frame].time_s if frame in frames else None
        left, top, width, height = map(float, note["bbox"])
        track_id, score = whole(note["track_id"]), float(note["score"])
        further = further_in(note, COCO.suffix)
        yield Entry(frame, track_id, label, name, score, (left, top, width, height), time_s, further=further)


def _frame(image: dict[str, Any]) -> Entry:
    frame, name = whole(image["id"]), str(image.get("file_name", ""))
    name = "" if name == _file_name(frame) else name
    size = whole(image.get("width", 0)), whole(image.get("height", 0))
    is_seen = min(size) > max(_UNSEEN)
    return Entry.without_tracks(frame, time_s=seconds(image), name=name, size=size if is_seen else None)


COCO = Format(".json", CocoWriter, _read, has_class_numbers=True, lists_empty_frames=True)
