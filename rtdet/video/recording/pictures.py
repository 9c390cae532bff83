"""Annotated pictures: each single picture of a source as a file of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2

from rtdet.errors import OutputError
from rtdet.output_file import cannot_write, check_output, write_whole
from rtdet.protocols import Sink
from rtdet.types import Frame, FrameResult, Image, Tracks
from rtdet.video.draw import DrawStyle, draw_tracks

# What OpenCV writes; a picture of another kind becomes a PNG.
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
_JPEG_QUALITY = 95


class PictureFile(Sink):
    """One annotated picture at `path`. The constructor raises OutputError where nothing can be written."""

    def __init__(self, path: str | Path, *, style: Callable[[], DrawStyle] = DrawStyle) -> None:
        self.path, self._style = check_output(path), style

    def write(self, result: FrameResult) -> None:
        write_picture(self.path, result.frame.bgr, result.tracks, self._style())

    def close(self) -> None:
        pass


class PictureFolder(Sink):
    """Annotated pictures in a folder, each under its own file's name, which is the newest where somebody comes back
    to it.

    The folder is made where it is missing; it goes again where no picture comes. A picture of a file that holds
    several gets a number, and one of two with the same name its place. Raises OutputError.
    """

    def __init__(self, folder: str | Path, *, style: Callable[[], DrawStyle] = DrawStyle) -> None:
        self.path, self._style = Path(folder), style
        self._places: dict[str, int] = {}
        self._is_ours = not self.path.exists()
        try:
            self.path.mkdir(exist_ok=True)
        except FileNotFoundError:
            raise OutputError(
                f"the folder {self.path.parent} does not exist; create it or choose another"
            ) from None
        except OSError as error:
            raise cannot_write(self.path, error) from error
        check_output(self.path / "picture.png")

    def write(self, result: FrameResult) -> None:
        write_picture(self.path / self._name_of(result.frame), result.frame.bgr, result.tracks, self._style())

    def close(self) -> None:
        if self._is_ours and not self._places:
            with suppress(OSError):
                self.path.rmdir()

    def _name_of(self, frame: Frame) -> str:
        name = Path(frame.name or f"{frame.index + 1:06d}.png")
        suffix = name.suffix if name.suffix.lower() in PICTURE_SUFFIXES else ".png"
        plain = f"{name.stem}{suffix}"
        if self._places.setdefault(plain, frame.index) == frame.index:
            return plain
        return f"{name.stem}-{frame.index + 1}{suffix}"


def write_picture(path: Path, image: Image, tracks: Tracks, style: DrawStyle) -> None:
    """Writes the (H, W, 3) BGR image with the tracks on it, in the format of the suffix. Raises OutputError."""
    drawn, suffix = draw_tracks(image, tracks, style), path.suffix.lower()
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if suffix in (".jpg", ".jpeg") else []
    try:
        encoded, content = cv2.imencode(suffix, drawn, quality)
    except cv2.error:
        encoded = False
    if not encoded:
        height, width = image.shape[:2]
        raise OutputError(f"cannot encode {path.name}: {path.suffix} cannot hold {width}x{height} pixels")
    write_whole(path, content.tobytes())
