"""The files that a source is read from."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

from rtdet.video.sources.names import is_glob, is_url, to_path


def files_of_source(text: str) -> Iterator[Path]:
    """What `open_source` would read for a spelling: the file, those in the folder, or those of the pattern. Nothing
    for a camera, a stream or the demo. Raises nothing: what cannot be read is told of when it is opened."""
    spelling = text.strip()
    if is_url(spelling):
        return
    try:
        path = to_path(spelling)
        if path.is_dir():
            yield from path.iterdir()
        elif path.exists():
            yield path
        elif is_glob(spelling):
            yield from map(Path, glob.iglob(str(path), recursive=True))
    except (OSError, ValueError, RuntimeError):
        return


def file_of(text: str) -> Path | None:
    """The one file that a source is read from, however it is spelt; None for a camera, a stream, a folder."""
    spelling = text.strip()
    try:
        path = to_path(spelling)
        return path if not is_url(spelling) and path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None
