"""Recolours and degrades pictures as cameras and codecs do: hue, light, grey, blur, compression, grain.

OpenCV on uint8: a few tenths of a millisecond a picture, since two cores have a network to train besides.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rtdet.types import Image


@dataclass(frozen=True)
class ColorConfig:
    """Ranges of the gains in HSV, and the probability of each other change."""

    hue: float = 0.015
    saturation: float = 0.6
    value: float = 0.4
    contrast: float = 0.2
    gray: float = 0.05
    blur: float = 0.15
    jpeg: float = 0.1
    noise: float = 0.05


PLAIN = ColorConfig(0, 0, 0, 0, 0, 0, 0, 0)


def recolor(image: Image, config: ColorConfig, rng: np.random.Generator) -> Image:
    """A picture (H, W, 3) BGR of the same size."""
    image = _gains(image, config, rng)
    chances = rng.random(4)
    if chances[0] < config.gray:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)
    if chances[1] < config.blur:
        image = _blur(image, rng)
    if chances[2] < config.noise:
        grain = rng.normal(0, rng.uniform(3, 15), image.shape[:2])[..., None]
        image = np.clip(image + grain, 0, 255).astype(np.uint8)
    if chances[3] < config.jpeg:
        image = _compress(image, int(rng.integers(15, 75)))
    return image


def _gains(image: Image, config: ColorConfig, rng: np.random.Generator) -> Image:
    """Hue, saturation and value each times a gain, and a contrast around the middle, by one table look-up."""
    spread = [config.hue, config.saturation, config.value, config.contrast]
    gains = 1 + rng.uniform(-1, 1, 4) * spread
    if not any(spread):
        return image
    steps = np.arange(256)
    light = np.clip((steps - 128) * gains[3] + 128, 0, 255) * gains[2]
    tables = [(steps * gains[0]) % 180, steps * gains[1], light]
    lut = np.clip(np.stack(tables, axis=-1), 0, 255).astype(np.uint8)[None]
    hsv = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_BGR2HSV), lut)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), dtype=np.uint8)


def _blur(image: Image, rng: np.random.Generator) -> Image:
    """Out of focus, moved while the shutter was open, or taken from fewer pixels."""
    kind = int(rng.integers(3))
    if kind == 0:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 1.8))), dtype=np.uint8)
    if kind == 1:
        length = int(rng.integers(3, 10))
        angle = rng.uniform(0, np.pi)
        ends = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2 + length // 2
        kernel = np.zeros((2 * (length // 2) + 1,) * 2, dtype=np.float32)
        opposite = 2 * (length // 2) - ends
        cv2.line(kernel, _point(ends), _point(opposite), 1.0)
        return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), dtype=np.uint8)
    h, w = image.shape[:2]
    share = rng.uniform(0.35, 0.8)
    small = cv2.resize(image, (max(1, int(w * share)), max(1, int(h * share))), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _point(xy: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[int, int]:
    return round(float(xy[0])), round(float(xy[1]))


def _compress(image: Image, quality: int) -> Image:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), dtype=np.uint8)
