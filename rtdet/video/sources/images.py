"""Images: one, a folder of them, or a glob."""

from __future__ import annotations

import glob
import logging
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from rtdet.errors import SourceError
from rtdet.protocols import SourceState
from rtdet.types import Frame, SourceInfo
from rtdet.video.sources.image_files import ImageReader, Page, UnreadableImage, read_image
from rtdet.video.sources.names import IMAGE_SUFFIXES, UNREADABLE_SUFFIXES, VIDEO_SUFFIXES, natural_key
from rtdet.video.sources.reading import AS_IT_IS, FILM, MAX_MEGAPIXELS, PICTURES, Reading
from rtdet.video.sources.series import why_no_film

__all__ = ["ImageSource", "open_folder", "open_glob", "open_image", "read_image"]

log = logging.getLogger("rtdet.video")

# Images have no times of their own: those of a film are shown at 25 a second, single pictures for a second each.
FPS = 25.0
PICTURE_S = 1.0
_MEASURED = 1000  # single pictures whose sizes are read from their headers
_WIDEST = 65_535  # pixels; of larger ones only the number of pixels is known


class ImageSource:
    """Images in the given order, each in its own size; Frame.name is the name of a file that holds one image.

    pages: the images; a path is its file's first. Frame.index is the place in the order and Frame.t that divided
    by `fps`, or, with `page_s`, the sum of the seconds that those before are shown. A film's image that cannot be
    read is skipped with one warning, and leaves a gap in both.
    are_pictures: they are no film (SourceInfo). One that cannot be read is left out of the order and of the count
    as soon as that is known: `info` is replaced, and one warning counts them, at the end or, once somebody has
    looked for one (`seek`), at once.
    Raises SourceError when none can be read.
    """

    def __init__(
        self,
        pages: Sequence[Path | Page],
        name: str,
        *,
        start_s: float = 0.0,
        fps: float | None = None,
        page_s: Sequence[float] | None = None,
        are_pictures: bool = False,
        max_megapixels: float = MAX_MEGAPIXELS,
    ) -> None:
        self._pages = [page if isinstance(page, Page) else Page(page) for page in pages]
        paths = [page.path for page in self._pages]
        self._is_a_file_each = len(set(paths)) == len(paths)
        self._reader = ImageReader(max_megapixels)
        self._name, self._count, self._are_pictures = name, len(pages), are_pictures
        fps = fps or (1 / PICTURE_S if are_pictures else FPS)
        self._times = (
            list(accumulate(page_s, initial=0.0)) if page_s else [i / fps for i in range(len(pages) + 1)]
        )
        self._next = 0
        self._lock = threading.Lock()
        self._reading = threading.Lock()  # whoever has it uses the reader
        self._closed = False
        self._warned: set[int] = set()
        self._left_out: list[str] = []  # pictures, each with the reason
        self._told_of = 0
        self._shown = 0  # the place of the last one read
        self._is_open = self._is_looked_through = self._goes_back = False
        self.state = SourceState.OPEN
        first = self._first_readable()
        if first is None:
            raise SourceError(self._why_none(name, paths[0]))
        count, length_s = len(self._pages), self._times[-1]
        kind = f"1 {_kind(self._pages[0].path)} image" if self._count == 1 else f"{count} images"
        width, height = self._largest(first.size) if are_pictures else first.size
        self.info = SourceInfo(
            name, width, height, count / length_s, count, length_s,
            is_seekable=True, detail=kind, are_pictures=are_pictures,
        )  # fmt: skip
        self._is_open = True
        if start_s > 0:
            if self._place(start_s) >= count:
                raise SourceError(f"{name} has no image at or after {start_s:g} s: it is {length_s:g} s long")
            self._next = self._place(start_s)

    def read(self) -> Frame | None:
        while True:
            with self._lock:
                if self._closed or self._next >= len(self._pages):
                    self.state = SourceState.ENDED
                    break
                index, self._next = self._next, self._next + 1
            with self._reading:
                frame = self._load(index)
            if frame is not None:
                self._close_reader_if_over()
                self._shown = index
                return frame
            if self._are_pictures:
                self._leave_out(index)
        with self._reading:
            self._reader.close()
        self._tell_what_is_left_out()
        return None

    def seek(self, t: float) -> None:
        with self._lock:
            self._next = self._place(t)
            self._is_looked_through, self._goes_back = True, self._next < self._shown
            if not self._closed:
                self.state = SourceState.OPEN

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self.state = SourceState.ENDED
        self._close_reader_if_over()
        self._tell_what_is_left_out()

    def _close_reader_if_over(self) -> None:
        """Closes the reader's file once the source is closed; a thread that is just reading does so afterwards."""
        if self._closed and self._reading.acquire(blocking=False):
            try:
                self._reader.close()
            finally:
                self._reading.release()

    def _place(self, t: float) -> int:
        """The first image at or after `t`; half of its predecessor's time of tolerance, as everywhere: t is often
        a rounded number."""
        place = bisect_left(self._times, t, hi=len(self._pages))
        if place and t <= self._times[place - 1] + 0.5 * (self._times[place] - self._times[place - 1]):
            place -= 1
        return place

    def time_of(self, index: int) -> float:
        return self._times[min(index, len(self._pages) - 1)]

    def _first_readable(self) -> Frame | None:
        index = 0
        while index < len(self._pages):
            frame = self._load(index, warn=self._count > 1)
            if frame is not None:
                return frame
            if self._are_pictures:
                self._leave_out(index)
            else:
                index += 1
        return None

    def _largest(self, first: tuple[int, int]) -> tuple[int, int]:
        """The largest width and the largest height among the pictures, as their headers have them."""
        paths = list(dict.fromkeys(page.path for page in self._pages))
        headers = [self._reader.header(path) for path in paths[:: 1 + len(paths) // _MEASURED]]
        sizes = [(one.width, one.height) for one in headers if one is not None and one.width <= _WIDEST]
        sizes.append(first)
        return max(width for width, _ in sizes), max(height for _, height in sizes)

    def _leave_out(self, index: int) -> None:
        """Takes a picture that cannot be read out of the order; `read` goes on with the next one, or, where somebody
        goes back through them or there is no next, with the one before."""
        with self._lock:
            page = self._pages.pop(index)
            self._times.pop()
            self._left_out.append(self._why.line or f"{page.path.name} {self._why}")
            self._shown -= index < self._shown
            is_back = self._goes_back and index > 0
            is_beyond = self._is_looked_through and index >= len(self._pages)
            self._next = max(index - 1, 0) if is_back or is_beyond else index
            if self._is_open:
                count = len(self._pages)
                detail = f"{count} images, {len(self._left_out)} left out"
                self.info = replace(self.info, frame_count=count, duration_s=self._times[-1], detail=detail)
        if self._is_looked_through:
            self._tell_what_is_left_out()

    def _tell_what_is_left_out(self) -> None:
        with self._lock:
            count, names = len(self._left_out), self._left_out[self._told_of :]
            if not names or not self._is_open:
                return
            self._told_of = count
        if count == 1:
            log.warning("1 of the %d pictures of %s is left out: %s", self._count, self._name, names[0])
            return
        more = "; ..." if len(names) > 3 else ""
        log.warning("%d of the %d pictures of %s are left out: %s%s",
                    count, self._count, self._name, "; ".join(names[:3]), more)  # fmt: skip

    def _load(self, index: int, *, warn: bool = True) -> Frame | None:
        page = self._pages[index]
        try:
            image = self._reader.read(page)
            name = page.path.name if self._is_a_file_each else ""
            return Frame(image, self._times[index], index, time.monotonic(), name=name)
        except UnreadableImage as error:
            self._why = error
        if warn and index not in self._warned and not self._are_pictures:
            self._warned.add(index)
            log.warning("%s: skipped", self._why.line or f"{page.path} cannot be read as an image")
        return None

    def _why_none(self, name: str, path: Path) -> str:
        if self._count == 1:
            return self._why.line or f"cannot read the image {path}: it {self._why}; choose another file"
        return f"none of the {self._count} images of {name} can be read: choose others"


def open_image(path: Path, reading: Reading = AS_IT_IS) -> ImageSource:
    """One image file; all its pages, where it is an animation or has several."""
    try:
        header = ImageReader(reading.max_megapixels).check(path)
    except UnreadableImage:
        header = None  # the source says why
    count = 1 if header is None else header.pages
    page_s = header.page_s if header is not None else None
    taken_as = reading.taken_as or (FILM if count > 1 else PICTURES)
    if count > 1:
        kind = "a film" if taken_as == FILM else "single pictures"
        log.info("the %d pages of %s are taken for %s; --as %s takes them for the other",
                 count, path.name, kind, PICTURES if taken_as == FILM else FILM)  # fmt: skip
    return ImageSource(
        [Page(path, number) for number in range(count)],
        path.name,
        start_s=reading.start_s,
        page_s=[seconds or 1 / FPS for seconds in page_s]
        if page_s and len(page_s) == count and taken_as == FILM
        else None,
        are_pictures=taken_as == PICTURES,
        max_megapixels=reading.max_megapixels,
    )


def open_folder(folder: Path, reading: Reading = AS_IT_IS) -> ImageSource:
    """The images right in a folder, in natural order. Raises SourceError that says what it holds instead."""
    try:
        files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    except OSError as error:
        raise SourceError(f"cannot read the folder {folder}: {error.strerror or error}") from error
    images = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise SourceError(f"the folder {folder} holds no images{_instead(files)}")
    _tell_of_unreadable_kinds(files, str(folder))
    others = sorted(path.name for path in files if path.suffix.lower() in VIDEO_SUFFIXES)
    if others:
        more = ", ..." if len(others) > 3 else ""
        log.warning("%s: %d other files with pictures are left out (%s%s): open them separately",
                    folder, len(others), ", ".join(others[:3]), more)  # fmt: skip
    return _open_series(images, folder.resolve().name, reading)


def open_glob(pattern: str, reading: Reading = AS_IT_IS) -> ImageSource:
    """The images that match a pattern such as frames/*.jpg, in natural order."""
    files = [Path(name) for name in glob.glob(str(Path(pattern).expanduser()), recursive=True)]
    files = [path for path in files if path.is_file()]
    images = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise SourceError(f"no image matches {pattern}{_instead(files)}")
    _tell_of_unreadable_kinds(files, pattern)
    return _open_series(images, pattern, reading)


def _open_series(images: list[Path], name: str, reading: Reading) -> ImageSource:
    paths = _in_order(images)
    taken_as = reading.taken_as
    if taken_as is None and len(paths) == 1:
        taken_as = PICTURES
    elif taken_as is None:
        why = why_no_film(paths)
        taken_as = FILM if why is None else PICTURES
        if why is None:
            log.info("the %d images of %s are taken for the frames of a film (numbered names, one "
                     "size); --as pictures takes each by itself", len(paths), name)  # fmt: skip
        else:
            log.info("the %d images of %s are taken for single pictures, without IDs (%s); --as film tracks "
                     "through them", len(paths), name, why)  # fmt: skip
    return ImageSource(
        paths,
        name,
        start_s=reading.start_s,
        are_pictures=taken_as == PICTURES,
        max_megapixels=reading.max_megapixels,
    )


def _tell_of_unreadable_kinds(files: list[Path], name: str) -> None:
    unreadable = [path for path in files if path.suffix.lower() in UNREADABLE_SUFFIXES]
    if unreadable:
        kinds = ", ".join(sorted({path.suffix.lower() for path in unreadable}))
        log.warning("%s: %d pictures of a kind that cannot be read are left out (%s): convert them to JPEG or PNG",
                    name, len(unreadable), kinds)  # fmt: skip


def _in_order(paths: list[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: natural_key(str(path)))


def _instead(files: list[Path]) -> str:
    """What the folder holds instead, for an error message."""
    videos = sorted(path.name for path in files if path.suffix.lower() in VIDEO_SUFFIXES)
    if videos:
        more = ", ..." if len(videos) > 3 else ""
        return f", but {len(videos)} video(s) ({', '.join(videos[:3])}{more}): open one of them"
    unreadable = [path for path in files if path.suffix.lower() in UNREADABLE_SUFFIXES]
    if unreadable:
        kinds = ", ".join(sorted({path.suffix.lower() for path in unreadable}))
        return (
            f", only {len(unreadable)} of a kind that cannot be read ({kinds}): convert them to JPEG or PNG"
        )
    if files:
        return f", only other files ({len(files)}): choose images ({', '.join(sorted(IMAGE_SUFFIXES))})"
    return ": choose one with .jpg or .png files"


def _kind(path: Path) -> str:
    return path.suffix.lstrip(".").upper() or "unnamed"
