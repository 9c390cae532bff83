"""The visible part of a frame, scaled to the screen's own pixels, as a QImage. Made in the GUI thread."""

from __future__ import annotations

import math

import cv2
import numpy as np
from PyQt6.QtCore import QPointF
from PyQt6.QtGui import QImage

from rtdet.types import Image
from rtdet.viewer.viewport import Viewport


class ScaledPicture:
    """Crops a frame to what is visible and scales it with OpenCV, which is three times as fast as QPainter's smooth
    scaling and keeps the GUI thread free. The result is kept until the frame or the view changes."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._bgr: Image | None = None  # the QImage has no copy of it: it must live as long
        self._image = QImage()
        self._at = QPointF()

    def render(self, bgr: Image, view: Viewport, ratio: float) -> tuple[QPointF, QImage]:
        """(where its corner goes in logical pixels, the image with its device pixel ratio set)."""
        key = (id(bgr), ratio, view.width, view.height, view.zoom, view.center_x, view.center_y)
        if key == self._key and self._bgr is not None:
            return self._at, self._image
        height, width = bgr.shape[:2]
        x1, y1 = view.to_image(0, 0)
        x2, y2 = view.to_image(view.width, view.height)
        x1, y1 = max(math.floor(x1), 0), max(math.floor(y1), 0)
        x2, y2 = min(math.ceil(x2), width), min(math.ceil(y2), height)
        self._key = key
        self._source = bgr  # keeps the id in the key from being given to another array
        if x2 <= x1 or y2 <= y1:
            self._bgr, self._image = None, QImage()
            return QPointF(), self._image
        scale = view.scale * ratio
        size = max(round((x2 - x1) * scale), 1), max(round((y2 - y1) * scale), 1)
        self._bgr = scaled(bgr[y1:y2, x1:x2], size)
        self._image = QImage(
            self._bgr.data,  # type: ignore[call-overload]  # any buffer will do
            size[0],
            size[1],
            self._bgr.strides[0],
            QImage.Format.Format_BGR888,
        )
        self._image.setDevicePixelRatio(ratio)
        left, top = view.to_widget(x1, y1)
        # On a whole device pixel, or the painter would blur it once more.
        self._at = QPointF(round(left * ratio) / ratio, round(top * ratio) / ratio)
        return self._at, self._image


def scaled(bgr: Image, size: tuple[int, int]) -> Image:
    """`bgr` at `size` (width, height): area-averaged by halves while it is more than twice too big, then
    bilinear; blocks of pixels when it is magnified so far that one looks at single pixels."""
    width, height = size
    while bgr.shape[1] >= 2 * width and bgr.shape[0] >= 2 * height and min(size) > 1:
        half = bgr.shape[1] // 2, bgr.shape[0] // 2
        bgr = cv2.resize(bgr, half, interpolation=cv2.INTER_AREA)
    if (bgr.shape[1], bgr.shape[0]) == size:
        return np.ascontiguousarray(bgr)
    magnified = width >= 6 * bgr.shape[1]
    how = cv2.INTER_NEAREST if magnified else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(bgr, size, interpolation=how))
