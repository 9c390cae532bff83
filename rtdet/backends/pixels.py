"""A picture's pixels as the numbers that a network takes, in NumPy: where the network cannot do that by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from rtdet.backends.network import Inputs, PixelInput, Pixels, Tensor, in_one_tuple


def converted(inputs: Inputs, pixels: PixelInput | None) -> tuple[Tensor, ...]:
    """A network's inputs, the picture among them, uint8 (1, H, W, 3) BGR, as the float32 that the network takes;
    without `pixels` they are that already."""
    return tuple(
        as_input(np.asarray(one[0], dtype=np.uint8), pixels)
        if pixels is not None and i == pixels.index
        else np.asarray(one, dtype=np.float32)
        for i, one in enumerate(in_one_tuple(inputs))
    )


def as_input(picture: Pixels, pixels: PixelInput) -> Tensor:
    """(H, W, 3) BGR uint8 as float32 in the layout of the network's input."""
    return _LAYOUTS[pixels.layout](_planes(picture, pixels))


def _planes(picture: Pixels, pixels: PixelInput) -> Tensor:
    """(1, C, H, W)"""
    if pixels.color == "gray":
        gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[None, None].astype(np.float32)
        return np.asarray((gray - np.float32(pixels.offset[0])) / np.float32(pixels.std[0]), dtype=np.float32)
    even = len(set(pixels.std)) == 1
    planes = cv2.dnn.blobFromImage(
        picture,
        scalefactor=1.0 / pixels.std[0] if even else 1.0,
        mean=pixels.offset,
        swapRB=pixels.color == "rgb",
    )
    if not even:
        planes /= np.array(pixels.std, dtype=np.float32)[:, None, None]
    return np.asarray(planes, dtype=np.float32)


def _nhwc(planes: Tensor) -> Tensor:
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


# From (1, C, H, W) to the orders of axes that inputs have.
_LAYOUTS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "nchw": lambda planes: planes,
    "nhwc": _nhwc,
    "chw": lambda planes: np.asarray(planes[0]),
    "hwc": lambda planes: np.asarray(_nhwc(planes)[0]),
}
