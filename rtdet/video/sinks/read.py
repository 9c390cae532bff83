"""Reading track files back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rtdet.errors import SourceError
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.types import Tracks
from rtdet.video.sinks.files import suffix_of


class _Entry(NamedTuple):
    """One track in one frame (`frame` from 1); `track_id` None says that the frame exists and is empty."""

    frame: int
    track_id: int | None
    label: int
    class_name: str | None
    score: float
    ltwh: tuple[float, ...]


def read_tracks(path: str | Path) -> list[tuple[int, Tracks]]:
    """(frame index from 0, Tracks) in order of frame, from any format that `--tracks` writes.

    .jsonl and .json know frames without tracks; in the tables such a frame is absent. Labels of .txt are
    its class column - 1, without names; elsewhere class names are numbered as the file first names them
    (.json: by its categories). Raises SourceError for a missing or broken file and UnknownNameError for
    another suffix.
    """
    path = Path(path)
    reader = _READERS[suffix_of(path, "track file", tuple(_READERS))]
    try:
        entries = list(reader(path))
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, LookupError, TypeError) as error:
        # json and pyarrow errors are ValueErrors too
        raise SourceError(f"{path} is not a track file of this kind: {error}") from error
    return _by_frame(entries)


def _by_frame(entries: list[_Entry]) -> list[tuple[int, Tracks]]:
    names: dict[str, int] = {}
    frames: dict[int, list[_Entry]] = {}
    for entry in entries:
        frames.setdefault(entry.frame, [])
        if entry.track_id is not None:
            frames[entry.frame].append(entry)
        if entry.class_name is not None:
            names.setdefault(entry.class_name, len(names))
    return [(number - 1, _tracks(frames[number], names)) for number in sorted(frames)]


def _tracks(entries: list[_Entry], names: dict[str, int]) -> Tracks:
    boxes = np.array([entry.ltwh for entry in entries], dtype=np.float64).reshape(-1, 4)
    labels = [entry.label if entry.class_name is None else names[entry.class_name] for entry in entries]
    ids = [entry.track_id for entry in entries]
    return Tracks(
        ltwh_to_xyxy(boxes), np.array(ids, dtype=np.int64), np.array([entry.score for entry in entries]),
        np.array(labels, dtype=np.int64), class_names=tuple(names),
    )  # fmt: skip


def _read_mot(path: Path) -> Iterator[_Entry]:
    with path.open(encoding="utf-8", newline="") as file:
        for cells in csv.reader(file):
            if cells:
                numbers = [float(cell) for cell in cells]
                label = max(0, int(numbers[7]) - 1) if len(numbers) > 7 else 0
                yield _Entry(int(numbers[0]), int(numbers[1]), label, None, numbers[6], tuple(numbers[2:6]))


def _read_csv(path: Path) -> Iterator[_Entry]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield _entry_of(row)


def _read_parquet(path: Path) -> Iterator[_Entry]:
    import pyarrow.parquet as pq

    with path.open("rb") as file:
        for batch in pq.ParquetFile(file).iter_batches():
            yield from map(_entry_of, batch.to_pylist())


def _entry_of(row: dict[str, Any]) -> _Entry:
    ltwh = tuple(float(row[name]) for name in ("left", "top", "width", "height"))
    return _Entry(int(row["frame"]), int(row["id"]), 0, row["class"], float(row["score"]), ltwh)


def _read_json_lines(path: Path) -> Iterator[_Entry]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            content = json.loads(line)
            yield _empty(content["frame"])
            for track in content["tracks"]:
                ltwh = tuple(track["box"])
                yield _Entry(content["frame"], track["id"], 0, track["class"], track["score"], ltwh)


def _read_coco(path: Path) -> Iterator[_Entry]:
    content = json.loads(path.read_text(encoding="utf-8"))
    names = {category["id"]: category["name"] for category in content["categories"]}
    # In order of their ids first, so that labels are the category ids - 1 again.
    for name in names.values():
        yield _Entry(content["images"][0]["id"], None, 0, name, 0.0, ())
    for image in content["images"]:
        yield _empty(image["id"])
    for note in content["annotations"]:
        name = names.get(note["category_id"], str(note["category_id"] - 1))
        yield _Entry(note["image_id"], note["track_id"], 0, name, note["score"], tuple(note["bbox"]))


def _empty(frame: int) -> _Entry:
    return _Entry(frame, None, 0, None, 0.0, ())


_READERS: dict[str, Callable[[Path], Iterator[_Entry]]] = {
    ".txt": _read_mot,
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
    ".json": _read_coco,
}
