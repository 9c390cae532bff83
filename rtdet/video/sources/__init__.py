"""Where frames come from: cameras, files, network streams, images, the demo.

`open_source` understands every spelling of the command line's --source. A new kind of source is a class
in a file of its own and one line in SOURCES.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rtdet.address import Address
from rtdet.errors import SourceError
from rtdet.protocols import Source
from rtdet.video.sources.cameras import CameraInfo, list_cameras
from rtdet.video.sources.names import IMAGE_SUFFIXES, is_camera, is_glob, is_url, missing_file, to_path
from rtdet.video.sources.reading import MAX_MEGAPIXELS, Reading

if TYPE_CHECKING:
    from rtdet.video.recording.packets import PacketCopy

__all__ = ["SOURCES", "CameraInfo", "SourceKind", "list_cameras", "names_source", "open_source"]

_LAST_CAMERA = 255


@dataclass(frozen=True)
class SourceKind:
    """A kind of source: how it is spelt (for the help), which texts mean it, how it is opened, and whether it is read
    as packets, which can be copied."""

    spelling: str
    matches: Callable[[str], bool]
    open: Callable[[str, Reading], Source]
    has_packets: bool = False


def open_source(
    text: str | Path,
    *,
    start_s: float = 0.0,
    taken_as: str | None = None,
    video_track: int | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
    packets: PacketCopy | None = None,
    hwaccel: str = "auto",
    decoder_threads: int = 0,
) -> Source:
    """The source that a text names: see `SOURCES` for the spellings.

    start_s: begin there; only where the source can seek. taken_as: "film" or "pictures", for images (None: by
    their names and sizes). video_track: which of a container's, from 0 (None: the film). max_megapixels: larger
    pictures are not decoded. packets: takes the packets of a file or a stream, to copy them; UsageError where a
    source has none. hwaccel: what decodes, a device as FFmpeg names it ("cuda", "vaapi", ...), "auto" or "off".
    decoder_threads: at most so many decode a file or a stream (0: one for each core). Raises SourceError, one line
    that names the source and says what to do.

    >>> source = rtdet.open_source("street.mp4", start_s=0.2)
    >>> source.info.width, source.info.height, source.info.fps
    (640, 360, 20.0)
    >>> while (frame := source.read()) is not None:
    ...     print(f"{frame.t:.2f} s", frame.bgr.shape)
    0.20 s (360, 640, 3)
    ...
    0.45 s (360, 640, 3)
    >>> source.close()
    """
    spelling = str(text).strip() if isinstance(text, str) else str(text)
    if not spelling:
        raise SourceError("no source given: name a file, a camera (webcam:0) or an address (rtsp://...)")
    address = Address.parse(spelling)
    if address.is_incomplete:
        raise SourceError(f"{spelling} has *** in place of a password or token; give the whole address")
    if not 0 <= start_s < math.inf:
        raise SourceError(f"a source cannot start at {start_s:g} s: give 0 or more")
    try:
        kind = next((kind for kind in SOURCES.values() if kind.matches(spelling)), None)
        if kind is None:
            raise missing_file(to_path(spelling))
    except (OSError, ValueError, RuntimeError) as error:  # a name that no path can have, a ~user unknown
        raise SourceError(
            f"cannot read {spelling[:80]}: {getattr(error, 'strerror', None) or error}"
        ) from error
    if hwaccel not in ("auto", "off"):
        from rtdet.video.sources.hardware import check_hwaccel

        check_hwaccel(hwaccel)
    reading = Reading(start_s, taken_as, video_track, max_megapixels, packets, hwaccel, decoder_threads)
    if not kind.has_packets:
        reading.refuse_copy(spelling)
    return kind.open(spelling, reading)


def names_source(text: str) -> bool:
    """Whether a text is spelt as a source; of a file or a folder, whether it is there."""
    spelling = text.strip()
    try:
        return any(kind.matches(spelling) for kind in SOURCES.values())
    except (OSError, ValueError, RuntimeError):  # no path can have such a name
        return False


def _open_demo(text: str, reading: Reading) -> Source:
    from rtdet.video.sources.demo import DemoSource

    seed = text.partition(":")[2]
    source = DemoSource(seed=int(seed)) if seed else DemoSource()
    if reading.start_s > 0:
        source.seek(reading.start_s)
    return source


def _open_webcam(text: str, reading: Reading) -> Source:
    from rtdet.video.sources.webcam import WebcamSource

    reading.refuse_start(text)
    index = int(re.sub(r"\D", "", text) or 0)
    if index > _LAST_CAMERA:
        raise SourceError(f"cannot open {text}: there is no camera with that number; `webcam` is the first")
    return WebcamSource(index)


def _open_stream(text: str, reading: Reading) -> Source:
    from rtdet.video.sources.stream import open_stream

    return open_stream(text, reading)


def _open_folder(text: str, reading: Reading) -> Source:
    from rtdet.video.sources.images import open_folder

    return open_folder(to_path(text), reading)


def _open_image(text: str, reading: Reading) -> Source:
    from rtdet.video.sources.image_files import is_animated_png
    from rtdet.video.sources.images import open_image

    if is_animated_png(to_path(text)):
        return _open_file(text, reading)
    return open_image(to_path(text), reading)


def _open_file(text: str, reading: Reading) -> Source:
    from rtdet.video.sources.container import FileSource

    return FileSource(to_path(text), reading)


def _open_glob(text: str, reading: Reading) -> Source:
    from rtdet.video.sources.images import open_glob

    return open_glob(text, reading)


def _is_demo(text: str) -> bool:
    return re.fullmatch(r"demo(:\d+)?", text) is not None


def _is_image_file(text: str) -> bool:
    path = to_path(text)
    return path.suffix.lower() in IMAGE_SUFFIXES and path.exists()


# In the order in which they are tried.
SOURCES: dict[str, SourceKind] = {
    "demo": SourceKind("demo or demo:SEED", _is_demo, _open_demo),
    "webcam": SourceKind("webcam, webcam:N or N", is_camera, _open_webcam),
    "stream": SourceKind("rtsp://..., http://..., udp://...", is_url, _open_stream, has_packets=True),
    "folder": SourceKind("a folder of images", lambda text: to_path(text).is_dir(), _open_folder),
    "image": SourceKind("an image file", _is_image_file, _open_image),
    "file": SourceKind(
        "a video file or an animated GIF", lambda text: to_path(text).exists(), _open_file, has_packets=True
    ),
    "glob": SourceKind("a pattern such as frames/*.jpg", is_glob, _open_glob),
}
