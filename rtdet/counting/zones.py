"""Lines and zones: where something is counted. Frozen values; every `with_...` gives a changed copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

# The point of a box that counts, as (part of its width, part of its height) from its upper left corner.
POINTS: dict[str, tuple[float, float]] = {
    "feet": (0.5, 1.0),
    "center": (0.5, 0.5),
    "head": (0.5, 0.0),
    "left": (0.0, 0.5),
    "right": (1.0, 0.5),
    "front left": (0.0, 1.0),
    "front right": (1.0, 1.0),
}
DIRECTIONS = ("in", "out")

Point = tuple[float, float]
Shape = TypeVar("Shape", "Line", "Zone")


@dataclass(frozen=True)
class Line:
    """An open line of two or more points. Who walks along it from its first point has the one side at the right hand,
    as the picture shows it: who crosses to there goes in the first of the `directions`, who crosses to the left in
    the second.

    color: "#rrggbb", "" for one of the painter's choice. classes: only these count, also groups as "vehicles"; all
    where there are none. point: which point of the box counts, "" for that of the `Zones`.
    """

    name: str
    points: tuple[Point, ...]
    color: str = ""
    classes: tuple[str, ...] = ()
    point: str = ""
    directions: tuple[str, str] = DIRECTIONS

    def with_points(self, points: tuple[Point, ...]) -> Line:
        return replace(self, points=tuple(points))

    def with_point_at(self, index: int, point: Point) -> Line:
        """One of its points moved."""
        return self.with_points((*self.points[:index], point, *self.points[index:][1:]))

    def with_name(self, name: str) -> Line:
        return replace(self, name=name)

    def with_color(self, color: str) -> Line:
        return replace(self, color=color)

    def turned(self) -> Line:
        """The same line from its other end: in is out."""
        return replace(self, points=self.points[::-1])


@dataclass(frozen=True)
class Zone:
    """An area: a polygon by its corners, the first not repeated at the end. The rest is as for a `Line`."""

    name: str
    points: tuple[Point, ...]
    color: str = ""
    classes: tuple[str, ...] = ()
    point: str = ""

    def with_points(self, points: tuple[Point, ...]) -> Zone:
        return replace(self, points=tuple(points))

    def with_point_at(self, index: int, point: Point) -> Zone:
        """One of its corners moved."""
        return self.with_points((*self.points[:index], point, *self.points[index:][1:]))

    def with_name(self, name: str) -> Zone:
        return replace(self, name=name)

    def with_color(self, color: str) -> Zone:
        return replace(self, color=color)


@dataclass(frozen=True)
class Zones:
    """All that is counted in a picture.

    size: width and height of the picture in whose pixels the points are; None: they are fractions of the picture's
    width and height, so that they fit every camera. point: which point of a box counts, one of `POINTS`. ground: the
    scale of the ground as `rtdet.ground` reads it, carried along as it is.
    """

    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()
    size: tuple[int, int] | None = None
    point: str = "feet"
    ground: Mapping[str, Any] | None = None

    def __iter__(self) -> Iterator[Line | Zone]:
        """The lines, then the zones."""
        yield from self.lines
        yield from self.zones

    def __len__(self) -> int:
        return len(self.lines) + len(self.zones)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self)

    def named(self, name: str) -> Line | Zone | None:
        return next((one for one in self if one.name == name), None)

    def with_line(self, line: Line) -> Zones:
        """The line in the place of the one of its name, or behind the others."""
        return replace(self, lines=_put(self.lines, line.name, line))

    def with_zone(self, zone: Zone) -> Zones:
        """The zone in the place of the one of its name, or behind the others."""
        return replace(self, zones=_put(self.zones, zone.name, zone))

    def with_changed(self, name: str, changed: Line | Zone) -> Zones:
        """`changed`, which may have another name, in the place of the line or zone called `name`."""
        if isinstance(changed, Line):
            return replace(self, lines=_put(self.lines, name, changed))
        return replace(self, zones=_put(self.zones, name, changed))

    def without(self, name: str) -> Zones:
        lines = tuple(line for line in self.lines if line.name != name)
        return replace(self, lines=lines, zones=tuple(zone for zone in self.zones if zone.name != name))

    def with_point(self, point: str) -> Zones:
        return replace(self, point=point)

    def with_ground(self, ground: Mapping[str, Any] | None) -> Zones:
        return replace(self, ground=ground)

    def in_pixels(self, size: tuple[int, int]) -> Zones:
        """The same in the pixels of a picture of this (width, height), to count and to draw. The scale of the ground
        is left out where pixels change: it is read by the file's own size."""
        if self.size == size:
            return self
        width, height = self.size or (1, 1)
        return replace(self._scaled(size[0] / width, size[1] / height), size=size)

    def as_fractions(self) -> Zones:
        """The same as fractions of the picture: a template for any camera."""
        if self.size is None:
            return self
        return replace(self._scaled(1 / self.size[0], 1 / self.size[1]), size=None)

    def _scaled(self, across: float, down: float) -> Zones:
        def scaled(shape: Shape) -> Shape:
            points = tuple((x * across, y * down) for x, y in shape.points)
            return replace(shape, points=points)

        return replace(
            self, lines=tuple(map(scaled, self.lines)), zones=tuple(map(scaled, self.zones)), ground=None
        )


def _put(shapes: tuple[Shape, ...], name: str, shape: Shape) -> tuple[Shape, ...]:
    if any(one.name == name for one in shapes):
        return tuple(shape if one.name == name else one for one in shapes)
    return shapes + (shape,)  # noqa: RUF005 - mypy cannot follow the star here
