"""Results as the frames that x264 takes as they are: luma, and both chroma values side by side (NV12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from rtdet.geometry.letterbox import letterbox
from rtdet.geometry.planes import Planes
from rtdet.types import FrameResult, Image, Picture
from rtdet.video.draw import Painter
from rtdet.video.draw.layers import Layer, luma_and_chroma
from rtdet.video.sources.decoded import DecodedPicture

if TYPE_CHECKING:
    import av

FORMAT = "nv12"
# Colour spaces as H.273 and FFmpeg count them.
BT709, BT601 = 1, 6
# What a film says of its own: nothing is BT.601, as our sources take it, and BT.470BG has the same matrix.
_SPACES = {BT709: BT709, 2: BT601, 5: BT601, BT601: BT601}
_INKS = {BT601: luma_and_chroma(0.299, 0.114), BT709: luma_and_chroma(0.2126, 0.0722)}


class PaintedFrames:
    """Each result as an av.VideoFrame with its tracks painted on it.

    A decoder's picture is painted in the luma and chroma that it came in: conversions to blue, green and red and back
    would take longer than painting, and lose colour. Others are converted.

    size: (width, height) of all of them; None: that of the first. Others are letterboxed, and odd sizes grow by a
    repeated row or column. colorspace: of all of them, as FFmpeg counts; known from the first on, by which it goes.
    """

    def __init__(self, painter: Painter, size: tuple[int, int] | None = None) -> None:
        self._painter, self._size = painter, size
        self._takes_planes = painter.shows_all and size is None
        self.colorspace: int | None = None

    def frame_of(self, result: FrameResult) -> av.VideoFrame:
        planes = self._planes(result.frame.picture)
        if planes is not None:
            return self._painted(planes, result)
        image = self._painter.paint(result)
        self.colorspace = self.colorspace or BT601
        self._size = self._size or (image.shape[1], image.shape[0])
        return self._converted(image)

    def _planes(self, picture: Image | Picture) -> Planes | None:
        """The planes of a picture that can be painted in them, for this film."""
        if not (self._takes_planes and isinstance(picture, DecodedPicture)):
            return None
        if self._size not in (None, picture.size):
            return None
        space = _SPACES.get(picture.colorspace)
        if space is None or self.colorspace not in (None, space):
            return None
        planes = picture.planes()
        if planes is not None:
            self._size, self.colorspace = picture.size, space
        return planes

    def _painted(self, planes: Planes, result: FrameResult) -> av.VideoFrame:
        height, width = planes.luma.shape
        frame, luma, chroma = _new_frame(width, height)
        np.copyto(luma, planes.luma)
        cv2.merge(planes.chroma, chroma)
        inks = _INKS[self.colorspace or BT601]
        self._painter.paint_on([Layer(luma, inks[0]), Layer(chroma, inks[1], halved=1)], result)
        return frame

    def _converted(self, image: Image) -> av.VideoFrame:
        if image.shape[1::-1] != self._size:
            assert self._size is not None
            image, _ = letterbox(image, self._size, fill=0, center=True)
        height, width = image.shape[:2]
        if height % 2 or width % 2:
            image = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
            height, width = image.shape[:2]
        if self.colorspace != BT601:
            return _by_swscale(image)
        # cv2 converts twice as fast as swscale here.
        planes = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
        frame, luma, chroma = _new_frame(width, height)
        np.copyto(luma, planes[:height])
        cv2.merge(tuple(planes[height:].reshape(2, height // 2, width // 2)), chroma)
        return frame


def _new_frame(width: int, height: int) -> tuple[av.VideoFrame, Image, Image]:
    """A frame, its luma (H, W) and its chroma (H / 2, W / 2, 2), to be written to."""
    import av

    frame = av.VideoFrame(width, height, FORMAT)
    luma, chroma = (np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size) for plane in frame.planes)
    return frame, luma[:, :width], chroma[:, :width].reshape(height // 2, width // 2, 2)


def _by_swscale(image: Image) -> av.VideoFrame:
    """In BT.709: a picture that is not as the first of its film."""
    import av
    from av.video.reformatter import Colorspace

    frame = av.VideoFrame.from_ndarray(image, "bgr24")
    return frame.reformat(format=FORMAT, dst_colorspace=Colorspace.ITU709)
