"""Finding picture files, and their sizes without decoding them."""

from __future__ import annotations

import io
import logging
import os
import re
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image as Pillow

from rtdet.datasets.faults import STRICT, Faults, PathError
from rtdet.datasets.text import shown
from rtdet.errors import UsageError

logger = logging.getLogger(__name__)

# fmt: off
SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".bmp", ".dib", ".webp", ".avif", ".gif", ".tga", ".tif",
    ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2",
})
# fmt: on

# Pictures that nothing here can decode.
UNREADABLE_SUFFIXES = frozenset({".heic", ".heif", ".hif", ".jxl"})
# EXIF orientations that turn a picture by a quarter (CIPA DC-008, tag Orientation).
_ORIENTATION, _QUARTER_TURNS = 0x0112, frozenset({5, 6, 7, 8})
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
# OpenCV's own variable for the most pixels that it decodes; ours is a third of a gigabyte in memory.
MOST_PIXELS = "OPENCV_IO_MAX_IMAGE_PIXELS"
_MOST_PIXELS = 120_000_000


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels from a picture's header, turned upright as decoding does.

    Raises UsageError for a file that is missing or no picture.
    """
    try:
        with path.open("rb") as file:
            if (known := _upright_size(file.read(4096))) is not None:
                return known
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a very large picture; nothing is decoded here
            with Pillow.open(path) as header:
                width, height = header.size
                if header.format == "TIFF":  # its `size` is turned already, by some versions of Pillow
                    width, height = (header.getexif()[tag] for tag in (_TIFF_WIDTH, _TIFF_HEIGHT))
                turned = header.getexif().get(_ORIENTATION) in _QUARTER_TURNS
    except FileNotFoundError as error:
        raise UsageError(f"the picture {path} is missing") from error
    except Pillow.DecompressionBombError as error:
        raise UsageError(
            f"the picture {path} has more than {most_pixels() // 1_000_000} million pixels: shrink it, or set "
            f"{MOST_PIXELS} to more"
        ) from error
    except (OSError, ValueError, SyntaxError, KeyError) as error:
        raise UsageError(f"cannot read the size of the picture {path}; remove it or replace it") from error
    return (height, width) if turned else (width, height)


def most_pixels() -> int:
    """The most pixels of a picture that is decoded: what the environment says, else 120 million."""
    asked = os.environ.get(MOST_PIXELS, "")
    return int(asked) if asked.isdecimal() else _MOST_PIXELS


def encoded_size(content: bytes) -> tuple[int, int]:
    """(width, height) by a picture's first bytes, not turned; (0, 0) where they do not tell."""
    if content.startswith(b"RIFF"):
        return _webp_size(content)
    if content.startswith(b"\x89PNG"):
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pillow.open(io.BytesIO(content)) as header:
                return header.size
    except (OSError, ValueError, SyntaxError, EOFError):
        return 0, 0
    except Pillow.DecompressionBombError:
        return 1 << 30, 1 << 30


def _webp_size(content: bytes) -> tuple[int, int]:
    """As RFC 9649 has it: Pillow would read the whole file for it."""
    kind, size = content[12:16], content[20:30]
    if kind == b"VP8X":
        return 1 + int.from_bytes(size[4:7], "little"), 1 + int.from_bytes(size[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(size[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(size[6:8], "little") & 0x3FFF, int.from_bytes(size[8:10], "little") & 0x3FFF


def _upright_size(head: bytes) -> tuple[int, int] | None:
    """(width, height) by a picture's first bytes, which takes much less than to ask Pillow; None where they do not
    tell, or where it may have an EXIF orientation."""
    if b"Exif" in head or b"eXIf" in head:
        return None
    size = (0, 0)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP" and len(head) >= 30:
        has_exif = head[12:16] == b"VP8X" and head[20] & 0x08  # a chunk of it follows
        size = (0, 0) if has_exif else _webp_size(head)
    elif head.startswith(b"\x89PNG") and head[12:16] == b"IHDR" and len(head) >= 33:
        size = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    elif head.startswith(b"\xff\xd8"):
        size = _jpeg_size(head)
    return size if min(size) > 0 else None


def _jpeg_size(head: bytes) -> tuple[int, int]:
    """As ITU-T T.81 has it: segments of a marker and a length, of which a frame header, SOF0 to SOF15, has the size;
    (0, 0) where that comes later."""
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            rows, columns = head[place + 5 : place + 7], head[place + 7 : place + 9]
            return int.from_bytes(columns, "big"), int.from_bytes(rows, "big")
        place += 2 + int.from_bytes(head[place + 2 : place + 4], "big")
    return 0, 0


def picture_name(path: Path) -> str:
    """The file's name; with the suffix of what it holds where its own is not a picture's, by which it would not be
    found."""
    if path.suffix.lower() in SUFFIXES:
        return path.name
    try:
        with Pillow.open(path) as header:
            suffix = f".{(header.format or '').lower()}"
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError):
        return path.name
    return path.name + suffix if suffix in SUFFIXES else path.name


def pictures_in(folder: Path, root: Path | None = None, faults: Faults = STRICT) -> list[Path]:
    """The picture files in a folder and its sub-folders, by name. Links to folders are not followed, but warned of.

    Raises UsageError for a link to a picture outside `root` (None: the folder itself).
    """
    return files_in(folder, SUFFIXES, root or folder, faults)


def files_in(folder: Path, suffixes: Iterable[str], root: Path, faults: Faults = STRICT) -> list[Path]:
    """The files of some suffixes in a folder and its sub-folders, by name; see pictures_in."""
    wanted = frozenset(suffixes)
    check_inside(root, folder)
    found = []
    for parent, folders, names in os.walk(folder, onerror=_unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for link in (Path(parent, name) for name in folders if os.path.islink(Path(parent, name))):
            _warn_of_link(link)
        if wanted == SUFFIXES:
            _warn_of_unreadable(parent, sum(_suffix(name) in UNREADABLE_SUFFIXES for name in names))
        for name in names:
            if _suffix(name) in wanted and not name.startswith("."):
                path = Path(parent, name)
                with faults.noted(os.path.relpath(path, root)):
                    if path.is_symlink():
                        check_inside(root, path)
                    if path.is_file():  # a pipe would be waited for
                        found.append(path)
    return sorted(found)


@lru_cache(maxsize=1024)  # once, however often the folder is walked
def _warn_of_link(link: Path) -> None:
    logger.warning("%s is a link to a folder, which is not followed", link)


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


@lru_cache(maxsize=1024)
def _warn_of_unreadable(folder: str, count: int) -> None:
    if count:
        logger.warning("%s: %d pictures of a kind that cannot be read (HEIC, HEIF, JPEG XL) are left out: "
                       "convert them to JPEG or PNG", folder, count)  # fmt: skip


def _unreadable(error: OSError) -> None:
    raise UsageError(f"cannot read the folder {error.filename}: {error.strerror}") from error


def inside(folder: Path, name: str, labels: Path) -> Path:
    """folder / name, for a name that the file `labels` gave. Of an absolute name, as another machine wrote it, as
    much of its end is taken as is there.

    Raises UsageError for a path that leaves `folder`: by dots, as an absolute name or through a link.
    """
    path = folder / name
    if "\\" in name and not os.path.isfile(path):  # written on Windows
        name = name.replace("\\", "/")
        path = folder / name
    if is_absolute(name) and not (os.path.isfile(path) and _is_inside(folder, path)):
        # One that is nowhere on this machine is a picture that is missing here.
        path = rebased(folder, name) or (path if os.path.exists(name) else folder / name.rpartition("/")[2])
    if not _is_inside(folder, path):
        raise PathError(f"{labels} names a file outside {folder}", shown(name))
    return path


def is_absolute(name: str) -> bool:
    """Of this kind of machine or of another; with slashes."""
    return name.startswith("/") or bool(re.match("[A-Za-z]:/", name))


def rebased(folder: Path, name: str) -> Path | None:
    """What of a path from another machine, or from another folder, is in `folder`: folder / the longest end of it
    that is there; None where no end is, and for a path with dots in it."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts:
        return None
    try:
        ends = (folder.joinpath(*parts[start:]) for start in range(len(parts)))
        return next((end for end in ends if os.path.exists(end)), None)
    except ValueError:  # a name with a zero byte
        return None


def check_inside(root: Path, path: Path) -> Path:
    """`path`, unless a link in it leads out of `root`: then UsageError."""
    if not _is_inside(root, path):
        raise PathError(
            f"{path} leads outside {root}", "put a copy there, links out of a data set are not followed"
        )
    return path


def _is_inside(folder: Path, path: Path) -> bool:
    try:
        outer, inner = os.path.realpath(folder), os.path.realpath(path)
    except (OSError, ValueError):  # a name with a zero byte
        return False
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)


def by_stem(pictures: Sequence[Path]) -> dict[str, Path]:
    """The first picture of each name without its suffix, in order."""
    first: dict[str, Path] = {}
    for path in pictures:
        first.setdefault(path.stem, path)
    return first
