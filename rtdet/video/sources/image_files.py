"""Image files to (H, W, 3) uint8 pictures: their pages, their depth, their size before they are decoded."""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import cv2
import numpy as np
import numpy.typing as npt

from rtdet.terminal import quiet_opencv
from rtdet.types import Image
from rtdet.video.sources.picture import on_black
from rtdet.video.sources.quiet import quiet_codecs
from rtdet.video.sources.reading import MAX_MEGAPIXELS, too_large

log = logging.getLogger("rtdet.video")

# Sensors count to 10, 12 or 14 bits, and files of 16 bits hold their counts as they are.
_SENSOR_BITS = (8, 10, 12, 14)
_OVERSHOOT = 1.1  # lossy coding may go beyond the highest count
_BY_PILLOW = frozenset({".avif", ".tga", ".jp2"})  # what OpenCV may have been built without
_STRIP = 1024  # rows
# A transparent picture is decoded twice; what one of its pixels takes, against one of another.
_WEIGHT_OF_ALPHA = 1.6
# Pages of a TIFF that are decoded together: so many bytes of them, and so many.
_PAGES_BYTES, _MOST_PAGES = 1 << 26, 64
_MOST_UNKNOWN_BYTES = 1 << 29  # read in one piece only where the header says what it is


class UnreadableImage(Exception):
    """Raised for a file that cannot be read as an image; the message completes a sentence about it, or is a line."""

    def __init__(self, why: str, *, line: str | None = None) -> None:
        self.line = line
        super().__init__(why)


class Page(NamedTuple):
    """One picture of a file that may hold several."""

    path: Path
    number: int = 0


class Header(NamedTuple):
    """The header of an image file: pixels of the upright picture (of a TIFF's largest page), pages, the seconds that
    each is shown (None: it has no times), when it was taken."""

    width: int
    height: int
    pages: int
    page_s: tuple[float, ...] | None
    taken_at: str
    has_alpha: bool


class ImageReader:
    """Reads the pages of image files, upright by their EXIF orientation, 8 bits, alpha laid on black.

    A 16-bit file that uses fewer bits, as sensors do, is brought to full brightness; the bits found in the
    darker pictures hold for those after them, so that a video does not flicker.
    """

    def __init__(self, max_megapixels: float = MAX_MEGAPIXELS) -> None:
        self._max_megapixels = max_megapixels
        self._bits = 0
        self._open: tuple[Path, Any] | None = None
        self._decoded: tuple[Path | None, dict[int, Any]] = (None, {})
        self._of_many: tuple[Path, Header] | None = (
            None  # of a file with pages, which is asked for each of them
        )

    def read(self, page: Page) -> Image:
        """Raises UnreadableImage."""
        header = self.check(page.path)
        if page.number or (header is not None and header.pages > 1):
            return self._read_page(page)
        try:
            # Read here rather than by OpenCV, which cannot open every path on Windows.
            encoded = np.fromfile(page.path, np.uint8)
        except OSError as error:
            raise UnreadableImage(f"cannot be opened ({error.strerror or error})") from error
        if not encoded.size:
            raise UnreadableImage("is empty (0 bytes)")
        image = self._decode(encoded, page.path, header)
        if image is None and header is not None and page.path.suffix.lower() in _BY_PILLOW:
            return self._read_page(page)
        if image is None:
            raise UnreadableImage("is damaged or another kind of file")
        return image

    def check(self, path: Path) -> Header | None:
        """The header of a file that is small enough; None where nobody knows the format. Raises UnreadableImage."""
        if self._of_many is not None and self._of_many[0] == path:
            return self._of_many[1]
        header = read_header(path)
        if header is None:
            with contextlib.suppress(OSError):
                if path.stat().st_size > _MOST_UNKNOWN_BYTES:
                    raise UnreadableImage("is too large to be an image")
            return None
        weight = _WEIGHT_OF_ALPHA if header.has_alpha else 1.0
        if line := too_large(path, weight * header.width, header.height, self._max_megapixels):
            raise UnreadableImage("is too large", line=line)
        self._of_many = (path, header) if header.pages > 1 else None
        return header

    def header(self, path: Path) -> Header | None:
        """As `check`, and None of a file that is too large."""
        try:
            return self.check(path)
        except UnreadableImage:
            return None

    def close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None
        self._decoded = (None, {})

    def _decode(self, encoded: npt.NDArray[np.uint8], path: Path, header: Header | None) -> Image | None:
        head = encoded[:64].tobytes()
        with quiet_opencv(), quiet_codecs():
            try:
                image: Any = cv2.imdecode(encoded, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
                if image is not None and image.dtype not in (np.uint8, np.uint16):
                    image = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
                if image is None:
                    return None
                if image.dtype == np.uint16:
                    image = self._to_8_bits(image, path)
                if (header is None or header.has_alpha) and _may_be_transparent(head):
                    image = _with_alpha(encoded, image)
            except cv2.error:
                return None
        return cast(Image, image)

    def _to_8_bits(self, image: npt.NDArray[np.uint16], path: Path) -> Image:
        brightest = int(image.max())
        bits = next((bits for bits in _SENSOR_BITS if brightest < _OVERSHOOT * (1 << bits)), 16)
        if bits > self._bits:
            self._bits = bits
            if bits < 16:
                log.info("%s uses %d of its 16 bits: brightened to match", path.name, bits)
        if self._bits == 16:
            return (image >> 8).astype(np.uint8)
        return cast(Image, cv2.convertScaleAbs(image, alpha=255 / ((1 << self._bits) - 1)))

    def _read_page(self, page: Page) -> Image:
        from PIL import Image as Pillow
        from PIL import ImageOps

        try:
            if page.path.suffix.lower() in (".tif", ".tiff"):
                return self._read_tiff_page(page)
            if self._open is None or self._open[0] != page.path:
                self.close()
                self._open = page.path, Pillow.open(page.path)
            image = self._open[1]
            image.seek(page.number)
            upright = ImageOps.exif_transpose(image.convert("RGBA"))
            return on_black(cv2.cvtColor(np.asarray(upright), cv2.COLOR_RGBA2BGRA))
        except (
            OSError,
            ValueError,
            SyntaxError,
            EOFError,
            cv2.error,
            Pillow.DecompressionBombError,
        ) as error:
            raise UnreadableImage(f"has a page {page.number + 1} that is damaged ({error})") from error

    def _read_tiff_page(self, page: Page) -> Image:
        path, pages = self._decoded
        if path != page.path or page.number not in pages:
            pages = self._decode_tiff(page)
            self._decoded = page.path, pages
        image = pages.pop(page.number, None)
        if image is None or image.dtype not in (np.uint8, np.uint16):
            raise UnreadableImage(f"has a page {page.number + 1} that cannot be decoded")
        return self._to_8_bits(image, page.path) if image.dtype == np.uint16 else image

    def _decode_tiff(self, page: Page) -> dict[int, Any]:
        """The page and some after it, by number: OpenCV walks to them from the beginning of the file, however many
        it is asked for."""
        header = self.check(page.path)
        page_bytes = _PAGES_BYTES if header is None else 6 * header.width * header.height
        count = min(max(1, _PAGES_BYTES // page_bytes), _MOST_PAGES)
        with quiet_opencv():
            _, pages = cv2.imreadmulti(
                str(page.path), page.number, count, flags=cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR
            )
        return dict(enumerate(pages, page.number))


def read_image(path: Path) -> Image | None:
    """(H, W, 3) BGR, upright by its EXIF orientation, 8 bits, alpha laid on black; None: unreadable."""
    try:
        return ImageReader().read(Page(path))
    except UnreadableImage:
        return None


def read_header(path: Path) -> Header | None:
    """What a file's first bytes say, without decoding it; None for a file that is none that we know."""
    from PIL import Image as Pillow

    # Pillow warns of large pictures and odd EXIF: the one we measure, the other does not matter here.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        with Pillow.open(path) as image:
            pages = int(getattr(image, "n_frames", 1)) if image.format in ("WEBP", "TIFF", "AVIF") else 1
            page_s = _webp_times(path) if image.format == "WEBP" and pages > 1 else None
            exif = image.getexif() if image.format in ("JPEG", "MPO") else {}
            taken_at = str(exif.get(_EXIF_TIME, ""))
            width, height = image.size[::-1] if exif.get(_EXIF_ORIENTATION) in _ON_THEIR_SIDE else image.size
            if image.format == "TIFF" and pages > 1:
                width, height = (max(sides) for sides in zip(*_page_sizes(image, pages), strict=True))
            has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
            return Header(width, height, pages, page_s, taken_at, has_alpha)
    except Pillow.DecompressionBombError as error:
        # Pillow refuses before it says the size; the number of pixels is in its message.
        found = re.search(r"\((\d+) pixels\)", str(error))
        pixels = int(found[1]) if found else 1 << 40
        return Header(pixels, 1, 1, None, "", has_alpha=False)
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError, MemoryError):
        return None


_EXIF_TIME = 0x0132
_EXIF_ORIENTATION = 0x0112
_ON_THEIR_SIDE = (5, 6, 7, 8)  # width and height change places


def _page_sizes(image: Any, pages: int) -> Iterator[tuple[int, int]]:
    for number in range(pages):
        image.seek(number)
        yield image.size


def _webp_times(path: Path) -> tuple[float, ...]:
    """How long each frame is shown, by the `ANMF` chunks (developers.google.com/speed/webp/docs/riff_container)."""
    content, place, seconds = path.read_bytes(), 12, []
    while place + 8 <= len(content):
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        if content[place : place + 4] == b"ANMF":
            seconds.append(int.from_bytes(content[place + 20 : place + 23], "little") / 1000)
        place += 8 + size + size % 2
    return tuple(seconds)


def is_animated_png(path: Path) -> bool:
    """Whether a file is an APNG, which FFmpeg plays as a video: it has `acTL` before its picture."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return head.startswith(b"\x89PNG") and 0 < head.find(b"acTL") < (head.find(b"IDAT") % (1 << 62))


def _may_be_transparent(head: bytes) -> bool:
    if head.startswith(b"\x89PNG"):
        return head[25:26] in (b"\3", b"\4", b"\6")  # the color type: palette, gray or color with alpha
    return head[8:12] == b"WEBP" or head[:4] in (b"II*\0", b"MM\0*")


def _with_alpha(encoded: npt.NDArray[np.uint8], image: Image) -> Image:
    whole = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
    if whole is None or whole.ndim != 3 or whole.shape[2] != 4 or whole.shape[:2] != image.shape[:2]:
        return image
    for top in range(0, len(image), _STRIP):  # a large picture is not held five times over
        alpha = whole[top : top + _STRIP, :, 3]
        alpha = alpha if alpha.dtype == np.uint8 else (alpha // 257).astype(np.uint8)
        strip = image[top : top + _STRIP]
        strip[:] = on_black(np.dstack([strip, alpha]))
    return image
