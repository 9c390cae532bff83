"""The zones file: read, written, and refused in one clear line."""

from __future__ import annotations

import json

import pytest

from rtdet.counting import Line, Zone, Zones, read_zones, write_zones, zones_from_text, zones_to_text
from rtdet.errors import SourceError

SQUARE = [[100, 300], [600, 300], [600, 600], [100, 600]]


def _feature(kind="LineString", coordinates=((1, 2), (3, 4)), **properties):
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def _text(*features, **properties):
    properties.setdefault("size", [1280, 720])
    return json.dumps({"type": "FeatureCollection", "properties": properties, "features": list(features)})


def test_a_file_is_written_and_read_back_as_the_same(tmp_path) -> None:
    zones = Zones(
        (Line("door", ((100, 500), (640, 520)), "#ff8800", ("person",), "head", ("hinein", "hinaus")),),
        (Zone("Plätze", ((10, 10), (600, 20), (300, 400.5))),),
        (1280, 720),
        "center",
        {"metres_per_pixel": 0.02},
    )
    write_zones(tmp_path / "z.json", zones)
    assert read_zones(tmp_path / "z.json") == zones
    assert zones_from_text(zones_to_text(Zones())) == Zones()


def test_the_last_corner_of_a_polygon_may_repeat_the_first_or_not() -> None:
    open_, closed = _feature("Polygon", [SQUARE]), _feature("Polygon", [[*SQUARE, SQUARE[0]]])
    assert zones_from_text(_text(open_)).zones == zones_from_text(_text(closed)).zones
    assert len(zones_from_text(_text(closed)).zones[0].points) == 4


def test_without_a_size_coordinates_are_fractions_for_any_picture() -> None:
    text = json.dumps(
        {"type": "FeatureCollection", "features": [_feature(coordinates=[[0.25, 0.5], [1, 0.5]])]}
    )
    zones = zones_from_text(text)
    assert zones.in_pixels((640, 480)).lines[0].points == ((160, 240), (640, 240))
    assert zones.in_pixels((640, 480)).as_fractions() == zones
    assert zones_from_text(_text(_feature())).in_pixels((640, 360)).lines[0].points == ((0.5, 1), (1.5, 2))


def test_lines_and_zones_are_changed_as_copies() -> None:
    zones = Zones().with_line(Line("a", ((0, 0), (1, 1)))).with_zone(Zone("b", ((0, 0), (1, 0), (1, 1))))
    moved = zones.with_line(zones.lines[0].with_point_at(1, (0.5, 0.5)))
    assert zones.lines[0].points[1] == (1, 1)
    assert moved.lines[0].points == ((0, 0), (0.5, 0.5))
    renamed = zones.with_changed("b", zones.zones[0].with_name("c").with_color("#00ff00"))
    assert renamed.names == ("a", "c")
    assert renamed.without("a").names == ("c",)
    assert zones.lines[0].turned().points == ((1, 1), (0, 0))


HOSTILE = [
    ("", r"not JSON: line 1, column 1"),
    ("[1, 2]", r"the file should be an object in braces, not \[1, 2\]"),
    ('{"type": "Feature"}', r'a zones file is a GeoJSON "FeatureCollection"'),
    ('{"type": "FeatureCollection"}', r'"features" is a list of lines and polygons, not null'),
    ("[" * 100_000, r"not JSON that can be read"),
    (_text(_feature(coordinates=[[1, float("nan")], [3, 4]])), r"NaN is no number"),
    (_text(_feature(coordinates=[[1, float("inf")], [3, 4]])), r"Infinity is no number"),
    (_text(_feature()).replace("1, 2", "1e999, 2"), r"point 1 of line \"line 1\" is not finite"),
    (_text(_feature()).replace("1, 2", "1" * 400 + ", 2"), r"point 1 of line \"line 1\" is not finite"),
    (_text(_feature(coordinates=[[1, 2]])), r"has 1 point; a line needs two that differ"),
    (_text(_feature(coordinates=[[1, 2], [1, 2]])), r"has 1 point; a line needs two that differ"),
    (_text(_feature(coordinates=[])), r"has 0 points"),
    (_text(_feature(coordinates=[1, 2])), r"point 1 of line \"line 1\" is \[x, y\], two numbers, not 1"),
    (_text(_feature(coordinates=[["1", 2], [3, 4]])), r"two numbers, not \[\"1\", 2\]"),
    (_text(_feature(coordinates=[[0, 0], [9, 9], [9, 0], [0, 9]])), r"line \"line 1\" crosses itself"),
    (
        _text(_feature("Polygon", [[[0, 0], [90, 90], [90, 0], [0, 90]]])),
        r"crosses or touches itself near 45, 45",
    ),
    (_text(_feature("Polygon", [[[0, 0], [90, 90]]])), r"has 2 points; a polygon needs three"),
    (_text(_feature("Polygon", [[[0, 0], [90, 90], [45, 45]]])), r"touches itself|has no area"),
    (_text(_feature("Polygon", SQUARE)), r"miss a pair of brackets"),
    (_text(_feature("Polygon", [[SQUARE]])), r"two numbers"),
    (_text(_feature("Polygon", 5)), r"are a list of rings"),
    (_text(_feature("Polygon", [SQUARE, SQUARE])), r"has 2 rings; a zone has one, and no holes"),
    (
        _text(_feature("Point", [1, 2])),
        r"feature 1 is neither a \"LineString\" nor a \"Polygon\" but \"Point\"",
    ),
    (
        _text(*[_feature(name=str(i)) for i in range(10_000)]),
        r"10000 lines and zones are too many; 1000 are the most",
    ),
    (
        _text(_feature(coordinates=[[i % 1280, i / 20] for i in range(10_002)])),
        r"crosses itself|10002 points",
    ),
    (_text(_feature(name="a"), _feature(name="a")), r"two lines or zones are called \"a\""),
    (_text(_feature(naem="a")), r"line \"line 1\" has the unknown key \"naem\"; known: name, color"),
    (_text(sise=[1, 2]), r"has the unknown key \"sise\""),
    (_text(size=[0, 720]), r"no picture has the size \[0, 720\]"),
    (_text(size="1280x720"), r"\"size\" is the picture's \[width, height\]"),
    (_text(point="toes"), r"\"point\" of the file is one of feet, center, head"),
    (_text(_feature(name=7)), r"\"name\" of feature 1 is a text, not 7"),
    (_text(_feature(name="a\nb")), r"letters in one line"),
    (_text(_feature(color="orange")), r"\"color\" of line \"line 1\" is written \"#rrggbb\""),
    (_text(_feature(classes=[1])), r"\"classes\" of line \"line 1\" are a list of names"),
    (_text(_feature(directions=["in"])), r"\"directions\" of line \"line 1\" are two names"),
    (_text(_feature(directions=["in", "in"])), r"are both called \"in\""),
    (_text(_feature(coordinates=[[100, 2], [9999, 4]])), r"is far outside the picture of 1280 x 720 pixels"),
    (
        _text(_feature(coordinates=[[100, 2], [300, 4]]), size=None),
        r"coordinates are fractions; for pixels write",
    ),
]


@pytest.mark.parametrize(("text", "message"), HOSTILE)
def test_a_hostile_file_is_refused_in_one_line_that_names_it(tmp_path, text, message) -> None:
    path = tmp_path / "zones.json"
    path.write_text(text)
    with pytest.raises(SourceError, match=message) as raised:
        read_zones(path)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < len(str(path)) + 300


def test_a_file_that_cannot_be_read_is_refused(tmp_path) -> None:
    with pytest.raises(SourceError, match=r"cannot read the zones of .*: no such file"):
        read_zones(tmp_path / "none.json")
    with pytest.raises(SourceError, match=r"cannot read the zones of .*: is a directory"):
        read_zones(tmp_path)
    (tmp_path / "z.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(SourceError, match=r"it is not UTF-8 text"):
        read_zones(tmp_path / "z.json")
