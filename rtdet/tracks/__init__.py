"""The tracks of a finished run: the files that hold them, the table of them, and the tools that improve them."""

from __future__ import annotations

from rtdet.tracks.detection_files import DETECTION_FILES
from rtdet.tracks.formats import FORMATS
from rtdet.tracks.read_write import open_writer, read_table, read_tracks, write_table
from rtdet.tracks.sinks import open_detection_file, open_track_file

__all__ = [
    "DETECTION_FILES",
    "FORMATS",
    "open_detection_file",
    "open_track_file",
    "open_writer",
    "read_table",
    "read_tracks",
    "write_table",
]
