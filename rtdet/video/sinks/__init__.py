"""Outputs, chosen by suffix. To add one: a class with `write` and `close`, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rtdet.protocols import Sink
from rtdet.types import SourceInfo
from rtdet.video.draw import DrawStyle
from rtdet.video.sinks.coco import CocoFile
from rtdet.video.sinks.detection_files import DetectionJsonFile, DetectionMotFile
from rtdet.video.sinks.files import suffix_of
from rtdet.video.sinks.parquet import ParquetFile
from rtdet.video.sinks.read import read_tracks
from rtdet.video.sinks.recording import Recording
from rtdet.video.sinks.table import TABLES, read_table, write_table
from rtdet.video.sinks.track_files import CsvFile, JsonLinesFile, MotFile

__all__ = [
    "DETECTION_FILES",
    "RECORDINGS",
    "SINKS",
    "TABLES",
    "TRACK_FILES",
    "open_detection_file",
    "open_recording",
    "open_track_file",
    "read_table",
    "read_tracks",
    "write_table",
]

SinkFactory = Callable[[Path, SourceInfo], Sink]

RECORDINGS: dict[str, SinkFactory] = {".mp4": Recording, ".mkv": Recording}
TRACK_FILES: dict[str, SinkFactory] = {
    ".txt": MotFile,
    ".csv": CsvFile,
    ".jsonl": JsonLinesFile,
    ".parquet": ParquetFile,
    ".json": CocoFile,
}
DETECTION_FILES: dict[str, SinkFactory] = {".json": DetectionJsonFile, ".txt": DetectionMotFile}
SINKS: dict[str, SinkFactory] = {**RECORDINGS, **TRACK_FILES}


def open_recording(
    path: str | Path,
    info: SourceInfo,
    *,
    audio_from: str | None = None,
    style: DrawStyle | None = None,
) -> Sink:
    """An annotated H.264 recording (.mp4, .mkv), with the sound of the file `audio_from`.

    Raises UnknownNameError for another suffix and OutputError where nothing can be written.
    """
    suffix_of(path, "recording", tuple(RECORDINGS))
    return Recording(path, info, audio_from=audio_from, style=style)


def open_track_file(path: str | Path, info: SourceInfo) -> Sink:
    """A track file in the format of its suffix. Raises UnknownNameError and OutputError."""
    return TRACK_FILES[suffix_of(path, "track file", tuple(TRACK_FILES))](Path(path), info)


def open_detection_file(path: str | Path, info: SourceInfo) -> Sink:
    """A detection file in the format of its suffix (.json, .txt). Raises UnknownNameError and OutputError."""
    return DETECTION_FILES[suffix_of(path, "detection file", tuple(DETECTION_FILES))](Path(path), info)
