"""The input shape for a picture.

A square input spends four tenths of its work on the grey bars of a 16:9 video. Detectors that can run at
any shape take a rectangle of the picture's own aspect. There are five of them (16:9, 4:3, square, and the
first two upright), so that a folder of mixed pictures does not compile a network for each.
"""

from __future__ import annotations

import math

_ASPECTS = (9 / 16, 3 / 4, 1.0)


def input_size(width: int, height: int, long_side: int, stride: int = 32) -> tuple[int, int]:
    """(width, height) of the smallest of the five inputs that holds the picture scaled to `long_side`."""
    longest = math.ceil(long_side / stride) * stride
    needed = long_side * min(width, height) / max(width, height)
    sides = [math.ceil(longest * aspect / stride) * stride for aspect in _ASPECTS]
    short = next(side for side in sides if side >= min(needed, sides[-1]))
    return (longest, short) if width >= height else (short, longest)
