"""Track and detection files as outputs of a running pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rtdet.protocols import Sink
from rtdet.tracks.detection_files import About, open_detection_writer
from rtdet.tracks.formats.format import RowWriter
from rtdet.tracks.read_write import open_writer
from rtdet.tracks.rows import FrameRecord
from rtdet.types import Detections, FrameResult, Tracks


class FileSink(Sink):
    """Hands each result to a writer: what `objects_of` takes from it, and what a file says of its frame."""

    def __init__(self, writer: RowWriter, objects_of: Callable[[FrameResult], Tracks | Detections]) -> None:
        self._writer, self._objects_of = writer, objects_of

    def write(self, result: FrameResult) -> None:
        frame = result.frame
        self._writer.write(
            FrameRecord(frame.index + 1, frame.t, self._objects_of(result), frame.name, frame.size)
        )

    def close(self) -> None:
        self._writer.close()


def open_track_file(path: str | Path) -> Sink:
    """A track file in the format of its suffix. Raises UnknownNameError and OutputError."""
    return FileSink(open_writer(path), lambda result: result.tracks)


def open_detection_file(path: str | Path, about: About | None = None) -> Sink:
    """A detection file in the format of its suffix (.json, .txt). `about`: what a .json says of all frames. Raises
    UnknownNameError and OutputError."""
    return FileSink(open_detection_writer(path, about), lambda result: result.detections)
