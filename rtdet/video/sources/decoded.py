"""Pictures as the decoder gave them, converted when somebody asks for their colours."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any, cast

import cv2
import numpy as np

from rtdet.geometry.planes import Planes
from rtdet.types import FloatArray, Image, Picture
from rtdet.video.sources.picture import FULL_RANGE, INTERLEAVED, Converter, Orientation

# 8 bits in planes, by how often chroma was halved (across, down).
_HALVED = {
    "yuv420p": (1, 1), "yuvj420p": (1, 1), "nv12": (1, 1), "nv21": (1, 1),
    "yuv422p": (1, 0), "yuvj422p": (1, 0), "yuv444p": (0, 0), "yuvj444p": (0, 0),
}  # fmt: skip
# How much smaller a network's input must be for planes to be scaled and not the converted picture. Other roundings,
# by half a level on average, move every fourth box of YOLOX-nano by more than half a pixel, and every fifth score by
# more than 0.01; what they save is 0.3 ms of a 720p picture, 0.6 of a 1080p one and 4 of a 4K one.
LEAST_REDUCTION = 6.0
_TILE, _TILES = 4, 32  # of the picture whose conversion is measured


def picture_of(frame: Any, orientation: Orientation, converter: Converter) -> Image | Picture:
    """The av.VideoFrame upright: to be converted on demand where it is in planes of 8 bits, else converted."""
    halved = _HALVED.get(frame.format.name)
    if halved is None or frame.width % (1 + halved[0]) or frame.height % (1 + halved[1]):
        return orientation.apply(converter.to_bgr(frame))
    if any(plane.line_size < plane.width for plane in frame.planes):  # stored from the last row on
        return orientation.apply(converter.to_bgr(frame))
    return DecodedPicture(frame, orientation, converter)


class DecodedPicture:
    """A types.Picture over an av.VideoFrame with planes of 8 bits. It holds the decoder's buffer while it lives."""

    __slots__ = ("_bgr", "_converter", "_frame", "_lock", "_orientation")

    def __init__(self, frame: Any, orientation: Orientation, converter: Converter) -> None:
        self._frame, self._orientation, self._converter = frame, orientation, converter
        self._bgr: Image | None = None
        self._lock = threading.Lock()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels, upright."""
        width, height = self._frame.width, self._frame.height
        return (height, width) if self._is_on_its_side else (width, height)

    def bgr(self) -> Image:
        """See types.Picture."""
        with self._lock:
            if self._bgr is None:
                self._bgr = self._orientation.apply(self._converter.to_bgr(self._frame))
            return self._bgr

    def _colors(self) -> Image:
        """As `bgr`, but not kept where nobody has asked for it: memory that is given back at once is there for the
        next picture, still in the processor's cache. Fresh pages for each cost as much as converting and scaling."""
        with self._lock:
            if self._bgr is not None:
                return self._bgr
        return self._orientation.apply(self._converter.to_bgr(self._frame))

    def scaled(self, size: tuple[int, int]) -> Image:
        """See types.Picture. Which of the two ways it takes depends on the sizes alone, so that a film gives the same
        twice."""
        if min(self.size[0] / size[0], self.size[1] / size[1]) < LEAST_REDUCTION:
            return np.asarray(
                cv2.resize(self._colors(), size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8
            )
        return self._orientation.apply(planes_of(self._frame).scaled(self._stored(size)))

    def shrunk(self, size: tuple[int, int]) -> Image:
        """See types.Picture."""
        if size == self.size and (self._bgr is not None or self._frame.format.name in INTERLEAVED):
            return np.asarray(cv2.cvtColor(self.bgr(), cv2.COLOR_BGR2BGRA), dtype=np.uint8)
        return self._orientation.apply(self._converter.to_bgra(self._frame, self._stored(size)))

    @property
    def colorspace(self) -> int:
        """Of its luma and chroma, as FFmpeg counts."""
        return int(self._frame.colorspace)

    def planes(self) -> Planes | None:
        """Its luma, and its chroma of half the width and height, upright, in the range of video: as it was decoded,
        or converted where it was not so; None where its size is odd. Not to be written to: the decoder goes on with
        them."""
        frame, name = self._frame, self._frame.format.name
        if frame.width % 2 or frame.height % 2:
            return None
        if name.startswith("yuvj") or _HALVED[name] != (1, 1) or frame.color_range == FULL_RANGE:
            frame = self._converter.to_video(frame)
        stored, turn = planes_of(frame), self._orientation.apply
        blue, red = stored.chroma
        return Planes(turn(stored.luma), (turn(blue), turn(red)), stored.matrix)

    @property
    def _is_on_its_side(self) -> bool:
        return self._orientation.clockwise in (90, 270)

    def _stored(self, size: tuple[int, int]) -> tuple[int, int]:
        return (size[1], size[0]) if self._is_on_its_side else size


def planes_of(frame: Any) -> Planes:
    """The planes of an av.VideoFrame of one of the formats in planes of 8 bits; views of its memory."""
    name = frame.format.name
    luma, *chroma = (
        np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size) for plane in frame.planes
    )
    across = _HALVED[name][0]
    if name in INTERLEAVED:
        pairs = chroma[0][:, : frame.width].reshape(frame.height // 2, frame.width // 2, 2)
        first, second = cv2.split(pairs)
        both = (first, second) if name == "nv12" else (second, first)
    else:
        both = cast(tuple[Image, Image], tuple(plane[:, : frame.width >> across] for plane in chroma))
    # What is converted by way of yuv420p is measured by it.
    measured = "yuv420p" if name in INTERLEAVED else name
    return Planes(
        luma[:, : frame.width], both, conversion(measured, int(frame.colorspace), int(frame.color_range))
    )


@lru_cache(maxsize=64)
def conversion(format_name: str, colorspace: int, color_range: int) -> FloatArray:
    """The matrix (3, 4) of Planes by which `Converter` goes, for a format of three planes and FFmpeg's numbers of a
    colour space and a range: the one that fits best what it makes of known colours, roundings included."""
    import av

    rng = np.random.default_rng(0)
    side = _TILE * _TILES
    frame = av.VideoFrame(side, side, format_name)
    frame.colorspace, frame.color_range = colorspace, color_range
    # So near to grey that no colour is cut off.
    values = [rng.integers(least, most, (_TILES, _TILES), dtype=np.uint8) for least, most in _NEAR_GRAY]
    for plane, tiles in zip(frame.planes, values, strict=True):
        pixels = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        pixels[:, : plane.width] = cv2.resize(
            tiles, (plane.width, plane.height), interpolation=cv2.INTER_NEAREST
        )
    colors = Converter().to_bgr(frame)[::_TILE, ::_TILE].reshape(-1, 3).astype(np.float64)
    known = np.column_stack([*(tiles.ravel() for tiles in values), np.ones(_TILES**2)])
    matrix: FloatArray = np.linalg.lstsq(known, colors, rcond=None)[0].T
    return matrix


_NEAR_GRAY = ((60, 190), (108, 149), (108, 149))
