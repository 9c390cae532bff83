"""Estimates how the camera moved from one picture to the next, by sparse optical flow outside the objects.

Corners (Shi and Tomasi 1994) of a small grey copy are followed to the next one (Lucas and Kanade 1981, in pyramids),
and a similarity (shift, zoom, roll) is fitted to those outside the detected boxes by RANSAC. A *transform* is (2, 3):
a point (x, y) of the picture before is at transform @ (x, y, 1) in this one.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from rtdet.types import FloatArray, Image

# The most pixels of the grey copy's longer side: enough to tell a tenth of a pixel of a 720p picture.
LONG_SIDE = 480
MOST_POINTS, QUALITY, APART = 160, 0.01, 10
# Lucas and Kanade's window, and so many halvings of the copy: they see some 50 of its pixels of motion in a step.
WINDOW, HALVINGS = (13, 13), 3
# A point is with the camera if the fit is no farther off, in pixels of the copy.
WITHIN = 1.0
# Fewer points, or a smaller share of them, say nothing about the camera.
LEAST_POINTS, LEAST_SHARE = 10, 0.4


class PointPairs(NamedTuple):
    """Points (K, 2) of a picture and where they are in the next one (K, 2), in pixels; `coarse` pixels are one of the
    copy."""

    before: FloatArray
    after: FloatArray
    coarse: int

    def transform(self, boxes: FloatArray) -> FloatArray | None:
        """The camera's transform (2, 3) from the points that lie in none of the `boxes` (N, 4) of this picture's
        objects; None where they do not tell: they are too few, or do not agree."""
        x, y = self.after[:, 0, None], self.after[:, 1, None]
        left, top, right, bottom = boxes.T
        free = ~((x >= left) & (x <= right) & (y >= top) & (y <= bottom)).any(axis=1)
        if free.sum() < LEAST_POINTS:
            return None
        transform, agrees = cv2.estimateAffinePartial2D(
            self.before[free], self.after[free], ransacReprojThreshold=WITHIN * self.coarse
        )
        if transform is None or agrees.sum() < max(LEAST_POINTS, LEAST_SHARE * free.sum()):
            return None
        return np.asarray(transform, dtype=np.float64)


class OpticalFlow:
    """Reads the camera's motion (protocols.CameraMotion) by following points from each picture to the next (Lucas and
    Kanade); it holds one small picture."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets the last picture, so that the next one is not compared with it."""
        self._gray: Image | None = None
        self._shape: tuple[int, ...] = ()
        self._points = np.zeros((0, 1, 2), np.float32)

    def read(self, image: Image) -> PointPairs | None:
        """The points of the picture before that were found again in `image` (H, W, 3); None for the first picture
        and for one of another size."""
        coarse = -(-max(image.shape[:2]) // LONG_SIDE)
        gray = _small(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), coarse)
        before, points, self._gray = self._gray, self._points, gray
        found = cv2.goodFeaturesToTrack(gray, MOST_POINTS, QUALITY, APART)
        self._points = np.zeros((0, 1, 2), np.float32) if found is None else found
        same_shape, self._shape = image.shape == self._shape, image.shape
        if before is None or not same_shape:
            return None
        if len(points) == 0:
            return PointPairs(np.zeros((0, 2)), np.zeros((0, 2)), coarse)
        moved, is_found, _ = cv2.calcOpticalFlowPyrLK(
            before, gray, points, None, winSize=WINDOW, maxLevel=HALVINGS
        )
        kept = is_found.ravel() == 1
        pairs = [(some[kept, 0].astype(np.float64) + 0.5) * coarse - 0.5 for some in (points, moved)]
        return PointPairs(pairs[0], pairs[1], coarse)


def _small(gray: Image, coarse: int) -> Image:
    """Each pixel is the mean of `coarse` by `coarse`; by whole pixels OpenCV takes it several times as fast."""
    height, width = (max(side // coarse, 1) for side in gray.shape)
    whole = gray[: height * coarse, : width * coarse]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA))
