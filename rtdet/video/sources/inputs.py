"""The files that a source is read from."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rtdet.video.sources.names import IMAGE_SUFFIXES, is_glob, is_url, to_path


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


def is_there(text: str) -> bool:
    """Whether a source that names a file names one that exists; True for a camera, a stream, a folder or the demo."""
    suffix = os.path.splitext(text.strip())[1]
    return is_url(text.strip()) or is_glob(text) or not suffix or any(True for _ in files_of_source(text))


def one_series(sources: Sequence[str]) -> tuple[str, ...]:
    """Images that a shell made of a pattern, `photos/*.jpg`, as that pattern again: they are one series, as if
    nobody had expanded it. Other sources, and images that no pattern names without others, are as they were."""
    paths = [to_path(source) for source in sources]
    are_images = all(path.suffix.lower() in IMAGE_SUFFIXES and path.is_file() for path in paths)
    if len(paths) < 2 or not are_images or len({path.parent for path in paths}) > 1:
        return tuple(sources)
    names = [path.name for path in paths]
    start = os.path.commonprefix(names)  # noqa: RUF071 - of letters, not of folders
    end = os.path.commonprefix([name[len(start) :][::-1] for name in names])[::-1]  # noqa: RUF071
    pattern = str(Path(glob.escape(str(paths[0].parent))) / f"{glob.escape(start)}*{glob.escape(end)}")
    found = {Path(name) for name in glob.iglob(pattern) if Path(name).suffix.lower() in IMAGE_SUFFIXES}
    return (pattern,) if found == set(paths) else tuple(sources)


def file_of(text: str) -> Path | None:
    """The one file that a source is read from, however it is spelt; None for a camera, a stream, a folder."""
    spelling = text.strip()
    try:
        path = to_path(spelling)
        return path if not is_url(spelling) and path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None
