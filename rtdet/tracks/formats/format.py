"""The parts of a track file format: a writer, a reader, and what the format can express."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from rtdet import track_columns
from rtdet.errors import OutputError
from rtdet.output_file import OutputFile
from rtdet.tracks.rows import ClassIds, FrameRecord, Row, rows_of

_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True)
class Format:
    """One kind of track file, known by its suffix.

    read                 gives all that a file says, in its order; what it raises is said in one line by
                         `rtdet.tracks.files`.
    has_class_numbers    the file numbers its classes itself: `Entry.label` counts beside `Entry.class_name`.
    lists_empty_frames   frames without tracks are in the file, so that all that were processed are known.
    """

    suffix: str
    writer: type[RowWriter]
    read: Callable[[Path], Iterator[Entry]]
    has_class_numbers: bool = False
    lists_empty_frames: bool = False


class Entry(NamedTuple):
    """One track in one frame (`frame` from 1); `track_id` None says that the frame exists and is empty.

    `label` counts where `class_name` is None, and where the format numbers its classes. `time_s` is None in
    formats without times; `size` is the picture's width and height where the format knows them; `name` is the
    picture's, where the frame is a file of its own. `further` has the further values of the file, by column.
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
    further: Mapping[str, Any] = {}

    @classmethod
    def without_tracks(cls, frame: int, **known: Any) -> Entry:
        """A frame that exists; `known` is its time, name and size."""
        return cls(frame, None, 0, None, 0.0, (), **known)


class RowWriter(ABC):
    """Base of what writes a file frame by frame. A format fills in `_write_rows` and, where it needs them,
    `write_no_frames` and `_finish`.

    Every row is on disk when `write` returns, or a second later where the file has a closing part. The same records
    give the same bytes: nothing in a file tells when, where or from what it was made. The file is created, or an
    older one emptied, by the first frame; without frames nothing is touched.
    The constructor raises OutputError where nothing can be written.
    """

    # The format changes what it wrote before: a closing part, a directory at the end.
    goes_back = False

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = OutputFile(path, goes_back=self.goes_back)
        self._class_ids = ClassIds()
        self._is_first, self._is_closed = True, False

    def write(self, record: FrameRecord) -> None:
        """Adds a frame; frames come in order. Raises OutputError."""
        if self._is_closed:
            raise OutputError(f"{self.path} is already closed")
        self._write_rows(record, rows_of(record, self._class_ids))
        self._is_first = False

    def write_no_frames(self) -> None:
        """Writes the whole file of a run that had no frames."""
        self._file.append(b"")

    def close(self) -> None:
        """Completes the file; may be called twice."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if not self._is_first and self._file.failure is None:
                self._finish()
        finally:
            self._file.close()

    @abstractmethod
    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        """Writes one frame's rows; `self._is_first` says that nothing was written yet."""

    def _finish(self) -> None:  # noqa: B027 - a format without a closing part needs none
        """Writes the closing part of the file."""


def compact_json(value: object) -> str:
    """`value` as JSON without spaces; characters of any alphabet are kept as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def whole(value: Any) -> int:
    """A frame number or an ID as an int. Raises ValueError where it is not whole."""
    if value != int(value):
        raise ValueError(f"frames and IDs must be whole numbers, not {value:g}")
    return int(value)


def seconds(content: Mapping[str, Any]) -> float | None:
    """The time of a row or a frame; None where it has none."""
    time_s = float("nan") if content.get("time_s") in (None, "") else float(content["time_s"])
    return None if math.isnan(time_s) else time_s


def further_in(content: Mapping[str, Any], suffix: str) -> dict[str, Any]:
    """The further values of a row whose columns have names, by column; an optional one where the file has it."""
    return {
        column.name: column.parsed(content.get(column.name))
        for column in track_columns.further_of(suffix, content)
    }


def on_line(number: int, parse: Callable[[Any], _Parsed], content: Any) -> _Parsed:
    """The result of `parse` on the content of a line; an error names the line."""
    try:
        return parse(content)
    except (LookupError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"line {number} is cut off, or something is missing in it") from error
    except (ValueError, OverflowError) as error:
        raise ValueError(f"line {number}: {error}") from error
