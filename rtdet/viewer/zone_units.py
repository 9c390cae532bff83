"""Zones files in the unit of the viewer: fractions of the picture, the scale of the ground too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rtdet.counting import Zones


def in_fractions(zones: Zones, picture: tuple[int, int] | None = None) -> Zones:
    """Zones of any file as fractions. `picture`: the size of the one that they are for, whose pixels metres per pixel
    are of then."""
    if zones.size is None:
        return zones
    ground = None if zones.ground is None else _ground(zones.ground, zones.size, picture or zones.size)
    return replace(zones.as_fractions(), ground=ground)


def _ground(ground: Mapping[str, Any], size: tuple[int, int], picture: tuple[int, int]) -> dict[str, Any]:
    """A scale by points, or by metres per pixel, of another file."""
    changed = dict(ground)
    points = changed.get("points")
    if isinstance(points, list):
        changed["points"] = [[x / size[0], y / size[1]] for x, y in points]
    if isinstance(changed.get("metres_per_pixel"), (int, float)):
        stretch = math.sqrt(size[0] / picture[0] * size[1] / picture[1])
        changed["metres_per_pixel"] *= stretch
    return changed
