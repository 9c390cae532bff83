"""Arrays as small pictures inside a page."""

from __future__ import annotations

import base64
from typing import Any

import cv2
import numpy as np

from rtdet.types import FloatArray, Image
from rtdet.video.draw.colors import color_of

_QUALITY = 84


def jpeg_uri(bgr: Image) -> str:
    """A data URI of a picture (H, W, 3) BGR."""
    return _uri("jpeg", ".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])


def shrunk(bgr: Image, longest: int) -> Image:
    """The picture with no side over `longest` pixels."""
    scale = longest / max(bgr.shape[:2])
    if scale >= 1:
        return bgr
    size = (max(1, round(bgr.shape[1] * scale)), max(1, round(bgr.shape[0] * scale)))
    return np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def map_uri(values: FloatArray) -> str:
    """A data URI of one channel (H, W) of a feature map: dark to light from its lowest to its highest value, where
    one in a hundred on either side may be beyond."""
    values = np.nan_to_num(np.asarray(values, dtype=np.float64))
    low, high = np.percentile(values, [1, 99])
    scaled = (values - low) / max(high - low, 1e-9)
    gray = np.asarray(np.clip(scaled, 0, 1) * 255, dtype=np.uint8)
    return _uri("png", ".png", cv2.applyColorMap(gray, cv2.COLORMAP_VIRIDIS), [])


def heat_uri(shares: FloatArray) -> str:
    """A data URI of shares (H, W) in 0..1 to lay over a picture: transparent where there is nothing."""
    shares = np.clip(np.nan_to_num(np.asarray(shares, dtype=np.float64)), 0, 1)
    gray = np.asarray(shares * 255, dtype=np.uint8)
    colors = cv2.applyColorMap(np.asarray(90 + gray * 0.63, dtype=np.uint8), cv2.COLORMAP_INFERNO)
    # The square root, so that what is weak is seen, too.
    alpha = np.asarray(np.sqrt(shares) * 215, dtype=np.uint8)
    return _uri("png", ".png", np.dstack([colors, alpha]), [])


def color_hex(label: int) -> str:
    """A class's colour, the one that it has in the viewer without a tracker."""
    red, green, blue = color_of(-label - 1)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _uri(kind: str, suffix: str, pixels: Any, options: list[int]) -> str:
    encoded = cv2.imencode(suffix, pixels, options)[1].tobytes()
    return f"data:image/{kind};base64," + base64.b64encode(encoded).decode("ascii")
