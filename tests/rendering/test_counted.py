"""Lines and zones in films that are rendered again."""

from __future__ import annotations

import numpy as np

from rtdet.counting import count_table, zones_from_text
from rtdet.rendering import CountedZones, TracksOfFilm
from rtdet.types import Detections, Frame, FrameResult, SourceInfo

INFO = SourceInfo("film.mp4", 320, 240, 10.0, 60, 6.0)
ZONES = """{"type": "FeatureCollection", "properties": {}, "features": [{"type": "Feature", "properties":
    {"name": "door"}, "geometry": {"type": "LineString", "coordinates": [[0.5, 0.0], [0.5, 1.0]]}}]}"""


def words(table, numbers, zones=ZONES) -> tuple[str, ...]:
    """What is written at the line after these frames were rendered."""
    tracks = TracksOfFilm(table, "t.csv", INFO)
    counted = CountedZones(zones_from_text(zones), tracks, (320, 240), 10)
    for number in numbers:
        frame = Frame(np.zeros((240, 320, 3), np.uint8), (number - 1) / 10, number - 1)
        counted.write(FrameResult(frame, Detections(), tracks.of(frame)))
        counted.close()
    return counted.marks[0].words


def test_a_film_that_starts_late_or_leaves_frames_out_shows_the_counts_since_the_beginning(table) -> None:
    rows = [(n, 1, (10.0 + 5 * n, 100.0, 40.0 + 5 * n, 200.0)) for n in range(1, 51)]
    whole = words(table(rows), range(1, 51))
    assert any(word.endswith(" 1") for word in whole)
    assert words(table(rows), range(45, 51)) == whole
    assert words(table(rows), (1, 2, 44, 50)) == whole
    assert words(table(rows), range(1, 10)) != whole


def test_who_was_lost_for_ten_seconds_on_the_line_has_crossed_as_in_rtdet_count(table) -> None:
    numbers = [*range(1, 30), *range(120, 150)]
    places = [40 + 2 * n if n < 30 else 2 * n - 40 for n in numbers]
    rows = [(n, 1, (x, 100.0, x + 30.0, 200.0)) for n, x in zip(numbers, places, strict=True)]
    counter = count_table(table(rows), zones_from_text(ZONES), (320, 240))
    assert [one.direction for one in counter.events] == ["out"]
    assert words(table(rows), range(1, 150)) == ("door", "in 0", "out 1")


def test_a_track_counts_by_the_class_that_it_has_most_often_also_before_it_has_it(table) -> None:
    rows = [(n, 1, (10.0 + 5 * n, 100.0, 40.0 + 5 * n, 200.0)) for n in range(1, 60)]
    mostly_person = table(rows, labels=[1] * 28 + [0] * 31)
    zones = ZONES.replace('"name": "door"', '"name": "door", "classes": ["person"]')
    counter = count_table(mostly_person, zones_from_text(zones), (320, 240))
    assert len(counter.events) == 1
    assert words(mostly_person, range(1, 60), zones) == ("door", "in 0", "out 1")


def test_the_counts_are_those_of_rtdet_count(table) -> None:
    rows = [(n, 1, (10.0 + 5 * n, 100.0, 40.0 + 5 * n, 200.0)) for n in range(1, 51)]
    counter = count_table(table(rows), zones_from_text(ZONES), (320, 240))
    assert len(counter.events) == 1
    (name, *counts) = words(table(rows), range(1, 51))
    assert name == "door"
    assert sum(int(count.rsplit(" ", 1)[1]) for count in counts) == 1
