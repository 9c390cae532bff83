"""Track files of every format: read as a table or frame by frame, and written."""

from __future__ import annotations

import csv
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from rtdet import track_columns
from rtdet.errors import SourceError
from rtdet.geometry.boxes import ltwh_to_xyxy
from rtdet.output_file import check_output, replacing, suffix_of
from rtdet.track_columns import AnyArray
from rtdet.tracks.formats import FORMATS
from rtdet.tracks.formats.format import Entry, Format, RowWriter
from rtdet.tracks.rows import FrameRecord
from rtdet.tracks.table import FrameList, TrackTable
from rtdet.types import Tracks

USUAL_FPS = 30.0
# A class number beyond this is no index into a model's classes.
_MOST_CLASSES = 100_000


def format_of(path: str | Path) -> Format:
    """The format of the path's suffix. Raises UnknownNameError."""
    return FORMATS[suffix_of(path, "track file", tuple(FORMATS))]


def open_writer(path: str | Path) -> RowWriter:
    """What writes a track file of the path's suffix, frame by frame. Raises UnknownNameError and OutputError."""
    return format_of(path).writer(path)


def read_tracks(path: str | Path) -> list[tuple[int, Tracks]]:
    """(frame index from 0, Tracks) in order of frame, from any format that `--tracks` writes.

    .jsonl and .json know frames without tracks; in the tables such a frame is absent. Labels of .txt are
    its class column - 1, without names; elsewhere class names are numbered as the file first names them
    (.json: by its categories). Raises SourceError for a missing or broken file and UnknownNameError for
    another suffix.
    """
    names: dict[str, int] = {}
    frames: dict[int, list[Entry]] = {}
    for entry in read_entries(Path(path)):
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
        np.array(labels, dtype=np.int64), class_names=tuple(names), values=_further(entries),
    )  # fmt: skip


def read_table(path: str | Path, fps: float = USUAL_FPS) -> TrackTable:
    """The tracks of a file of any format that `--tracks` writes, whatever the order of its rows.

    `fps` gives the times of a file that has none: frame n is at (n - 1) / fps seconds. Class names are those
    that occur: numbered as in a .parquet or .json, else in order of their first row; a .txt has only numbers.
    Raises SourceError for a missing or broken file and UnknownNameError for another suffix.
    """
    path = Path(path)
    entries, its_format = read_entries(path), format_of(path)
    _refuse_detections(entries, path)
    try:
        frame_list = _frame_list(entries, fps, its_format.lists_empty_frames)
        return _table(entries, frame_list, its_format.has_class_numbers)
    except (ValueError, OverflowError) as error:
        raise SourceError(f"{path} does not hold tracks: {error}") from error


def _refuse_detections(entries: list[Entry], path: Path) -> None:
    """Raises SourceError where nothing says which objects of two frames are one."""
    frames = [entry.frame for entry in entries if entry.track_id == 0]
    is_timeless = all(entry.time_s is None for entry in entries) and any(entry.name for entry in entries)
    are_pictures = is_timeless and not any(entry.track_id for entry in entries)
    if frames and (len(set(frames)) < len(frames) or are_pictures):
        raise SourceError(
            f"{path} holds detections without tracks: their ID is 0, as --tracker none and single pictures give it; "
            "track them first (rtdet detect FILM --out D.json, rtdet track D.json --out TRACKS)"
        )


def read_entries(path: Path) -> list[Entry]:
    """All that a track file says, in the file's order. Raises as `read_tracks` does."""
    reader = format_of(path).read
    try:
        return list(reader(path))
    except (OSError, ValueError, LookupError, TypeError, OverflowError, csv.Error) as error:
        # Errors of json and of a damaged Parquet are ValueErrors; an OSError without a number says why in its text.
        if isinstance(error, OSError) and error.errno is not None:
            raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
        why = "it is not text" if isinstance(error, UnicodeDecodeError) else " ".join(str(error).split())
        raise SourceError(f"{path} is not a track file of this kind: {why}") from error


def _frame_list(entries: list[Entry], fps: float, is_complete: bool) -> FrameList:
    first: dict[int, Entry] = {}
    for entry in entries:
        first.setdefault(entry.frame, entry)
    listed = [first[number] for number in sorted(first)]
    numbers = np.array([entry.frame for entry in listed], dtype=np.int64)
    names = tuple(entry.name for entry in listed)
    if all(entry.time_s is None for entry in listed) and not any(names):
        times_s = (numbers - 1) / fps
    else:
        times_s = np.array([np.nan if e.time_s is None else e.time_s for e in listed])
    sizes = np.array([entry.size or (0, 0) for entry in listed])
    return FrameList(numbers, times_s, names if any(names) else (), is_complete, sizes)


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
        _further(rows),
    )


def _further(rows: list[Entry]) -> dict[str, AnyArray]:
    """The further values of the rows, by column; of formats that have them all in the same rows."""
    named = set[str]().union(*(row.further for row in rows))
    known = [column for column in track_columns.FURTHER if column.name in named]
    return {
        column.name: np.array(
            [row.further.get(column.name, column.default) for row in rows], dtype=column.dtype
        )
        for column in known
    }


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
    its_format = format_of(path)
    with replacing(check_output(path)) as part:
        _write(table, its_format.writer(part), on_frame)


def _write(table: TrackTable, writer: RowWriter, on_frame: Callable[[], None]) -> None:
    listed = table.frame_list
    with closing(writer):
        if len(listed) == 0:
            writer.write_no_frames()
        for i, number in enumerate(listed.numbers.tolist()):
            name = listed.names[i] if listed.names else ""
            width, height = listed.sizes[i].tolist()
            writer.write(
                FrameRecord(number, float(listed.times_s[i]), table.at(number), name, (width, height))
            )
            on_frame()
