"""Text for pictures, as masks that are kept."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from rtdet.types import Image


def label_mask(words: tuple[str, ...], height: int) -> Image:
    """(h, w) coverage of the words side by side, with room around them; a capital letter is `height` pixels high."""
    gap = max(2, height // 2)
    width, rows = label_size(words, height)
    mask: Image = np.zeros((rows, width), np.uint8)
    left = gap
    for word in words:
        of_word = _text_mask(word, height)
        mask[:, left : left + of_word.shape[1]] = of_word
        left += of_word.shape[1] + gap
    return mask


@lru_cache(maxsize=512)
def label_size(words: tuple[str, ...], height: int) -> tuple[int, int]:
    """(width, height) of the label's mask."""
    masks = [_text_mask(word, height) for word in words]
    gap = max(2, height // 2)
    return sum(mask.shape[1] + gap for mask in masks) + gap, masks[0].shape[0]


@lru_cache(maxsize=512)
def _text_mask(text: str, height: int) -> Image:
    """(h, w) coverage of the text, with a capital letter `height` pixels high.

    Drawn four times as large and shrunk: OpenCV's stroke fonts are ragged at small sizes.
    """
    font, factor = cv2.FONT_HERSHEY_DUPLEX, 4
    (_, cap), _ = cv2.getTextSize("H", font, 1.0, 1)
    scale = height * factor / cap
    thickness = max(1, round(height * factor / 10))
    (width, _), _ = cv2.getTextSize(text, font, scale, thickness)
    above, below = (height * 5) // 10, (height * 6) // 10
    large = np.zeros(((height + above + below) * factor, -(-width // factor) * factor), np.uint8)
    origin = (0, (height + above) * factor)
    cv2.putText(large, text, origin, font, scale, 255, thickness, cv2.LINE_AA)
    size = (max(1, large.shape[1] // factor), large.shape[0] // factor)
    small: Image = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
    small.flags.writeable = False
    return small
