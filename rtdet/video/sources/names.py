"""Interprets a user's spelling of a source, and names sources in messages."""

from __future__ import annotations

import difflib
import glob
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from rtdet.errors import SourceError

IMAGE_SUFFIXES = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".bmp",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".jp2",
    }
    | {".avif", ".mpo", ".tga"}
)
# Pictures that nothing here can decode.
UNREADABLE_SUFFIXES = frozenset(
    {".heic", ".heif", ".hif", ".jxl", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"}
)
# fmt: off
VIDEO_SUFFIXES = frozenset({
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg",
    ".mpeg", ".vob", ".flv", ".wmv", ".3gp", ".ogv", ".gif", ".apng", ".mjpeg", ".mjpg",
    ".h264", ".h265", ".hevc", ".y4m", ".mxf", ".asf",
})
# fmt: on
FILE_SCHEME = "file://"


def is_url(text: str) -> bool:
    """rtsp://host/..., but not file://... and not C:\\clip.mp4."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None and not text.startswith(FILE_SCHEME)


def is_camera(text: str) -> bool:
    """webcam, webcam:1, /dev/video0 or 0, but not webcam_clip.mp4."""
    return re.fullmatch(r"webcam|(webcam:|/dev/video)?\d+", text.strip(), re.ASCII) is not None


def to_path(text: str) -> Path:
    """A path from what was typed, dropped or given as a file:// address."""
    if text.startswith(FILE_SCHEME):
        parts = urlsplit(text)
        host = f"//{parts.netloc}" if parts.netloc not in ("", "localhost") else ""
        return Path(url2pathname(host + parts.path))
    return Path(text).expanduser()


def is_glob(text: str) -> bool:
    return glob.has_magic(text)


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sorts img2 before img10. Ties of case or leading zeros are settled by the spelling itself."""
    parts = re.split(r"(\d+)", name)
    key = [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts if part]
    return [*key, (-1, 0, name)]


def missing_file(path: Path) -> SourceError:
    """The error for a path that does not exist: offers what is nearly spelt so in that folder."""
    folder = path.parent
    if not folder.is_dir():
        return SourceError(f"no such file: {path}: there is no folder {folder}")
    near = _nearly(path, [child.name for child in folder.iterdir()])
    hint = f": did you mean {' or '.join(near)}?" if near else ": check the path"
    return SourceError(f"no such file: {path}{hint}")


def _nearly(path: Path, names: Iterable[str]) -> list[str]:
    """The names that `path` may have been meant to have, the nearest first. Without their suffixes, which most
    films share whatever they are called."""
    by_stem: dict[str, list[str]] = {}
    for name in sorted(names):
        by_stem.setdefault(Path(name).stem.casefold(), []).append(name)
    near = difflib.get_close_matches(path.stem.casefold(), by_stem, n=3, cutoff=0.6)
    return [name for stem in near for name in by_stem[stem]][:3]


def why_unreadable(path: Path, error: Exception) -> str:
    """One line for a file that FFmpeg will not open."""
    try:
        head = _head(path) if path.is_file() else b""
    except OSError as denied:
        return f"cannot read {path}: {denied.strerror or denied}: check its permissions"
    if path.is_file() and not head:
        return f"{path} is empty (0 bytes): copy or record it again"
    if head[4:8] in (b"ftyp", b"mdat", b"wide", b"free", b"skip", b"moov", b"moof"):
        return f"{path} is incomplete: its index (moov) is missing, so nothing can be played; copy it again"
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        return f"{path} is a Git LFS pointer, not the video itself: run `git lfs pull` in its repository"
    if head and b"\0" not in head and _is_text(head):
        return f"{path} is not a video: it holds text; choose another file"
    reason = getattr(error, "strerror", None) or error
    return (
        f"{path} cannot be read as a video or an image ({reason}): choose another file or convert it to MP4"
    )


def why_remote_unreadable(name: str, error: Exception) -> str:
    """One line for an address of a finite file that FFmpeg will not open."""
    reason = getattr(error, "strerror", None) or error
    return f"{name} cannot be read as a video ({reason}): check that the address is that of the video itself"


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096)


def _is_text(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4  # a character cut by the end of what was read
    return True
