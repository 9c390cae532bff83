"""Metres for pixels: a plane of the picture, the ground, with a scale that the user gives.

A zones file has it in its properties, in one of two ways:

    "ground": {"points": [[x, y], ...], "metres": [[X, Y], ...]}     four or more points of the ground,
                                                                     and where they are
    "ground": {"metres_per_pixel": 0.02}                             the ground as seen from straight above

The points are in the zones file's own unit: pixels of a picture of its `size`, or fractions of the picture's width
and height where it has none. The metres are those of any two axes at right angles on the ground. Both may have
`"point": "feet"` or `"center"`, the point of a box that is on the ground: the middle of its lower edge (the default
with points), or its centre (the default from straight above).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from rtdet.errors import SourceError
from rtdet.types import FloatArray

Size = tuple[int, int]
POINTS = ("feet", "center")
MOST_POINTS = 1000
# Metres, and metres per pixel, that no picture of a ground has; filters cannot calculate with finer ones.
_FARTHEST_M, _NEAREST_M, _COARSEST, _FINEST = 1e7, 1e-4, 1e4, 1e-6
# The least singular value, of the greatest, of the equations of a homography that the points still determine: with
# corners of a rectangle it is about 0.3, with three of four points on a line 0.
_LEAST_DETERMINED = 3e-3


@dataclass(frozen=True, eq=False)
class Scale:
    """What a zones file says of the ground, checked.

    points (N, 2) in the file's unit and metres (N, 2), of which N is at least 4, or metres_per_pixel. size: of the
    picture that is meant; None: points are fractions, and pixels are those of the picture itself.
    """

    points: FloatArray
    metres: FloatArray
    metres_per_pixel: float | None = None
    point: str = "feet"
    size: Size | None = None

    def on(self, size: Size | None) -> Ground:
        """The ground in a picture of this size (width, height); None: it is not known, and taken to be the file's.

        Raises SourceError where neither is known and it matters, and where the points determine no plane."""
        meant, shown = self.size, size or self.size
        if self.metres_per_pixel is not None:
            stretch = np.array(meant) / shown if meant and shown else np.ones(2)
            return Ground(np.diag([*(self.metres_per_pixel * stretch), 1.0]), self.point, shown)
        if shown is None:
            raise SourceError(
                "the ground's points are fractions of the picture, and its size is not known: "
                'give pixels, and the picture\'s "size" beside "ground"'
            )
        points = self.points * (np.array(shown) / (meant or (1, 1)))
        return Ground(_homography(points, self.metres), self.point, shown)


def scale_of(description: Mapping[str, Any], size: Size | None = None, where: str = "ground") -> Scale:
    """The scale that the `ground` of a zones file describes; `size` is the file's. `where` names the file in errors.

    Raises SourceError, one line that says what is wrong: neither or both kinds of scale, fewer than four points,
    points on a line, numbers that are none, points on both sides of the horizon.
    """
    if not isinstance(description, Mapping):
        raise SourceError(
            f'{where}: "ground" is an object with "points" and "metres", or with "metres_per_pixel"'
        )
    has_points = "points" in description or "metres" in description
    if has_points == ("metres_per_pixel" in description):
        raise SourceError(
            f'{where}: the ground needs either "points" with their "metres", or "metres_per_pixel"'
            f"{', not both' if has_points else ''}"
        )
    point = description.get("point", "feet" if has_points else "center")
    if point not in POINTS:
        raise SourceError(f'{where}: the ground\'s "point" is feet or center, not {point!r}')
    if not has_points:
        per_pixel = _number(description["metres_per_pixel"])
        if not 0 < per_pixel < _COARSEST:
            raise SourceError(
                f'{where}: "metres_per_pixel" must be a number above 0, not {description["metres_per_pixel"]!r}'
            )
        if per_pixel < _FINEST:
            raise SourceError(f'{where}: "metres_per_pixel" must be at least {_FINEST:g}, not {per_pixel:g}')
        return Scale(np.zeros((0, 2)), np.zeros((0, 2)), per_pixel, point, size)
    scale = Scale(*_pairs(description, size, where), point=point, size=size)
    try:
        scale.on(size or (1, 1))
    except SourceError as error:
        raise SourceError(f"{where}: {error}") from None
    return scale


def _pairs(description: Mapping[str, Any], size: Size | None, where: str) -> tuple[FloatArray, FloatArray]:
    points = _coordinates(description.get("points"), f'{where}: the ground\'s "points"')
    metres = _coordinates(description.get("metres"), f'{where}: the ground\'s "metres"')
    if len(points) != len(metres):
        raise SourceError(f"{where}: the ground has {len(points)} points but {len(metres)} places in metres")
    if len(points) < 4:
        raise SourceError(f"{where}: the ground needs four points or more, not {len(points)}")
    if len(points) > MOST_POINTS:
        raise SourceError(f"{where}: the ground has {len(points)} points; {MOST_POINTS} are the most")
    if (np.abs(metres) > _FARTHEST_M).any():
        raise SourceError(f"{where}: a point of the ground is over {_FARTHEST_M:g} metres away")
    if 0 < np.ptp(metres, axis=0).max() < _NEAREST_M:
        raise SourceError(f"{where}: the ground's points are all within {_NEAREST_M:g} metres")
    if size is None and (np.abs(points) > 10).any():
        raise SourceError(
            f'{where}: the ground\'s points are fractions, 0 to 1, where the file has no "size"; '
            "add the picture's \"size\": [width, height] to the file's properties"
        )
    if (np.abs(points) > 1e6).any():
        raise SourceError(f"{where}: a point of the ground is over 1e6 pixels away")
    return points, metres


def _coordinates(values: Any, what: str) -> FloatArray:
    rows = values if isinstance(values, (list, tuple)) else None
    if rows is None or not all(isinstance(row, (list, tuple)) and len(row) == 2 for row in rows):
        raise SourceError(f"{what} are a list of pairs, [[1, 2], ...]")
    numbers = np.array([[_number(value) for value in row] for row in rows], dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers).all(axis=1))[0])
        raise SourceError(f"{what}: number {row + 1} is {rows[row]!r}, not two numbers")
    return numbers


def _number(value: Any) -> float:
    """The number, NaN for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return float("nan")
    try:
        return float(value)
    except OverflowError:
        return float("nan")


@dataclass(frozen=True, eq=False)
class Ground:
    """The ground in a picture.

    matrix (3, 3): the homography from pixels to metres; the third number that it gives for a point is positive on
    this side of the horizon. point: of a box, that is on the ground. size: of the picture, where it is known.
    """

    matrix: FloatArray
    point: str = "feet"
    size: Size | None = None

    @property
    def is_mirrored(self) -> bool:
        """Whether the metres' axes, as they lie in the picture, turn the other way round than a picture's x and y: Y
        then points up on a plan of the ground, else down."""
        return bool(np.linalg.det(self.matrix) < 0)

    def feet(self, boxes: FloatArray) -> FloatArray:
        """(N, 2) the pixel of each box (N, 4) that is on the ground."""
        y = boxes[:, 3] if self.point == "feet" else (boxes[:, 1] + boxes[:, 3]) / 2
        return np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, y])

    def metres(self, pixels: FloatArray) -> FloatArray:
        """(N, 2) where the pixels (N, 2) are on the ground; NaN at the horizon and above it."""
        mapped = _lifted(pixels) @ self.matrix.T
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.asarray(np.where(mapped[:, 2:] > 0, mapped[:, :2] / mapped[:, 2:], np.nan))

    def jacobians(self, pixels: FloatArray) -> FloatArray:
        """(N, 2, 2) by how much the metres change with each pixel coordinate: d(X, Y) / d(x, y)."""
        metres, depth = self.metres(pixels), _lifted(pixels) @ self.matrix[2]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            change = self.matrix[None, :2, :2] - metres[:, :, None] * self.matrix[None, 2:, :2]
            return np.asarray(change / depth[:, None, None])

    def horizon_error(self, pixels: FloatArray, sd: FloatArray) -> FloatArray:
        """(N,) the part of the way to the horizon that an error of `sd` (N, 2) pixels makes up; infinite beyond."""
        depth = _lifted(pixels) @ self.matrix[2]
        error = np.hypot(*(self.matrix[2, :2] * sd).T)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(depth > 0, error / depth, np.inf))

    def pixels(self, metres: FloatArray) -> FloatArray:
        """(N, 2) where the places (N, 2) on the ground are in the picture; NaN behind the camera."""
        inverse = np.linalg.inv(self.matrix)
        mapped = _lifted(metres) @ inverse.T
        # Of a point before the camera, the way there and back gives a positive multiple of it.
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(mapped[:, 2:] > 0, mapped[:, :2] / mapped[:, 2:], np.nan))


def _lifted(points: FloatArray) -> FloatArray:
    return np.column_stack([points, np.ones(len(points))])


def _homography(points: FloatArray, metres: FloatArray) -> FloatArray:
    """(3, 3) the least-squares homography: Hartley and Zisserman 2004, algorithm 4.2 (normalised DLT), refined by
    OpenCV. Raises SourceError where the points do not determine one."""
    to_unit, from_unit = _normalization(points), np.linalg.inv(_normalization(metres))
    a = (_lifted(points) @ to_unit.T)[:, :2]
    b = (_lifted(metres) @ np.linalg.inv(from_unit).T)[:, :2]
    singular = np.linalg.svd(_equations(a, b), compute_uv=False)
    found, _ = cv2.findHomography(a, b, 0) if singular[7] > _LEAST_DETERMINED * singular[0] else (None, None)
    if found is None or np.linalg.cond(found) > 1 / _LEAST_DETERMINED**2:
        raise SourceError(
            "the ground's points determine no plane: three of four are on one line, or two are the same; "
            "take the corners of an area"
        )
    matrix = np.asarray(from_unit @ found @ to_unit, dtype=np.float64)
    depth = _lifted(points) @ matrix[2]
    if not ((depth > 0).all() or (depth < 0).all()):
        raise SourceError(
            "the ground's points do not fit their metres: some would be behind the camera; give both lists in the "
            "same order, and points below the horizon"
        )
    return np.asarray(matrix / np.abs(depth).mean() * np.sign(depth[0]))


def _normalization(points: FloatArray) -> FloatArray:
    """(3, 3) moves the points to the origin and to a mean distance of √2 from it."""
    center = points.mean(axis=0)
    away = float(np.hypot(*(points - center).T).mean())
    if not away > 0:
        raise SourceError("the ground's points are all the same")
    scale = 2**0.5 / away
    return np.array([[scale, 0, -scale * center[0]], [0, scale, -scale * center[1]], [0, 0, 1]])


def _equations(a: FloatArray, b: FloatArray) -> FloatArray:
    """(2N, 9) the DLT's equations for normalised points; eight rows at least."""
    lifted, none = _lifted(a), np.zeros((len(a), 3))
    first = np.hstack([none, -lifted, b[:, 1:] * lifted])
    second = np.hstack([lifted, none, -b[:, :1] * lifted])
    return np.concatenate([first, second])
