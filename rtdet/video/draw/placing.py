"""Finds places for the labels."""

from __future__ import annotations

from collections.abc import Sequence

Rect = tuple[float, float, float, float]  # left, top, right, bottom


def overlap(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def touch(one: Rect, other: Rect) -> bool:
    """As `overlap`, but a box without area may lie in the other, and corners may stand in any order."""
    return (
        min(one[0], one[2]) <= other[2]
        and max(one[0], one[2]) >= other[0]
        and min(one[1], one[3]) <= other[3]
        and max(one[1], one[3]) >= other[1]
    )


def place_labels(boxes: Sequence[Rect], sizes: Sequence[tuple[float, float]], clip: Rect) -> list[Rect]:
    """Where the label of each box goes, `sizes` being (width, height): over its box, else inside it at the top, else
    under it; the first that is free of other labels, those that are drawn last choosing first. Where none is free
    labels overlap. All lie inside `clip` as far as they fit."""
    taken: list[Rect] = []
    for (x1, y1, x2, y2), (width, height) in zip(reversed(boxes), reversed(sizes), strict=True):
        left = max(min(min(x1, x2) - 1, clip[2] - width), clip[0])
        top, bottom = min(y1, y2), max(y1, y2)
        inside = max(top + 1, clip[1])
        tops = [at for at in (top - height - 1, inside, bottom + 1) if clip[1] <= at <= clip[3] - height]
        tops = tops or [max(min(inside, clip[3] - height), clip[1])]
        places = [(left, at, left + width, at + height) for at in tops]
        free = (place for place in places if not any(overlap(place, other) for other in taken))
        taken.append(next(free, places[0]))
    return taken[::-1]
