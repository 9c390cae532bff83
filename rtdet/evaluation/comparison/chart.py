"""The lecture's chart: AP over frames a second, the quicker to the right, each model a dot with its name.

Numbers only; texts are put in by the template, which escapes them. The plot is WIDTH by HEIGHT, its origin at the top
left.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from rtdet.evaluation.comparison.compare import Compared, Comparison

WIDTH, HEIGHT = 640.0, 360.0
# Of a label: its height, and the width of a letter, which nobody knows before a browser draws it.
_LINE, _LETTER = 15.0, 7.2
_LEAST_RADIUS, _MOST_RADIUS = 4.0, 16.0


@dataclass(frozen=True)
class Mark:
    """A model's dot, and where its name is written: `anchor` is SVG's text-anchor."""

    model: Compared
    x: float
    y: float
    radius: float
    label_x: float
    label_y: float
    anchor: str
    is_best: bool


@dataclass(frozen=True)
class Tick:
    """A line of the grid and its number."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """marks: the models. front: SVG path through those that no other beats in both. x_ticks, y_ticks: the grid."""

    marks: tuple[Mark, ...]
    front: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def chart_of(comparison: Comparison) -> Chart:
    """Speed on a logarithmic axis, AP on one that begins at 0; a dot's area grows with the number of parameters."""
    models = [one for one in comparison.models if not math.isnan(one.scores.ap)]
    if not models:
        return Chart((), "", (), ())
    slowest, quickest = (edge(one.per_second for one in models) for edge in (min, max))
    low, high = math.log10(slowest / 1.5), math.log10(quickest * 1.5)
    step = _step(100 * max(one.scores.ap for one in models))
    top = step * math.ceil(100 * max(one.scores.ap for one in models) / step + 0.15)
    largest = max((one.parameters or 0 for one in models), default=0)

    def x(per_second: float) -> float:
        return WIDTH * (math.log10(per_second) - low) / (high - low)

    def y(percent: float) -> float:
        return HEIGHT * (1 - percent / top)

    best = {one.name for one in comparison.best()}
    marks: list[Mark] = []
    dots = [(x(one.per_second), y(100 * one.scores.ap), _radius(one.parameters, largest)) for one in models]
    for one, (dot_x, dot_y, radius) in zip(models, dots, strict=True):
        place = _label(one.name, dot_x, dot_y, radius, dots, marks)
        marks.append(Mark(one, dot_x, dot_y, radius, *place, one.name in best))
    front = [(x(one.per_second), y(100 * one.scores.ap)) for one in comparison.best() if one in models]
    path = "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in front) if len(front) > 1 else ""
    rows = tuple(Tick(y(value), f"{value:g}") for value in _multiples(step, top))
    return Chart(tuple(marks), path, _speeds(low, high, x), rows)


def _radius(parameters: int | None, largest: int) -> float:
    if not parameters or not largest:
        return _LEAST_RADIUS
    return max(_LEAST_RADIUS, _MOST_RADIUS * math.sqrt(parameters / largest))


def _label(
    name: str, x: float, y: float, radius: float, dots: list[tuple[float, float, float]], others: list[Mark]
) -> tuple[float, float, str]:
    """The first of some places around the dot at which the name meets neither another name nor a dot."""
    gap = radius + 5
    places = [
        (x + gap, y + 4, "start"),
        (x - gap, y + 4, "end"),
        (x, y - gap - 1, "middle"),
        (x, y + gap + 10, "middle"),
        *((x + gap, y + 4 + _LINE * k, "start") for k in (-1, 1, -2, 2)),
    ]
    taken = [_extent(mark.model.name, mark.label_x, mark.label_y, mark.anchor) for mark in others]
    taken += [(dx - r, dy - r, dx + r, dy + r) for dx, dy, r in dots if (dx, dy) != (x, y)]

    def room(place: tuple[float, float, str]) -> float:
        left, top, right, bottom = _extent(name, *place)
        outside = max(0.0, right - WIDTH) + max(0.0, -left) + max(0.0, bottom - HEIGHT) + max(0.0, -top)
        covered = sum(
            max(0.0, min(right, r) - max(left, a)) * max(0.0, min(bottom, b) - max(top, t))
            for a, t, r, b in taken
        )
        return outside * _LINE + covered

    return min(places, key=room)  # the first of several that are as good


def _extent(name: str, x: float, y: float, anchor: str) -> tuple[float, float, float, float]:
    width = _LETTER * len(name)
    left = {"start": x, "end": x - width, "middle": x - width / 2}[anchor]
    return left, y - _LINE + 4, left + width, y + 4


def _step(most: float) -> float:
    return next((step for step in (1.0, 2.0, 5.0, 10.0) if most / step <= 6), 20.0)


def _multiples(step: float, top: float) -> list[float]:
    return [step * i for i in range(round(top / step) + 1)]


def _speeds(low: float, high: float, x: Callable[[float], float]) -> tuple[Tick, ...]:
    """1, 2, 5, 10, ... frames a second, as far as they lie in the plot."""
    ticks = []
    for power in range(math.floor(low) - 1, math.ceil(high) + 1):
        for digit in (1, 2, 5):
            value = digit * 10.0**power
            if low <= math.log10(value) <= high:
                ticks.append(Tick(x(value), f"{value:g}"))
    return tuple(ticks)
