"""Lines and zones under the mouse: what is held, where it goes, to what it snaps. Free of Qt.

Shapes have fractions of the picture's width and height; distances are in pixels of the window, which `Look` knows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rtdet.counting import Line, Zone, Zones
from rtdet.viewer.viewport import Viewport

Point = tuple[float, float]

# So near to something, in pixels of the window, it is meant; a finger or a hasty hand hits a line within this.
REACH_PX = 8.0
# A thousandth of a pixel of a picture 10,000 pixels wide.
_DECIMALS = 6
_STEPS_OF_ANGLE = 8

# What is held of a shape.
CORNER, BETWEEN, WHOLE = "corner", "between", "whole"


@dataclass(frozen=True)
class Grip:
    """What is held of the shape called `name`: a corner, the middle of an edge (which becomes a corner once it is
    moved), or the whole. index: of the corner, or of the corner before the edge."""

    name: str
    part: str
    index: int = -1


@dataclass(frozen=True)
class Look:
    """How fractions of the picture lie in the window."""

    width: float
    height: float
    left: float
    top: float

    @classmethod
    def of(cls, view: Viewport) -> Look:
        return cls(view.image_width * view.scale, view.image_height * view.scale, view.left, view.top)

    def place(self, point: Point) -> Point:
        """Pixels of the window."""
        return point[0] * self.width + self.left, point[1] * self.height + self.top

    def point(self, x: float, y: float) -> Point:
        """The fractions at a pixel of the window."""
        return (x - self.left) / max(self.width, 1e-9), (y - self.top) / max(self.height, 1e-9)

    def distance(self, one: Point, other: Point) -> float:
        return math.hypot((one[0] - other[0]) * self.width, (one[1] - other[1]) * self.height)


def in_order(zones: Zones) -> list[Line | Zone]:
    """As they lie over each other: lines over zones, later ones over earlier ones."""
    shapes: list[Line | Zone] = list(zones.zones)
    shapes += zones.lines
    return shapes


def edges(shape: Line | Zone) -> list[tuple[Point, Point]]:
    """From each corner to the next; a zone's last leads back to its first."""
    points = shape.points
    ends = (*points[1:], points[0]) if isinstance(shape, Zone) else points[1:]
    return list(zip(points, ends, strict=False))


def middle(one: Point, other: Point) -> Point:
    return (one[0] + other[0]) / 2, (one[1] + other[1]) / 2


def grip_at(zones: Zones, selected: str | None, at: Point, look: Look) -> Grip | None:
    """What the mouse would take hold of at a point: of what is selected its corners, the middles of its edges, its
    lines, and all of a zone; of the others their corners and lines. None: nothing is there."""
    chosen = None if selected is None else zones.named(selected)
    if chosen is not None:
        found = _grip_of(chosen, at, look, has_middles=True)
        if found is not None:
            return found
    for shape in reversed(in_order(zones)):
        found = _grip_of(shape, at, look, has_middles=False)
        if found is not None:
            return found
    if isinstance(chosen, Zone) and is_inside(chosen.points, at):
        return Grip(chosen.name, WHOLE)
    return None


def zone_at(zones: Zones, at: Point) -> str | None:
    """The zone around a point: of several the smallest, which lies in the others."""
    around = [(area(zone.points), zone.name) for zone in zones.zones if is_inside(zone.points, at)]
    return min(around)[1] if around else None


def _grip_of(shape: Line | Zone, at: Point, look: Look, *, has_middles: bool) -> Grip | None:
    near = [(look.distance(corner, at), i) for i, corner in enumerate(shape.points)]
    distance, index = min(near)
    if distance <= REACH_PX:
        return Grip(shape.name, CORNER, index)
    sides = edges(shape)
    if has_middles:
        wide = [
            (look.distance(middle(a, b), at), i)
            for i, (a, b) in enumerate(sides)
            if look.distance(a, b) > 4 * REACH_PX
        ]
        distance, index = min(wide, default=(math.inf, -1))
        if distance <= REACH_PX:
            return Grip(shape.name, BETWEEN, index)
    on_edge = min(_from_edge(at, a, b, look) for a, b in sides) <= REACH_PX * 0.75
    return Grip(shape.name, WHOLE) if on_edge else None


def _from_edge(at: Point, a: Point, b: Point, look: Look) -> float:
    """Pixels from a point to a segment."""
    (px, py), (ax, ay), (bx, by) = (look.place(one) for one in (at, a, b))
    length = (bx - ax) ** 2 + (by - ay) ** 2
    part = 0.0 if length == 0 else ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length
    part = min(max(part, 0.0), 1.0)
    return math.hypot(px - ax - part * (bx - ax), py - ay - part * (by - ay))


def is_inside(corners: Sequence[Point], at: Point) -> bool:
    """Whether a point is in a polygon: its ray to the right crosses the border an odd number of times."""
    x, y = at
    odd = False
    for (x1, y1), (x2, y2) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            odd = not odd
    return odd


def area(corners: Sequence[Point]) -> float:
    """Gauss's formula."""
    following = (*corners[1:], corners[0])
    return abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(corners, following, strict=True))) / 2


def moved(shape: Line | Zone, grip: Grip, start: Point, at: Point) -> Line | Zone:
    """The shape after what is held of it went from `start` to `at`; it stays in the picture."""
    if grip.part == CORNER:
        return shape.with_point_at(grip.index, clean(at))
    if grip.part == BETWEEN:
        points = shape.points
        return shape.with_points((*points[: grip.index + 1], clean(at), *points[grip.index + 1 :]))
    return shifted(shape, at[0] - start[0], at[1] - start[1])


def shifted(shape: Line | Zone, dx: float, dy: float) -> Line | Zone:
    """The shape somewhere else, as far as the picture reaches."""
    dx, dy = _room(dx, [x for x, _ in shape.points]), _room(dy, [y for _, y in shape.points])
    return shape.with_points(tuple(_rounded((x + dx, y + dy)) for x, y in shape.points))


def _room(step: float, places: Sequence[float]) -> float:
    """How much of a step is possible; who is outside already, by a file, goes no farther."""
    low, high = min(*places, 0.0), max(*places, 1.0)
    return min(max(step, low - min(places)), high - max(places))


def without_corner(shape: Line | Zone, index: int) -> Line | Zone | None:
    """The shape without one of its corners; None where it needs all of them."""
    least = 3 if isinstance(shape, Zone) else 2
    if len(shape.points) <= least:
        return None
    return shape.with_points((*shape.points[:index], *shape.points[index + 1 :]))


def clean(point: Point) -> Point:
    """A point of the picture."""
    return _rounded((min(max(point[0], 0.0), 1.0), min(max(point[1], 0.0), 1.0)))


def _rounded(point: Point) -> Point:
    return round(point[0], _DECIMALS) + 0.0, round(point[1], _DECIMALS) + 0.0


def snapped(at: Point, corners: Iterable[Point], look: Look) -> Point:
    """A point, drawn to a corner of another shape or to an edge of the picture that is near it."""
    near = [(look.distance(at, corner), corner) for corner in corners]
    if near:
        distance, corner = min(near)
        if distance <= REACH_PX:
            return corner
    x, y = clean(at)
    x = _to_edge(x, REACH_PX / max(look.width, 1e-9))
    return x, _to_edge(y, REACH_PX / max(look.height, 1e-9))


def _to_edge(at: float, reach: float) -> float:
    return 0.0 if at <= reach else 1.0 if at >= 1 - reach else at


def straightened(at: Point, origin: Point, look: Look) -> Point:
    """The point nearest to `at` that lies level with `origin`, above it or at an angle of 45 degrees, as the window
    shows it."""
    dx, dy = (at[0] - origin[0]) * look.width, (at[1] - origin[1]) * look.height
    step = 2 * math.pi / _STEPS_OF_ANGLE
    angle = round(math.atan2(dy, dx) / step) * step
    length = max(dx * math.cos(angle) + dy * math.sin(angle), 0.0)
    x = origin[0] + length * math.cos(angle) / max(look.width, 1e-9)
    return x, origin[1] + length * math.sin(angle) / max(look.height, 1e-9)
