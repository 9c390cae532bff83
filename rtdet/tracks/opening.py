"""Opens the tracks of a finished run, whatever holds them."""

from __future__ import annotations

from pathlib import Path

from rtdet.tracks.read_write import USUAL_FPS, read_table
from rtdet.tracks.table import TrackTable


def open_tracks(path: str | Path, fps: float = USUAL_FPS) -> TrackTable:
    """The tracks of a track file of any format. `fps` gives the times of a file that has none. Raises SourceError
    for a missing or broken file and UnknownNameError for another suffix."""
    return read_table(path, fps)
