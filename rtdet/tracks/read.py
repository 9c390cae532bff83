"""Reading track files back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from rtdet.errors import SourceError
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.output_file import suffix_of
from rtdet.tracks.coco import coco_file_name
from rtdet.types import Tracks

_Parsed = TypeVar("_Parsed")


class Entry(NamedTuple):
    """One track in one frame (`frame` from 1); `track_id` None says that the frame exists and is empty.

    `label` counts where `class_name` is None, and where the format numbers its classes. `time_s` is None in
    formats without times; `size` is the picture's width and height where the format knows them; `name` is the
    picture's, where the frame is a file of its own.
    """

    frame: int
    track_id: int | None
    label: int
    class_name: str | None
    score: float
    ltwh: tuple[float, ...]
    time_s: float | None = None
    name: str = ""
    size: tuple[int, int] | None = None
    visibility: float = 1.0


def read_tracks(path: str | Path) -> list[tuple[int, Tracks]]:
    """(frame index from 0, Tracks) in order of frame, from any format that `--tracks` writes.

    .jsonl and .json know frames without tracks; in the tables such a frame is absent. Labels of .txt are
    its class column - 1, without names; elsewhere class names are numbered as the file first names them
    (.json: by its categories). Raises SourceError for a missing or broken file and UnknownNameError for
    another suffix.
    """
    return _by_frame(read_entries(path, tuple(_READERS)))


def read_entries(path: str | Path, suffixes: tuple[str, ...]) -> list[Entry]:
    """All that a track file says, in the file's order. Raises as `read_tracks` does."""
    path = Path(path)
    reader = _READERS[suffix_of(path, "track file", suffixes)]
    try:
        return list(reader(path))
    except (OSError, ValueError, LookupError, TypeError, OverflowError, csv.Error) as error:
        # Errors of json are ValueErrors, those of pyarrow too or OSErrors of no number.
        if isinstance(error, OSError) and error.errno is not None:
            raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
        why = "it is no text" if isinstance(error, UnicodeDecodeError) else " ".join(str(error).split())
        raise SourceError(f"{path} is not a track file of this kind: {why}") from error


def _by_frame(entries: list[Entry]) -> list[tuple[int, Tracks]]:
    names: dict[str, int] = {}
    frames: dict[int, list[Entry]] = {}
    for entry in entries:
        frames.setdefault(entry.frame, [])
        if entry.track_id is not None:
            frames[entry.frame].append(entry)
        if entry.class_name is not None:
            names.setdefault(entry.class_name, len(names))
    return [(number - 1, _tracks(frames[number], names)) for number in sorted(frames)]


def _tracks(entries: list[Entry], names: dict[str, int]) -> Tracks:
    boxes = np.array([entry.ltwh for entry in entries], dtype=np.float64).reshape(-1, 4)
    labels = [entry.label if entry.class_name is None else names[entry.class_name] for entry in entries]
    ids = [entry.track_id for entry in entries]
    return Tracks(
        ltwh_to_xyxy(boxes), np.array(ids, dtype=np.int64), np.array([entry.score for entry in entries]),
        np.array(labels, dtype=np.int64), class_names=tuple(names),
    )  # fmt: skip


def _read_mot(path: Path) -> Iterator[Entry]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, cells in enumerate(csv.reader(file), start=1):
            if cells:
                yield _on_line(number, _mot_entry, cells)


def _mot_entry(cells: list[str]) -> Entry:
    """The columns from the score on may be missing. In rows of ten, those after it are a place in the world, as in
    the benchmark of 2015."""
    numbers = [float(cell) for cell in cells]
    has_class = len(numbers) in (8, 9)
    label = max(0, int(numbers[7]) - 1) if has_class else 0
    frame, track_id, ltwh = _whole(numbers[0]), _whole(numbers[1]), tuple(numbers[i] for i in range(2, 6))
    visibility = numbers[8] if len(numbers) == 9 else 1.0
    score = numbers[6] if len(numbers) > 6 else 1.0
    return Entry(frame, track_id, label, None, score, ltwh, visibility=visibility)


def _read_csv(path: Path) -> Iterator[Entry]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            yield _on_line(number, _table_entry, row)


def _read_parquet(path: Path) -> Iterator[Entry]:
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        for batch in pq.ParquetFile(file).iter_batches():
            yield from map(_table_entry, batch.to_pylist())


def _table_entry(row: dict[str, Any]) -> Entry:
    ltwh = tuple(float(row[name]) for name in ("left", "top", "width", "height"))
    time_s = _seconds(row)
    label = int(row.get("class_id") or 1) - 1
    frame, track_id = _whole(float(row["frame"])), _whole(float(row["id"]))
    return Entry(frame, track_id, label, row["class"], float(row["score"]), ltwh, time_s)


def _read_json_lines(path: Path) -> Iterator[Entry]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield from _on_line(number, _json_entries, line)


def _json_entries(line: str) -> list[Entry]:
    content = json.loads(line)
    frame, time_s = _whole(content["frame"]), _seconds(content)
    entries = [_empty(frame)._replace(time_s=time_s, name=str(content.get("name", "")))]
    for track in content["tracks"]:
        left, top, width, height = map(float, track["box"])
        track_id, name, score = _whole(track["id"]), str(track["class"]), float(track["score"])
        entries.append(Entry(frame, track_id, 0, name, score, (left, top, width, height), time_s))
    return entries


def _seconds(content: dict[str, Any]) -> float | None:
    return None if content.get("time_s") is None else float(content["time_s"])


def _whole(value: float) -> int:
    if value != int(value):
        raise ValueError(f"frames and IDs are whole numbers, not {value:g}")
    return int(value)


def _on_line(number: int, parse: Callable[[Any], _Parsed], content: Any) -> _Parsed:
    """What `parse` makes of the content of a line; an error says which line it is."""
    try:
        return parse(content)
    except (LookupError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"line {number} is cut off, or something is missing in it") from error
    except (ValueError, OverflowError) as error:
        raise ValueError(f"line {number}: {error}") from error


def _read_coco(path: Path) -> Iterator[Entry]:
    content = json.loads(path.read_text(encoding="utf-8"))
    images, names = content["images"], {c["id"]: str(c["name"]) for c in content["categories"]}
    frames = {entry.frame: entry for entry in map(_coco_frame, images)}
    # In order of their ids first, so that labels are the category ids - 1 again.
    for entry in list(frames.values())[:1]:
        for number, name in names.items():
            yield entry._replace(label=_whole(number) - 1, class_name=name)
    yield from frames.values()
    for note in content["annotations"]:
        label, frame = _whole(note["category_id"]) - 1, _whole(note["image_id"])
        name, time_s = names.get(note["category_id"], str(label)), frames.get(frame, _empty(frame)).time_s
        left, top, width, height = map(float, note["bbox"])
        track_id, score = _whole(note["track_id"]), float(note["score"])
        yield Entry(frame, track_id, label, name, score, (left, top, width, height), time_s)


def _coco_frame(image: dict[str, Any]) -> Entry:
    frame, name = _whole(image["id"]), str(image.get("file_name", ""))
    name = "" if name == coco_file_name(frame) else name
    size = _whole(image.get("width", 0)), _whole(image.get("height", 0))
    return _empty(frame)._replace(time_s=_seconds(image), name=name, size=size)


def _empty(frame: int) -> Entry:
    return Entry(frame, None, 0, None, 0.0, ())


_READERS: dict[str, Callable[[Path], Iterator[Entry]]] = {
    ".txt": _read_mot,
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
    ".json": _read_coco,
}
