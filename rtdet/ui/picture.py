"""The visible part of a frame, scaled to the screen's own pixels, as a QImage. Made in the GUI thread."""

from __future__ import annotations

import math

import cv2
import numpy as np
from PyQt6.QtCore import QPointF, QSize, Qt
from PyQt6.QtGui import QImage

from rtdet.types import Image, Picture, size_of
from rtdet.viewer.viewport import Viewport


class ScaledPicture:
    """Crops a frame to what is visible and scales it before Qt paints it: three times as fast as QPainter's smooth
    scaling. One that is shown whole and no larger than it is never becomes blue, green and red in its own size. The
    result is kept until the frame or the view changes."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._pixels: Image | None = None  # the QImage has no copy of it: it must live as long
        self._image = QImage()
        self._at = QPointF()

    def render(self, picture: Image | Picture, view: Viewport, ratio: float) -> tuple[QPointF, QImage]:
        """(where its corner goes in logical pixels, the image with its device pixel ratio set)."""
        key = (id(picture), ratio, view.width, view.height, view.zoom, view.center_x, view.center_y)
        if key == self._key and self._pixels is not None:
            return self._at, self._image
        width, height = view.image_width, view.image_height
        x1, y1 = view.to_image(0, 0)
        x2, y2 = view.to_image(view.width, view.height)
        x1, y1 = max(math.floor(x1), 0), max(math.floor(y1), 0)
        x2, y2 = min(math.ceil(x2), width), min(math.ceil(y2), height)
        self._key = key
        self._source = picture  # keeps the id in the key from being given to another
        if x2 <= x1 or y2 <= y1:
            self._pixels, self._image = None, QImage()
            return QPointF(), self._image
        scale = view.scale * ratio
        size = max(round((x2 - x1) * scale), 1), max(round((y2 - y1) * scale), 1)
        self._pixels = _pixels(picture, (x1, y1, x2, y2), size)
        self._image = QImage(
            self._pixels.data,  # type: ignore[call-overload]  # any buffer will do
            size[0],
            size[1],
            self._pixels.strides[0],
            QImage.Format.Format_RGB32,  # as Qt has it on screen: others it would convert, more slowly than OpenCV
        )
        self._image.setDevicePixelRatio(ratio)
        left, top = view.to_widget(x1, y1)
        # On a whole device pixel, or the painter would blur it once more.
        self._at = QPointF(round(left * ratio) / ratio, round(top * ratio) / ratio)
        return self._at, self._image


def small_image(picture: Image | Picture, width: int, height: int) -> QImage:
    """The whole picture, as large as fits into this size, in its own proportions."""
    full = QSize(*size_of(picture))
    size = full.scaled(width, height, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))
    pixels = _pixels(picture, (0, 0, full.width(), full.height()), (size.width(), size.height()))
    image = QImage(
        pixels.data,  # type: ignore[call-overload]  # any buffer will do
        size.width(),
        size.height(),
        pixels.strides[0],
        QImage.Format.Format_RGB32,
    )
    own: QImage = image.copy()  # with pixels of its own
    return own


def _pixels(picture: Image | Picture, part: tuple[int, int, int, int], size: tuple[int, int]) -> Image:
    """The part (x1, y1, x2, y2) as (H, W, 4) blue, green, red and 255, at `size` (width, height)."""
    x1, y1, x2, y2 = part
    if not isinstance(picture, np.ndarray):
        is_whole = (x2 - x1, y2 - y1) == picture.size
        if is_whole and size[0] <= picture.size[0] and size[1] <= picture.size[1]:
            return picture.shrunk(size)
        picture = picture.bgr()
    bgr = halved(picture[y1:y2, x1:x2], size)
    if size[0] * size[1] < bgr.shape[0] * bgr.shape[1]:
        return np.asarray(cv2.cvtColor(scaled(bgr, size), cv2.COLOR_BGR2BGRA), dtype=np.uint8)
    return scaled(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA), dtype=np.uint8), size)


def halved(image: Image, size: tuple[int, int]) -> Image:
    """The image area-averaged by halves while it is more than twice as big as `size` (width, height)."""
    width, height = size
    while image.shape[1] >= 2 * width and image.shape[0] >= 2 * height and min(size) > 1:
        half = image.shape[1] // 2, image.shape[0] // 2
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return image


def scaled(image: Image, size: tuple[int, int]) -> Image:
    """The image at `size` (width, height): halved as far as may be, then bilinear; blocks of pixels when it is
    magnified so far that one looks at single pixels."""
    image = halved(image, size)
    if (image.shape[1], image.shape[0]) == size:
        return np.ascontiguousarray(image)
    magnified = size[0] >= 6 * image.shape[1]
    how = cv2.INTER_NEAREST if magnified else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(image, size, interpolation=how))
