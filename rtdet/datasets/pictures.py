"""Finding picture files, and their sizes without decoding them."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image as Pillow

from rtdet.errors import UsageError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})

# EXIF orientations that turn a picture by a quarter (CIPA DC-008, tag Orientation).
_ORIENTATION, _QUARTER_TURNS = 0x0112, frozenset({5, 6, 7, 8})


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels from a picture's header, turned upright as decoding does.

    Raises UsageError for a file that is missing or no picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a very large picture; nothing is decoded here
            with Pillow.open(path) as header:
                width, height = header.size
                turned = header.getexif().get(_ORIENTATION) in _QUARTER_TURNS
    except FileNotFoundError as error:
        raise UsageError(f"the picture {path} is missing") from error
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise UsageError(f"cannot read the size of the picture {path}; remove it or replace it") from error
    return (height, width) if turned else (width, height)


def pictures_in(folder: Path) -> list[Path]:
    """The picture files in a folder and its sub-folders, by name."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
