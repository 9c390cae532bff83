"""The input shape for a picture, and pictures grouped by it.

A square input spends four tenths of its work on the grey bars of a 16:9 video. Detectors that can run at
any shape take a rectangle of the picture's own aspect. There are five of them (16:9, 4:3, square, and the
first two upright), so that a folder of mixed pictures does not compile a network for each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rtdet.types import Image, Picture, size_of

_ASPECTS = (9 / 16, 3 / 4, 1.0)


def input_size(width: int, height: int, long_side: int, stride: int = 32) -> tuple[int, int]:
    """(width, height) of the smallest of the five inputs that holds the picture scaled to `long_side`."""
    longest = math.ceil(long_side / stride) * stride
    needed = long_side * min(width, height) / max(width, height)
    sides = [math.ceil(longest * aspect / stride) * stride for aspect in _ASPECTS]
    short = next(side for side in sides if side >= min(needed, sides[-1]))
    return (longest, short) if width >= height else (short, longest)


def runs_of_one_size(
    images: Sequence[Image | Picture], long_side: int, stride: int = 32
) -> Iterator[tuple[tuple[int, int], list[Image | Picture]]]:
    """Neighbours with the same input size, together, in order."""
    run: list[Image | Picture] = []
    current: tuple[int, int] | None = None
    for image in images:
        size = input_size(*size_of(image), long_side, stride)
        if run and size != current:
            yield current or size, run
            run = []
        current = size
        run.append(image)
    if run and current:
        yield current, run
