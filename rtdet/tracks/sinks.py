"""Track and detection files as outputs of a running pipeline."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from rtdet.protocols import Sink
from rtdet.tracks.detection_files import About, open_detection_writer
from rtdet.tracks.formats.format import RowWriter
from rtdet.tracks.read_write import open_writer
from rtdet.tracks.rows import FrameRecord
from rtdet.types import Detections, FrameResult, Tracks


class FileSink(Sink):
    """Hands each result to a writer: what `objects_of` takes from it, and what a file says of its frame.

    are_pictures: the frames are single pictures. They have no time, are numbered as they come, and are written once,
    however often somebody looks at them.
    """

    def __init__(
        self,
        writer: RowWriter,
        objects_of: Callable[[FrameResult], Tracks | Detections],
        *,
        are_pictures: bool = False,
    ) -> None:
        self._writer, self._objects_of, self._are_pictures = writer, objects_of, are_pictures
        self._written: set[str | int] = set()

    def write(self, result: FrameResult) -> None:
        frame = result.frame
        number, time_s = frame.index + 1, frame.t
        if self._are_pictures:
            which = frame.name or frame.index
            if which in self._written:
                return
            self._written.add(which)
            number, time_s = len(self._written), math.nan
        self._writer.write(FrameRecord(number, time_s, self._objects_of(result), frame.name, frame.size))

    def close(self) -> None:
        self._writer.close()


def open_track_file(path: str | Path, *, are_pictures: bool = False) -> Sink:
    """A track file in the format of its suffix. `are_pictures`: of single pictures. Raises UnknownNameError and
    OutputError."""
    return FileSink(open_writer(path), lambda result: result.tracks, are_pictures=are_pictures)


def open_detection_file(path: str | Path, about: About | None = None) -> Sink:
    """A detection file in the format of its suffix (.json, .txt). `about`: what a .json says of all frames. Raises
    UnknownNameError and OutputError."""
    writer = open_detection_writer(path, about)
    are_pictures = about is not None and about.are_pictures
    return FileSink(writer, lambda result: result.detections, are_pictures=are_pictures)
