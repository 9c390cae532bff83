"""Finds places for the labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

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
    near = _Cells(sizes)
    for (x1, y1, x2, y2), (width, height) in zip(reversed(boxes), reversed(sizes), strict=True):
        left = max(min(min(x1, x2) - 1, clip[2] - width), clip[0])
        top, bottom = min(y1, y2), max(y1, y2)
        inside = max(top + 1, clip[1])
        tops = [at for at in (top - height - 1, inside, bottom + 1) if clip[1] <= at <= clip[3] - height]
        tops = tops or [max(min(inside, clip[3] - height), clip[1])]
        places = [(left, at, left + width, at + height) for at in tops]
        free = (place for place in places if not any(overlap(place, other) for other in near.around(place)))
        taken.append(next(free, places[0]))
        near.add(taken[-1])
    return taken[::-1]


class _Cells:
    """Rectangles by the cells of a grid, so that of hundreds only those near by are looked at."""

    def __init__(self, sizes: Sequence[tuple[float, float]]) -> None:
        self._width = max((width for width, _ in sizes), default=1.0) or 1.0
        self._height = max((height for _, height in sizes), default=1.0) or 1.0
        self._inside: dict[tuple[int, int], list[Rect]] = {}

    def add(self, rect: Rect) -> None:
        for cell in self._cells(rect):
            self._inside.setdefault(cell, []).append(rect)

    def around(self, rect: Rect) -> Iterator[Rect]:
        for cell in self._cells(rect):
            yield from self._inside.get(cell, ())

    def _cells(self, rect: Rect) -> Iterator[tuple[int, int]]:
        columns = range(int(rect[0] // self._width), int(rect[2] // self._width) + 1)
        rows = range(int(rect[1] // self._height), int(rect[3] // self._height) + 1)
        return product(columns, rows)
