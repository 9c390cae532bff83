"""The geometry of the lines and zones of one picture, for many tracks at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from rtdet.counting.zones import Line, Zone, Zones
from rtdet.types import BoolArray, FloatArray, IntArray

# All outlines are moved by this many pixels, which are on no grid: so no corner of a path, whose places are written
# with two decimals, lies on a line, and every path has a side at every moment.
_OFF_GRID = np.array([1.7548776662e-6, 0.5698402910e-6])


@dataclass(frozen=True)
class Crossings:
    """Where steps cross outlines, in order of step, outline and place on the step.

    steps, outlines (C,) which; parts (C,) how far along the step, 0 to 1; signs (C,) +1 to the right hand of who
    walks along the outline, which is into a zone, else -1.
    """

    steps: IntArray
    outlines: IntArray
    parts: FloatArray
    signs: IntArray


class Outlines:
    """Lines and zones, in pixels, as segments; a zone's border runs around it with the inside at the right hand.

    shapes: as `Zones` lists them, lines first. narrowness (K,): the radius of the largest circle in a zone, infinite
    for a line.
    """

    def __init__(self, zones: Zones) -> None:
        self.shapes: tuple[Line | Zone, ...] = tuple(zones)
        self.is_zone = np.array([isinstance(one, Zone) for one in self.shapes], dtype=bool)
        corners = [np.array(one.points, dtype=np.float64) + _OFF_GRID for one in self.shapes]
        rings = [_ring(c) if z else c for c, z in zip(corners, self.is_zone, strict=True)]
        self._geometries = [
            shapely.Polygon(ring) if z else shapely.LineString(ring)
            for ring, z in zip(rings, self.is_zone, strict=True)
        ]
        self._borders = [shapely.LineString(ring) for ring in rings]
        shapely.prepare(self._geometries)
        shapely.prepare(self._borders)
        self._starts = np.concatenate([ring[:-1] for ring in rings]) if rings else np.zeros((0, 2))
        self._ends = np.concatenate([ring[1:] for ring in rings]) if rings else np.zeros((0, 2))
        self._counts = np.array([len(ring) - 1 for ring in rings], dtype=np.int64)
        self._firsts = np.cumsum(self._counts) - self._counts
        self._low = np.array([ring.min(axis=0) for ring in rings]).reshape(-1, 2)
        self._high = np.array([ring.max(axis=0) for ring in rings]).reshape(-1, 2)
        self.narrowness = np.array([_narrowness(one) for one in self._geometries])

    def __len__(self) -> int:
        return len(self.shapes)

    def contain(self, point: FloatArray) -> BoolArray:
        """(K,) for the point (K, 2), one for each outline: whether it is in the zone; False for lines."""
        near = self.is_zone & np.all((self._low <= point) & (point <= self._high), axis=1)
        for k in np.flatnonzero(near).tolist():
            near[k] = self.contains(k, point[k])
        return np.asarray(near)

    def contains(self, k: int, point: FloatArray) -> bool:
        return bool(shapely.contains_xy(self._geometries[k], float(point[0]), float(point[1])))

    def distance(self, k: int, point: FloatArray) -> float:
        """Pixels from the point to the line, or to the border of the zone."""
        return float(shapely.distance(self._borders[k], shapely.Point(float(point[0]), float(point[1]))))

    def crossings(self, before: FloatArray, after: FloatArray) -> Crossings:
        """Where the steps of N tracks cross the K outlines: `before` and `after` (N, K, 2) are the ends of each step,
        for each outline those of the point that counts there."""
        low, high = np.minimum(before, after), np.maximum(before, after)
        near = np.all((low <= self._high) & (high >= self._low), axis=2)
        steps, outlines = np.nonzero(near)
        counts = self._counts[outlines]
        pair = np.repeat(np.arange(len(steps)), counts)
        place = np.arange(len(pair)) - np.repeat(np.cumsum(counts) - counts, counts)
        segment = self._firsts[outlines[pair]] + place
        a, b = before[steps[pair], outlines[pair]], after[steps[pair], outlines[pair]]
        c, d = self._starts[segment], self._ends[segment]
        side_a, side_b = _cross(d - c, a - c), _cross(d - c, b - c)
        side_c, side_d = _cross(b - a, c - a), _cross(b - a, d - a)
        hit = np.flatnonzero(((side_a >= 0) != (side_b >= 0)) & ((side_c >= 0) != (side_d >= 0)))
        parts = side_a[hit] / (side_a[hit] - side_b[hit])
        order = hit[np.lexsort((parts, pair[hit]))]
        return Crossings(
            steps[pair[order]],
            outlines[pair[order]],
            side_a[order] / (side_a[order] - side_b[order]),
            np.where(side_b[order] >= 0, 1, -1),
        )


def _ring(corners: FloatArray) -> FloatArray:
    """The corners and the first one again, in the order that has the inside at the right hand."""
    following = np.roll(corners, -1, axis=0)
    if _cross(corners, following).sum() < 0:
        corners = corners[::-1]
    return np.concatenate([corners, corners[:1]])


def _narrowness(geometry: shapely.Geometry) -> float:
    if not isinstance(geometry, shapely.Polygon):
        return float("inf")
    # The exact circle takes long for thousands of corners, and half of the mean width is as good here.
    return float(2 * geometry.area / geometry.length)


def _cross(one: FloatArray, other: FloatArray) -> FloatArray:
    """The third component of the cross product: in a picture, above 0 where `other` points to the right of `one`."""
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])
