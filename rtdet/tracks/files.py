"""Track files as one table, and back: reading loses nothing that writing needs for the same bytes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from rtdet.errors import OutputError, SourceError
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.output_file import check_output, suffix_of
from rtdet.tracks.coco import CocoFile
from rtdet.tracks.parquet import ParquetFile
from rtdet.tracks.read import Entry, read_entries
from rtdet.tracks.table import FrameList, TrackTable
from rtdet.tracks.writers import CsvFile, JsonLinesFile, MotFile, TrackFile
from rtdet.types import Detections, Frame, FrameResult, Image, SourceInfo, Tracks

TABLES: dict[str, type[TrackFile]] = {
    ".txt": MotFile,
    ".csv": CsvFile,
    ".jsonl": JsonLinesFile,
    ".parquet": ParquetFile,
    ".json": CocoFile,
}
USUAL_FPS = 30.0
_WITH_CLASS_NUMBERS = (".parquet", ".json")
_WITH_ALL_FRAMES = (".jsonl", ".json")
# What a file of these is without any frame; the others are the same as with one that has no tracks.
_NO_FRAMES = {".jsonl": "", ".json": '{"annotations":[],"images":[],"categories":[]}\n'}
# A class number beyond this is no index into a model's classes.
_MOST_CLASSES = 100_000


def read_table(path: str | Path, fps: float = USUAL_FPS) -> TrackTable:
    """The tracks of a file of any format that `--tracks` writes, whatever the order of its rows.

    `fps` gives the times of a file that has none: frame n is at (n - 1) / fps seconds. Class names are those
    that occur: numbered as in a .parquet or .json, else in order of their first row; a .txt has only numbers.
    Raises SourceError for a missing or broken file and UnknownNameError for another suffix.
    """
    path = Path(path)
    entries = read_entries(path, tuple(TABLES))
    suffix = path.suffix.lower()
    try:
        frame_list = _frame_list(entries, fps, is_complete=suffix in _WITH_ALL_FRAMES)
        return _table(entries, frame_list, suffix in _WITH_CLASS_NUMBERS)
    except (ValueError, OverflowError) as error:
        raise SourceError(f"{path} does not hold tracks: {error}") from error


def _frame_list(entries: list[Entry], fps: float, is_complete: bool) -> FrameList:
    first: dict[int, Entry] = {}
    for entry in entries:
        first.setdefault(entry.frame, entry)
    listed = [first[number] for number in sorted(first)]
    numbers = np.array([entry.frame for entry in listed], dtype=np.int64)
    if all(entry.time_s is None for entry in listed):
        times_s = (numbers - 1) / fps
    else:
        times_s = np.array([np.nan if e.time_s is None else e.time_s for e in listed])
    names = tuple(entry.name for entry in listed)
    sizes = [entry.size or (0, 0) for entry in listed]
    # `rtdet track`, which sees no pictures, writes 1x1.
    known = [size if min(size) > 1 else (0, 0) for size in sizes]
    return FrameList(numbers, times_s, names if any(names) else (), is_complete, np.array(known))


def _table(entries: list[Entry], frame_list: FrameList, has_class_numbers: bool) -> TrackTable:
    names, label_of = _classes(entries, has_class_numbers)
    rows = sorted((entry for entry in entries if entry.track_id is not None), key=lambda row: row.frame)
    labels = [row.label if row.class_name is None else label_of[row.class_name] for row in rows]
    with np.errstate(invalid="ignore", over="ignore"):  # the table refuses what is no box
        boxes = ltwh_to_xyxy(np.array([row.ltwh for row in rows], dtype=np.float64).reshape(-1, 4))
    return TrackTable(
        np.array([row.frame for row in rows], dtype=np.int64),
        np.array([row.track_id for row in rows], dtype=np.int64),
        boxes,
        np.array([row.score for row in rows], dtype=np.float64),
        np.array(labels, dtype=np.int64),
        frame_list,
        names,
        np.array([row.visibility for row in rows], dtype=np.float64),
    )


def _classes(entries: list[Entry], has_class_numbers: bool) -> tuple[tuple[str, ...], dict[str, int]]:
    """The class names, and the label of each.

    By the file's own numbers where it has a sound one for each; else as they first occur. A class without a name
    is written as its label: where all are, these are the numbers.
    """
    label_of = {entry.class_name: entry.label for entry in entries if entry.class_name is not None}
    if all(name.isdecimal() for name in label_of):
        label_of = {name: int(name) for name in label_of}
    elif not has_class_numbers:
        label_of = {name: i for i, name in enumerate(label_of)}
    name_of = {label: name for name, label in label_of.items()}
    if len(name_of) < len(label_of) or not all(0 <= label < _MOST_CLASSES for label in name_of):
        label_of = {name: i for i, name in enumerate(label_of)}
        name_of = dict(enumerate(label_of))
    names = [name_of.get(i, str(i)) for i in range(max(name_of, default=-1) + 1)]
    while names and names[-1] == str(len(names) - 1):
        names.pop()
    return tuple(names), label_of


def write_table(table: TrackTable, path: str | Path, on_frame: Callable[[], None] = lambda: None) -> None:
    """Writes the table in the format of the suffix, as `--tracks` would have.

    The file is there when it is whole: until then an older one stays, also the one that was read. `on_frame` is
    called after each frame. Raises OutputError and UnknownNameError.
    """
    suffix = suffix_of(path, "track file", tuple(TABLES))
    path = check_output(path)
    if path.exists() and not path.is_file():  # a pipe or a device
        _write(table, path, suffix, on_frame)
        return
    path = path.resolve()  # what a link points to is replaced, not the link
    part = path.with_name(path.name + ".part")
    try:
        _write(table, part, suffix, on_frame)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except (OutputError, OSError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        reason = getattr(cause, "strerror", None) or str(error)
        reason = reason[:1].lower() + reason[1:]
        raise OutputError(f"cannot write {path}: {reason}; it is as it was before") from error
    finally:
        part.unlink(missing_ok=True)


def _write(table: TrackTable, path: Path, suffix: str, on_frame: Callable[[], None]) -> None:
    listed = table.frame_list
    if len(listed) == 0 and suffix in _NO_FRAMES:
        path.write_text(_NO_FRAMES[suffix], encoding="utf-8")
        return
    with closing(_open(table, path, suffix)) as sink:
        for i, number in enumerate(listed.numbers.tolist()):
            name = listed.names[i] if listed.names else ""
            picture = _picture(*listed.sizes[i].tolist())
            frame = Frame(picture, float(listed.times_s[i]), number - 1, name=name)
            sink.write(FrameResult(frame, Detections(), table.at(number)))
            on_frame()
        if len(listed) == 0:
            sink.write(FrameResult(Frame(_picture(0, 0), 0.0, 0), Detections(), Tracks()))  # only a header


def _open(table: TrackTable, path: Path, suffix: str) -> TrackFile:
    info = SourceInfo("", 0, 0)
    if suffix != ".txt":
        return TABLES[suffix](path, info)
    partly = np.flatnonzero(table.visibility != 1)
    rows = zip(table.frames[partly].tolist(), table.ids[partly].tolist(), strict=True)
    return MotFile(path, info, dict(zip(rows, table.visibility[partly].tolist(), strict=True)))


def _picture(width: int, height: int) -> Image:
    """A black picture of this size, or of one pixel where it is 0, that takes no memory."""
    return np.broadcast_to(np.zeros(3, dtype=np.uint8), (height or 1, width or 1, 3))
