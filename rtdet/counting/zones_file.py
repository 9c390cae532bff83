"""The zones file: GeoJSON that a person can write by hand.

    {"type": "FeatureCollection",
     "properties": {"size": [1280, 720], "point": "feet"},
     "features": [
       {"type": "Feature", "properties": {"name": "door", "color": "#ff8800", "classes": ["person"]},
        "geometry": {"type": "LineString", "coordinates": [[100, 500], [640, 520]]}},
       {"type": "Feature", "properties": {"name": "square"},
        "geometry": {"type": "Polygon", "coordinates": [[[100, 300], [600, 300], [600, 600], [100, 600]]]}}]}

Without `size` coordinates are fractions of the picture's width and height.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from rtdet.counting.zones import DIRECTIONS, POINTS, Line, Point, Zone, Zones
from rtdet.errors import SourceError

MOST_SHAPES = 1000
MOST_CORNERS = 10_000
MOST_BYTES = 16 * 2**20
# How far beyond the picture a point may be, in widths and heights of it.
_BEYOND = 1.0
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_LONGEST_NAME = 80


class _Fault(Exception):
    """What is wrong, without the file's name."""


def read_zones(path: str | Path) -> Zones:
    """The lines and zones of a file. Raises SourceError: one line with the file, what is wrong in it, and where."""
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES and path.is_file():
            raise SourceError(f"{path} is no zones file: it has more than {MOST_BYTES // 2**20} MiB")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"cannot read the zones of {path}: {reason}") from error
    except ValueError as error:  # also an impossible name
        raise SourceError(f"{path} is no zones file: it is not UTF-8 text") from error
    return zones_from_text(text, str(path))


def zones_from_text(text: str, name: str = "the zones") -> Zones:
    """The lines and zones that a JSON text describes; `name` is what messages call it. Raises SourceError."""
    try:
        return _zones(_json(text))
    except _Fault as fault:
        raise SourceError(f"{name}: {fault}") from None


def zones_to_text(zones: Zones) -> str:
    """The text of a zones file, which `zones_from_text` reads back as the same."""
    properties: dict[str, Any] = {}
    if zones.size is not None:
        properties["size"] = list(zones.size)
    properties["point"] = zones.point
    if zones.ground is not None:
        properties["ground"] = dict(zones.ground)
    features = [json.dumps(_feature(shape), ensure_ascii=False) for shape in zones]
    head = json.dumps(properties, ensure_ascii=False)
    lines = ",\n    ".join(features)
    inside = f"\n    {lines}\n  " if lines else ""
    return f'{{\n  "type": "FeatureCollection",\n  "properties": {head},\n  "features": [{inside}]\n}}\n'


def write_zones(path: str | Path, zones: Zones) -> None:
    """Writes a zones file, in place of an older one once it is whole. Raises OutputError."""
    from rtdet.output_file import write_whole

    write_whole(path, zones_to_text(zones))


def _feature(shape: Line | Zone) -> dict[str, Any]:
    properties: dict[str, Any] = {"name": shape.name}
    if shape.color:
        properties["color"] = shape.color
    if shape.classes:
        properties["classes"] = list(shape.classes)
    if shape.point:
        properties["point"] = shape.point
    corners = [[round(x, 6) + 0.0, round(y, 6) + 0.0] for x, y in shape.points]
    if isinstance(shape, Line):
        if shape.directions != DIRECTIONS:
            properties["directions"] = list(shape.directions)
        geometry = {"type": "LineString", "coordinates": corners}
    else:
        geometry = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def _json(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise _Fault(f"{word} is no number that a coordinate can have")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise _Fault(f"not JSON: line {error.lineno}, column {error.colno}: {error.msg.lower()}") from None
    except (RecursionError, ValueError) as error:
        raise _Fault(f"not JSON that can be read: {str(error).lower() or 'nested too deep'}") from None


def _zones(content: Any) -> Zones:
    table = _object(content, "the file")
    if table.get("type") != "FeatureCollection":
        raise _Fault(
            f'a zones file is a GeoJSON "FeatureCollection", but its "type" is {_shown(table.get("type"))}'
        )
    _known(table, ("type", "properties", "features", "name", "bbox", "crs"), "the file")
    head = _object(table.get("properties", {}), '"properties"')
    _known(head, ("size", "point", "ground"), 'the file\'s "properties"')
    features = table.get("features", [] if head.get("ground") is not None else None)
    if not isinstance(features, list):
        raise _Fault(f'"features" is a list of lines and polygons, not {_shown(features)}')
    if len(features) > MOST_SHAPES:
        raise _Fault(f"{len(features)} lines and zones are too many; {MOST_SHAPES} are the most")
    size, point = _size(head.get("size")), _point(head.get("point", "feet"), "the file")
    ground = head.get("ground")
    shapes = [_shape(one, i + 1, size) for i, one in enumerate(features)]
    _check_together(shapes)
    lines = tuple(one for one in shapes if isinstance(one, Line))
    zones = tuple(one for one in shapes if isinstance(one, Zone))
    return Zones(
        lines, zones, size, point, None if ground is None else _object(ground, '"properties.ground"')
    )


def _check_together(shapes: list[Line | Zone]) -> None:
    names: set[str] = set()
    for shape in shapes:
        if shape.name in names:
            raise _Fault(f"two lines or zones are called {_shown(shape.name)}; give each a name of its own")
        names.add(shape.name)
    corners = sum(len(shape.points) for shape in shapes)
    if corners > MOST_CORNERS:
        raise _Fault(f"{corners} points in all are too many; {MOST_CORNERS} are the most")


def _shape(content: Any, number: int, size: tuple[int, int] | None) -> Line | Zone:
    where = f"feature {number}"
    feature = _object(content, where)
    _known(feature, ("type", "properties", "geometry", "id", "bbox"), where)
    if feature.get("type") != "Feature":
        raise _Fault(f'the "type" of {where} is "Feature", not {_shown(feature.get("type"))}')
    properties = _object(feature.get("properties") or {}, f'the "properties" of {where}')
    geometry = _object(feature.get("geometry"), f'the "geometry" of {where}')
    _known(geometry, ("type", "coordinates", "bbox"), f'the "geometry" of {where}')
    kind = geometry.get("type")
    if kind not in ("LineString", "Polygon"):
        raise _Fault(f'{where} is neither a "LineString" nor a "Polygon" but {_shown(kind)}')
    is_line = kind == "LineString"
    name = _name(properties.get("name", f"{'line' if is_line else 'zone'} {number}"), where)
    where = f"{'line' if is_line else 'zone'} {_shown(name)}"
    known = ("name", "color", "classes", "point", *(["directions"] if is_line else []))
    _known(properties, known, where)
    color, classes = _color(properties.get("color"), where), _classes(properties.get("classes"), where)
    point = _point(properties["point"], where) if properties.get("point") else ""
    if is_line:
        points = _line(geometry.get("coordinates"), where, size)
        return Line(name, points, color, classes, point, _directions(properties.get("directions"), where))
    return Zone(name, _polygon(geometry.get("coordinates"), where, size), color, classes, point)


def _line(content: Any, where: str, size: tuple[int, int] | None) -> tuple[Point, ...]:
    import shapely

    points = _distinct(_points(content, where, size))
    if len(points) < 2:
        raise _Fault(f"{where} has {_count(len(points))}; a line needs two that differ")
    if not shapely.LineString(points).is_simple:
        raise _Fault(f"{where} crosses itself, so nobody could say on which side of it somebody is")
    return points


def _polygon(content: Any, where: str, size: tuple[int, int] | None) -> tuple[Point, ...]:
    import shapely
    from shapely.validation import explain_validity

    if not isinstance(content, list) or not all(isinstance(ring, list) for ring in content):
        raise _Fault(f"the coordinates of {where} are a list of rings of points: [[[x, y], [x, y], [x, y]]]")
    if content and all(_is_position(one) for one in content):
        raise _Fault(f"the coordinates of {where} miss a pair of brackets: [[[x, y], [x, y], [x, y]]]")
    if len(content) != 1:
        raise _Fault(f"{where} has {len(content)} rings; a zone has one, and no holes")
    points = _distinct(_points(content[0], where, size))
    if len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    if len(points) < 3:
        raise _Fault(f"{where} has {_count(len(points))}; a polygon needs three that differ")
    polygon = shapely.Polygon(points)
    if not polygon.is_valid:
        reason = explain_validity(polygon)
        at = re.search(r"\[(.*)\]", reason)
        crossing = f" near {at[1].replace(' ', ', ')}" if at else ""
        raise _Fault(f"{where} crosses or touches itself{crossing}; order its corners along its border")
    if not polygon.area > 0:
        raise _Fault(f"the corners of {where} lie on one line: it has no area")
    return points


def _points(content: Any, where: str, size: tuple[int, int] | None) -> tuple[Point, ...]:
    if not isinstance(content, list):
        raise _Fault(f"the coordinates of {where} are a list of points [x, y], not {_shown(content)}")
    points = []
    for number, one in enumerate(content, 1):
        if not _is_position(one):
            raise _Fault(f"point {number} of {where} is [x, y], two numbers, not {_shown(one)}")
        try:
            x, y = float(one[0]), float(one[1])
        except OverflowError:
            x = y = math.inf
        if not (math.isfinite(x) and math.isfinite(y)):
            raise _Fault(f"point {number} of {where} is not finite: {_shown(one)}")
        width, height = size or (1, 1)
        if not (-_BEYOND * width <= x <= (1 + _BEYOND) * width) or not (
            -_BEYOND * height <= y <= (1 + _BEYOND) * height
        ):
            raise _Fault(f"point {number} of {where}, [{x:g}, {y:g}], is far outside {_extent(size)}")
        points.append((x, y))
    return tuple(points)


def _extent(size: tuple[int, int] | None) -> str:
    if size is None:
        return (
            'the picture, 0 to 1: without "size" coordinates are fractions; for pixels write '
            '"properties": {"size": [width, height]} into the file'
        )
    return f"the picture of {size[0]} x {size[1]} pixels"


def _distinct(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Without points that repeat the one before."""
    return tuple(one for i, one in enumerate(points) if i == 0 or one != points[i - 1])


def _is_position(content: Any) -> bool:
    """Two numbers; a third, GeoJSON's height, is allowed and not used."""
    is_list = isinstance(content, list) and len(content) in (2, 3)
    return is_list and all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in content)


def _size(content: Any) -> tuple[int, int] | None:
    if content is None:
        return None
    is_pair = isinstance(content, list) and len(content) == 2
    if not is_pair or not all(isinstance(n, int) and not isinstance(n, bool) for n in content):
        raise _Fault(f'"size" is the picture\'s [width, height] in whole pixels, not {_shown(content)}')
    if not all(1 <= n <= 100_000 for n in content):
        raise _Fault(f"no picture has the size {_shown(content)}")
    return content[0], content[1]


def _point(content: Any, where: str) -> str:
    if not isinstance(content, str) or content not in POINTS:
        raise _Fault(f'the "point" of {where} is one of {", ".join(POINTS)}, not {_shown(content)}')
    return content


def _name(content: Any, where: str) -> str:
    if not isinstance(content, str) or not content.strip():
        raise _Fault(f'the "name" of {where} is a text, not {_shown(content)}')
    if len(content) > _LONGEST_NAME or not content.isprintable():
        raise _Fault(f'the "name" of {where} is up to {_LONGEST_NAME} letters in one line')
    return content.strip()


def _color(content: Any, where: str) -> str:
    if content in (None, ""):
        return ""
    if not isinstance(content, str) or not _COLOR.fullmatch(content):
        raise _Fault(f'the "color" of {where} is written "#rrggbb", not {_shown(content)}')
    return content.lower()


def _classes(content: Any, where: str) -> tuple[str, ...]:
    if content is None:
        return ()
    texts = [content] if isinstance(content, str) else content
    if not isinstance(texts, list) or not all(isinstance(one, str) and one.strip() for one in texts):
        raise _Fault(f'the "classes" of {where} are a list of names, not {_shown(content)}')
    return tuple(one.strip() for one in texts)


def _directions(content: Any, where: str) -> tuple[str, str]:
    if content is None:
        return DIRECTIONS
    if not isinstance(content, list) or len(content) != 2:
        raise _Fault(f'the "directions" of {where} are two names, not {_shown(content)}')
    first, second = (_name(one, f"a direction of {where}") for one in content)
    if first == second:
        raise _Fault(f'the "directions" of {where} are both called {_shown(first)}')
    return first, second


def _object(content: Any, what: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise _Fault(f"{what} should be an object in braces, not {_shown(content)}")
    return content


def _known(table: Mapping[str, Any], known: Collection[str], what: str) -> None:
    for key in table:
        if key not in known:
            raise _Fault(f"{what} has the unknown key {_shown(key)}; known: {', '.join(known)}")


def _count(points: int) -> str:
    return f"{points} point" if points == 1 else f"{points} points"


def _shown(content: Any) -> str:
    try:
        text = json.dumps(content, ensure_ascii=True)
    except (ValueError, TypeError, RecursionError):
        text = type(content).__name__
    return text if len(text) <= 60 else text[:57] + "..."
