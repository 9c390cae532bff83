"""A run's tracks when it is over: the files that hold them, the table of them, and what makes them better."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rtdet.output_file import suffix_of
from rtdet.protocols import Sink
from rtdet.tracks.coco import CocoFile
from rtdet.tracks.detection_files import DetectionJsonFile, DetectionMotFile
from rtdet.tracks.files import TABLES, read_table, write_table
from rtdet.tracks.parquet import ParquetFile
from rtdet.tracks.read import read_tracks
from rtdet.tracks.writers import CsvFile, JsonLinesFile, MotFile
from rtdet.types import SourceInfo

__all__ = [
    "DETECTION_FILES",
    "TABLES",
    "TRACK_FILES",
    "open_detection_file",
    "open_track_file",
    "read_table",
    "read_tracks",
    "write_table",
]

SinkFactory = Callable[[Path, SourceInfo], Sink]

TRACK_FILES: dict[str, SinkFactory] = {
    ".txt": MotFile,
    ".csv": CsvFile,
    ".jsonl": JsonLinesFile,
    ".parquet": ParquetFile,
    ".json": CocoFile,
}
DETECTION_FILES: dict[str, SinkFactory] = {".json": DetectionJsonFile, ".txt": DetectionMotFile}


def open_track_file(path: str | Path, info: SourceInfo) -> Sink:
    """A track file in the format of its suffix. Raises UnknownNameError and OutputError."""
    return TRACK_FILES[suffix_of(path, "track file", tuple(TRACK_FILES))](Path(path), info)


def open_detection_file(path: str | Path, info: SourceInfo) -> Sink:
    """A detection file in the format of its suffix (.json, .txt). Raises UnknownNameError and OutputError."""
    return DETECTION_FILES[suffix_of(path, "detection file", tuple(DETECTION_FILES))](Path(path), info)
