"""Fits a picture of any size into a network's input, and maps boxes back to the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rtdet.types import FloatArray, Image, Picture, size_of


@dataclass(frozen=True)
class Letterbox:
    """The map from image to network pixels: `network = image * scale + offset`.

    scale (x, y); offset (x, y) in network pixels; image_size (width, height) of the original.
    """

    scale: tuple[float, float]
    offset: tuple[float, float]
    image_size: tuple[int, int]

    def undo(self, boxes: FloatArray) -> FloatArray:
        """(N, 4) xyxy network pixels to image pixels, clipped to the image."""
        offset = np.array(self.offset * 2)
        scale = np.array(self.scale * 2)
        width, height = self.image_size
        limits = np.array([width, height, width, height], dtype=np.float64)
        return np.asarray(np.clip((boxes - offset) / scale, 0, limits))

    def undo_points(self, points: FloatArray) -> FloatArray:
        """(N, K, 3) x, y and confidence in network pixels to image pixels, also those outside of the image."""
        return np.concatenate([(points[..., :2] - self.offset) / self.scale, points[..., 2:]], axis=-1)


def resized(image: Image | Picture, size: tuple[int, int]) -> Image:
    """The picture (H, W, 3) BGR at `size` (width, height), bilinear; it may be the picture's own array."""
    if size_of(image) == size:
        return image if isinstance(image, np.ndarray) else image.bgr()
    if isinstance(image, np.ndarray):
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    return image.scaled(size)


def letterbox(
    image: Image | Picture, size: tuple[int, int], *, fill: int = 114, center: bool = False
) -> tuple[Image, Letterbox]:
    """The image scaled to fit `size` (width, height) with its aspect kept, the rest filled.

    The picture sits at the top left (as YOLOX was trained) or in the centre.
    """
    width, height = size_of(image)
    ratio = min(size[0] / width, size[1] / height)
    new_w, new_h = max(1, round(width * ratio)), max(1, round(height * ratio))
    left, top = ((size[0] - new_w) // 2, (size[1] - new_h) // 2) if center else (0, 0)
    canvas = cv2.copyMakeBorder(
        resized(image, (new_w, new_h)),
        top, size[1] - new_h - top, left, size[0] - new_w - left,
        cv2.BORDER_CONSTANT, value=(fill,) * 3,
    )  # fmt: skip
    return np.asarray(canvas, dtype=np.uint8), Letterbox(
        (new_w / width, new_h / height), (left, top), (width, height)
    )


def stretch(image: Image | Picture, size: tuple[int, int]) -> tuple[Image, Letterbox]:
    """The image scaled to `size` (width, height) whatever its aspect, as the first SSDs take it."""
    width, height = size_of(image)
    back = Letterbox((size[0] / width, size[1] / height), (0, 0), (width, height))
    return resized(image, size), back


def stretch_unrounded(
    image: Image | Picture, size: tuple[int, int]
) -> tuple[npt.NDArray[np.float32], Letterbox]:
    """As `stretch`, float32 0..255 and not rounded to whole numbers: what torchvision's SSDs are given. Boxes move
    by pixels where it is rounded."""
    width, height = size_of(image)
    pixels = (image if isinstance(image, np.ndarray) else image.bgr()).astype(np.float32)
    stretched = cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)
    back = Letterbox((size[0] / width, size[1] / height), (0, 0), (width, height))
    return np.asarray(stretched, dtype=np.float32), back
