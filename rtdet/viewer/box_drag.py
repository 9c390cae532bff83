"""A box under the mouse: which of its edges is held, and where it goes. Free of Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]

# So far from an edge, in pixels of the window, it can be taken hold of.
REACH_PX = 6.0
LEAST_PX = 2.0


@dataclass(frozen=True)
class Grip:
    """What is held: the left (-1), right (1) or neither (0) edge, and the upper (-1) or lower (1); neither of both
    is the box as a whole."""

    across: int = 0
    down: int = 0

    @property
    def is_whole(self) -> bool:
        return self.across == 0 and self.down == 0


def grip_at(box: Sequence[float], x: float, y: float, reach: float = REACH_PX) -> Grip | None:
    """The grip of a box at a place, both in pixels of the window: corners first, then edges, and the middle of a box
    that is large enough. None elsewhere, so that what lies in a box can be selected."""
    x1, y1, x2, y2 = box
    if not (x1 - reach <= x <= x2 + reach and y1 - reach <= y <= y2 + reach):
        return None
    across = _edge(x, x1, x2, reach)
    down = _edge(y, y1, y2, reach)
    if across or down:
        return Grip(across, down)
    is_large = min(x2 - x1, y2 - y1) >= 6 * reach
    is_middle = max(abs(x - (x1 + x2) / 2), abs(y - (y1 + y2) / 2)) <= reach
    return Grip() if is_large and is_middle else None


def _edge(at: float, low: float, high: float, reach: float) -> int:
    near_low, near_high = abs(at - low), abs(at - high)
    if min(near_low, near_high) > reach:
        return 0
    return -1 if near_low < near_high else 1


def dragged(box: Sequence[float], grip: Grip, dx: float, dy: float) -> Box:
    """The box after its grip was moved, in pixels of the picture; edges that pass each other change their roles."""
    x1, y1, x2, y2 = box
    if grip.is_whole:
        return x1 + dx, y1 + dy, x2 + dx, y2 + dy
    if grip.across < 0:
        x1 += dx
    elif grip.across > 0:
        x2 += dx
    if grip.down < 0:
        y1 += dy
    elif grip.down > 0:
        y2 += dy
    return between((x1, y1), (x2, y2))


def between(first: Sequence[float], second: Sequence[float]) -> Box:
    """The box that has these two corners."""
    (x1, y1), (x2, y2) = first, second
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def within_picture(box: Sequence[float], width: int, height: int) -> Box | None:
    """What of a drawn box is in the picture; None where that is no box at all."""
    x1, y1, x2, y2 = box
    x1, x2 = (min(max(x, 0.0), float(width)) for x in (x1, x2))
    y1, y2 = (min(max(y, 0.0), float(height)) for y in (y1, y2))
    return (x1, y1, x2, y2) if min(x2 - x1, y2 - y1) >= LEAST_PX else None


def box_at(boxes: Sequence[Sequence[float]], x: float, y: float) -> int | None:
    """Which of the boxes is at a place of the picture: of several the smallest, which lies in the others."""
    inside = [
        (math.fabs((x2 - x1) * (y2 - y1)), place)
        for place, (x1, y1, x2, y2) in enumerate(boxes)
        if x1 <= x <= x2 and y1 <= y <= y2
    ]
    return min(inside)[1] if inside else None
