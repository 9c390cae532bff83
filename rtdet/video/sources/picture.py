"""Decoded pictures to upright BGR arrays."""

from __future__ import annotations

import math
import struct
import threading
from typing import Any, NamedTuple, cast

import cv2
import numpy as np
import numpy.typing as npt

from rtdet.types import Image

# 8 bits, with both chroma values side by side in one plane: what graphics hardware gives.
INTERLEAVED = frozenset({"nv12", "nv21"})
VIDEO_RANGE, FULL_RANGE = 1, 2  # of luma, as FFmpeg counts them: 16 to 235, 0 to 255


class Orientation(NamedTuple):
    """How to make a stored picture upright: mirror it left to right, then turn it clockwise by degrees."""

    mirrored: bool = False
    clockwise: int = 0

    def apply(self, image: Image) -> Image:
        if self.mirrored:
            image = cv2.flip(image, 1)
        if self.clockwise:
            image = cv2.rotate(image, _TURNS[self.clockwise])
        return image


_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def orientation_of(frame: Any) -> Orientation:
    """The display matrix of an av.VideoFrame, to the nearest quarter turn; none: upright.

    The matrix maps a stored point (x, y) to (a x + c y, b x + d y), y down, in 16.16 fixed point
    (libavutil/display.h), so its first column is where the picture's x axis ends up.
    """
    try:
        matrix = frame.side_data.get("DISPLAYMATRIX")
    except (
        ValueError
    ):  # beside it is a kind of data that PyAV does not know: its own reading is the turn alone
        return Orientation(clockwise=round(-frame.rotation / 90) % 4 * 90)
    if matrix is None:
        return Orientation()
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix)[:36])
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    turns = round(math.degrees(math.atan2(b, a)) / 90)
    return Orientation(mirrored, turns % 4 * 90)


def on_black(bgra: npt.NDArray[np.uint8]) -> Image:
    """(H, W, 4) with straight alpha laid on black, as the viewer's background is."""
    alpha = bgra[:, :, 3]
    bgr: Image = cv2.cvtColor(bgra, cv2.COLOR_BGRA2BGR)
    if alpha.min() == 255:
        return bgr
    laid: Image = cv2.multiply(bgr, cv2.cvtColor(alpha, cv2.COLOR_GRAY2BGR), scale=1 / 255)
    return laid


class Converter:
    """av.VideoFrame of any pixel format to (H, W, 3) uint8 BGR; from any thread.

    Colour matrix and range are the stream's own; where it names none, BT.601 limited as in FFmpeg, OpenCV
    and our own recordings. Deeper pictures are reduced to 8 bits, transparent ones are laid on black.
    """

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        # The scalers inside are reused from frame to frame, and are for one thread at a time.
        self._reformatter, self._divider, self._shrinker, self._halver = (
            VideoReformatter() for _ in range(4)
        )
        self._lock, self._lock_of_shrinker, self._lock_of_halver = (threading.Lock() for _ in range(3))

    def to_bgr(self, frame: Any) -> Image:
        pixels = frame.format
        has_alpha = pixels.has_palette or any(part.is_alpha for part in pixels.components)
        with self._lock:
            if pixels.name in INTERLEAVED:
                # FFmpeg would convert them by another way, half a row off in chroma.
                frame = self._divider.reformat(frame, format="yuv420p", threads=1)
            # One thread: the conversion costs half a millisecond at 720p, and waking a second one costs more.
            wanted = self._reformatter.reformat(frame, format="bgra" if has_alpha else "bgr24", threads=1)
        array = cast(npt.NDArray[np.uint8], wanted.to_ndarray())
        return on_black(array) if has_alpha else np.ascontiguousarray(array)

    def to_video(self, frame: Any) -> Any:
        """A frame in planes of 8 bits and of an even size, as films have them: an av.VideoFrame with chroma of half
        the width and height (yuv420p), in the range of video."""
        with self._lock_of_halver:
            return self._halver.reformat(frame, format="yuv420p", dst_color_range=VIDEO_RANGE, threads=1)

    def to_bgra(self, frame: Any, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
        """(H, W, 4) of a frame without alpha, shrunk to `size` (width, height) by area."""
        with self._lock_of_shrinker:
            wanted = self._shrinker.reformat(frame, *size, format="bgra", interpolation="AREA", threads=1)
        return np.ascontiguousarray(wanted.to_ndarray())
