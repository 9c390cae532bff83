"""On the demo's exact truth the counts are the truth's, to the unit, also where only every second to fourth frame is
seen.

The truth is geometry alone: the path of the feet through all frames, joined by straight lines, and where these meet
the line or the zone's border (shapely), each meeting counted with its direction. No band, no state.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely

from rtdet.counting import Counter, Line, Zone, Zones
from rtdet.demo import DemoScene

SIZE = (1280, 720)
LINES = (
    Line("left", ((320, 330), (320, 720))),
    Line("middle", ((640, 330), (640, 720))),
    Line("right", ((960, 720), (960, 330))),
    Line("slanted", ((460, 700), (560, 330))),
    Line("bent", ((760, 330), (800, 480), (740, 720))),
    Line("steep", ((1120, 330), (1060, 700))),
)
ZONES = (
    Zone("wide", ((250, 300), (1030, 300), (1030, 720), (250, 720))),
    Zone("middle third", ((430, 300), (850, 300), (850, 720), (430, 720))),
    Zone("slanted block", ((200, 720), (330, 300), (700, 300), (600, 720))),
    Zone("right end", ((900, 300), (1150, 300), (1190, 720), (880, 720))),
)


@pytest.fixture(scope="module")
def film():
    scene = DemoScene(0, *SIZE, duration_s=20.0)
    return [scene.truth(i) for i in range(scene.frame_count)]


def _paths(film):
    paths: dict[int, list[tuple[float, float]]] = {}
    for tracks in film:
        for one, (left, _top, right, bottom) in zip(tracks.ids.tolist(), tracks.boxes.tolist(), strict=True):
            paths.setdefault(one, []).append(((left + right) / 2, bottom))
    return [np.array(path) for path in paths.values()]


def _crossings(paths, line: Line) -> tuple[int, int]:
    there, counts = shapely.LineString(line.points), {"in": 0, "out": 0}
    for path in paths:
        for a, b in itertools.pairwise(path):
            if not shapely.LineString([a, b]).crosses(there):
                continue
            nearest = min(
                zip(line.points, line.points[1:], strict=False),
                key=lambda part: shapely.LineString(part).distance(shapely.LineString([a, b])),
            )
            (x1, y1), (x2, y2) = nearest
            to_the_right = (x2 - x1) * (b[1] - a[1]) - (y2 - y1) * (b[0] - a[0]) > 0
            counts["in" if to_the_right else "out"] += 1
    return counts["in"], counts["out"]


def _visits(paths, zone: Zone) -> tuple[int, int, int, int]:
    area, counts = shapely.Polygon(zone.points), np.zeros(4, dtype=int)
    for path in paths:
        inside = shapely.contains_xy(area, path[:, 0], path[:, 1])
        counts += (
            int((inside[1:] & ~inside[:-1]).sum()), int((~inside[1:] & inside[:-1]).sum()),
            int(inside[0]), int(inside[-1]),
        )  # fmt: skip
    return tuple(counts.tolist())


@pytest.mark.parametrize("apart", [1, 2, 3, 4])
def test_six_lines_and_four_zones_are_counted_to_the_unit(film, apart) -> None:
    counter = Counter(Zones(LINES, ZONES, SIZE), SIZE)
    for i in range(0, len(film), apart):
        counter.update(film[i], i / 25, i + 1)
    counter.finish()
    paths = _paths(film)
    counted = {one.name: (counter.count(one.name, "in"), counter.count(one.name, "out")) for one in LINES}
    assert counted == {one.name: _crossings(paths, one) for one in LINES}
    assert sum(map(sum, counted.values())) > 50
    over_borders = ("entered", "left", "appeared", "ended")
    visits = {one.name: tuple(counter.count(one.name, kind) for kind in over_borders) for one in ZONES}
    assert visits == {one.name: _visits(paths, one) for one in ZONES}
