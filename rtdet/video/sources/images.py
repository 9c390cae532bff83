"""Images: one, a folder of them, or a glob."""

from __future__ import annotations

import glob
import logging
import math
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from rtdet.errors import SourceError
from rtdet.protocols import SourceState
from rtdet.types import Frame, Image, SourceInfo
from rtdet.video.sources.cameras import quiet_opencv
from rtdet.video.sources.names import IMAGE_SUFFIXES, VIDEO_SUFFIXES, natural_key
from rtdet.video.sources.picture import on_black

log = logging.getLogger("rtdet.video")

FPS = 25.0  # images have no times of their own


class ImageSource:
    """Images in the given order, each in its own size; Frame.name is the file's name.

    Frame.index is the place in the order and Frame.t that divided by `fps`. An image that cannot be read
    is skipped with one warning, and leaves a gap in both. Raises SourceError when none can be read.
    """

    def __init__(self, paths: Sequence[Path], name: str, *, start_s: float = 0.0, fps: float = FPS) -> None:
        self._paths = list(paths)
        self._fps = fps
        self._next = 0
        self._lock = threading.Lock()
        self._closed = False
        self._warned: set[int] = set()
        self.state = SourceState.OPEN
        first = self._first_readable()
        if first is None:
            raise SourceError(_unreadable(name, self._paths))
        count = len(self._paths)
        kind = f"1 {_kind(self._paths[0])} image" if count == 1 else f"{count} images"
        self.info = SourceInfo(
            name, *first.size, fps, count, count / fps, is_seekable=True, detail=kind
        )  # fmt: skip
        if start_s > 0:
            if round(start_s * fps) >= count:
                raise SourceError(
                    f"{name} has no image at or after {start_s:g} s: it is {count / fps:g} s long"
                )
            self.seek(start_s)

    def read(self) -> Frame | None:
        while True:
            with self._lock:
                if self._closed or self._next >= len(self._paths):
                    self.state = SourceState.ENDED
                    return None
                index, self._next = self._next, self._next + 1
            frame = self._load(index)
            if frame is not None:
                return frame

    def seek(self, t: float) -> None:
        with self._lock:
            # Half a frame of tolerance, as everywhere: t is often a rounded number.
            self._next = max(0, math.ceil(t * self._fps - 0.5))
            if not self._closed:
                self.state = SourceState.OPEN

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self.state = SourceState.ENDED

    def _first_readable(self) -> Frame | None:
        frame = self._load(0, warn=len(self._paths) > 1) if self._paths else None
        index = 0
        while frame is None and index + 1 < len(self._paths):
            index += 1
            frame = self._load(index)
        return frame

    def _load(self, index: int, *, warn: bool = True) -> Frame | None:
        path = self._paths[index]
        image = read_image(path)
        if image is not None:
            return Frame(image, index / self._fps, index, time.monotonic(), name=path.name)
        if warn and index not in self._warned:
            self._warned.add(index)
            log.warning("%s cannot be read as an image: skipped", path)
        return None


def open_image(path: Path, *, start_s: float = 0.0) -> ImageSource:
    """One image file."""
    return ImageSource([path], path.name, start_s=start_s)


def open_folder(folder: Path, *, start_s: float = 0.0) -> ImageSource:
    """The images right in a folder, in natural order. Raises SourceError that says what it holds instead."""
    try:
        files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    except OSError as error:
        raise SourceError(f"cannot read the folder {folder}: {error.strerror or error}") from error
    images = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise SourceError(f"the folder {folder} holds no images{_instead(files)}")
    return ImageSource(_in_order(images), folder.resolve().name, start_s=start_s)


def open_glob(pattern: str, *, start_s: float = 0.0) -> ImageSource:
    """The images that match a pattern such as frames/*.jpg, in natural order."""
    files = [Path(name) for name in glob.glob(str(Path(pattern).expanduser()), recursive=True)]
    files = [path for path in files if path.is_file()]
    images = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise SourceError(f"no image matches {pattern}{_instead(files)}")
    return ImageSource(_in_order(images), pattern, start_s=start_s)


def _in_order(paths: list[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: natural_key(str(path)))


def _instead(files: list[Path]) -> str:
    """What is there, for an error."""
    videos = sorted(path.name for path in files if path.suffix.lower() in VIDEO_SUFFIXES)
    if videos:
        more = ", ..." if len(videos) > 3 else ""
        return f", but {len(videos)} video(s) ({', '.join(videos[:3])}{more}): open one of them"
    if files:
        return f", only other files ({len(files)}): choose images ({', '.join(sorted(IMAGE_SUFFIXES))})"
    return ": choose one with .jpg or .png files"


def _kind(path: Path) -> str:
    return path.suffix.lstrip(".").upper() or "unnamed"


def _unreadable(name: str, paths: list[Path]) -> str:
    if len(paths) == 1:
        what = (
            "is empty (0 bytes)"
            if paths[0].is_file() and paths[0].stat().st_size == 0
            else "is damaged or another kind of file"
        )
        return f"cannot read the image {paths[0]}: it {what}; choose another file"
    return f"none of the {len(paths)} images of {name} can be read: choose others"


def read_image(path: Path) -> Image | None:
    """(H, W, 3) BGR, upright by its EXIF orientation, 8 bits, alpha laid on black; None: unreadable."""
    try:
        # Read here rather than by OpenCV, which cannot open every path on Windows.
        encoded = np.fromfile(path, np.uint8)
    except OSError:
        return None
    if not encoded.size:
        return None
    with quiet_opencv():
        try:
            image: Image | None = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
            if image is not None and _may_be_transparent(encoded[:64].tobytes()):
                image = _with_alpha(encoded, image)
        except cv2.error:
            return None
    return image


def _may_be_transparent(head: bytes) -> bool:
    if head.startswith(b"\x89PNG"):
        return head[25:26] in (b"\3", b"\4", b"\6")  # the colour type: palette, grey or colour with alpha
    return head[8:12] == b"WEBP" or head[:4] in (b"II*\0", b"MM\0*")


def _with_alpha(encoded: np.ndarray[tuple[int], np.dtype[np.uint8]], image: Image) -> Image:
    whole = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if whole is None or whole.ndim != 3 or whole.shape[2] != 4 or whole.shape[:2] != image.shape[:2]:
        return image
    alpha = whole[:, :, 3] if whole.dtype == np.uint8 else (whole[:, :, 3] // 257).astype(np.uint8)
    return on_black(np.dstack([image, alpha]))
