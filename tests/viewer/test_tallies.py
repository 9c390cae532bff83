"""What was counted, added up for the window and said in words."""

from __future__ import annotations

import numpy as np

from rtdet.counting import Line, Zone, Zones
from rtdet.counting.counter import Counter
from rtdet.viewer.tallies import Amount, Inside, LineTally, TallyBook, ZoneTally, visitors
from rtdet.viewer.tally_lines import classes_of, lines_of, seconds, spoken, tip_of
from rtdet.viewer.zone_marks import colors_of, marks_of_zones
from tests.counting.walks import DOOR, SIZE, SQUARE, steps, tracks, walk

IN = steps((300, 300), (700, 300))


def test_crossings_are_told_by_direction_and_class_as_they_come() -> None:
    counter = Counter(Zones((DOOR,), (), SIZE), SIZE)
    book = TallyBook(counter)
    assert book.tallies()["door"] == LineTally()
    walk(IN, counter=counter, labels=[1])
    tally = book.tallies()["door"]
    assert (tally.first.by_class, tally.second.by_class) == ({"car": 1}, {})
    walk(IN[::-1], counter=counter, labels=[0], times=[10 + i / 25 for i in range(len(IN))])
    tally = book.tallies()["door"]
    assert (tally.first.by_class, tally.second.by_class) == ({"car": 1}, {"person": 1})


def test_the_interval_holds_the_count() -> None:
    counter = walk(IN, DOOR, scores=[0.4])
    first = TallyBook(counter).tallies()["door"].first
    low, high = first.interval()
    assert (low, first.total) == (0, 1)
    assert high >= 1


def test_a_zone_tells_who_came_who_went_and_for_how_long() -> None:
    counter = walk(steps((300, 300), (700, 300)), SQUARE)
    tally = TallyBook(counter).tallies()["square"]
    assert (tally.entered.total, tally.appeared.total, tally.left.total, tally.most) == (1, 0, 1, 1)
    assert tally.dwell_s == tally.longest_s
    assert 0.3 < tally.dwell_s < 0.5


def test_most_at_once_goes_by_the_times_of_events_and_not_by_their_order() -> None:
    counter = Counter(Zones((), (SQUARE,), SIZE), SIZE)
    one, two = steps((300, 300), (700, 300)), steps((300, 350), (700, 350))
    for i in range(len(one)):
        counter.update(tracks([one[i], two[i]]), i / 25, i + 1)
    counter.finish()
    assert TallyBook(counter).tallies()["square"].most == 2


def test_who_was_somewhere_is_known_by_id() -> None:
    counter = walk(IN, DOOR, SQUARE)
    assert visitors(counter) == {"door": frozenset({1}), "square": frozenset({1})}


def test_who_is_inside_now_is_seen_at_the_point_that_counts() -> None:
    zones = Zones((DOOR,), (SQUARE,), SIZE)
    feet = tracks([(500, 300), (500, 450), (590, 390)])
    assert Inside(zones, SIZE).count(feet) == {"square": 2}
    assert Inside(zones.with_point("center"), SIZE).count(feet) == {"square": 3}


def test_inside_are_only_the_classes_that_count_and_those_seen_lately() -> None:
    cars = Zone("square", SQUARE.points, classes=("vehicles",))
    there = tracks([(500, 300), (510, 310), (520, 320)], labels=[0, 1, 2], since=[0.0, 0.0, 3.0])
    assert Inside(Zones((), (cars,), SIZE), SIZE).count(there) == {"square": 1}


def test_boxes_that_are_not_finite_are_nowhere() -> None:
    there = tracks([(np.nan, 300), (500, 300)])
    assert Inside(Zones((), (SQUARE,), SIZE), SIZE).count(there) == {"square": 1}


def test_the_lines_of_the_list_say_how_many_by_class() -> None:
    tally = LineTally(Amount({"car": 8, "person": 1204, "bus": 1, "dog": 1, "cat": 2}), Amount())
    assert lines_of(DOOR, tally) == [("in", "1,216", "person 1,204, car 8, cat 2, other 2"), ("out", "0", "")]
    assert classes_of({}) == ""


def test_a_zone_has_visits_once_one_is_over() -> None:
    assert [what for what, _, _ in lines_of(SQUARE, None, 2)] == ["now", "entered", "left"]
    tally = ZoneTally(Amount({"car": 3}), Amount({"car": 1}), Amount({"car": 2}), 8.4, 75.0, 3)
    assert lines_of(SQUARE, tally, 2) == [
        ("now", "2", "most 3"), ("entered", "3", "car 3"), ("left", "2", "car 2"),
        ("visits", "4", "8.4 s, max 1:15"),
    ]  # fmt: skip
    assert seconds(59.96) == "0:59"


def test_a_screen_reader_and_a_tip_have_all_of_it() -> None:
    tally = LineTally(Amount({"car": 2}, lambda: (1, 3)), Amount())
    lines = lines_of(DOOR, tally)
    assert spoken(DOOR, lines) == "door, line: in 2, car 2; out 0"
    assert tip_of(DOOR, lines, tally).splitlines() == [
        "door", "in  2  car 2", "out  0", "As sure as the tracks are, 95 of 100: in 1 to 3",
    ]  # fmt: skip


def test_marks_are_in_pixels_of_the_picture_and_carry_the_counts() -> None:
    zones = Zones(
        (Line("door", ((0.5, 0.0), (0.5, 1.0)), "#ff8800"),), (Zone("yard", ((0, 0), (1, 0), (0, 1))),)
    )
    line, zone = marks_of_zones(
        zones, (200, 100), {"door": LineTally(Amount({"car": 2}), Amount())}, {"yard": 3}
    )
    assert line.points == ((100, 0), (100, 100))
    assert line.words == ("door", "in 2", "out 0")
    assert zone.words == ("yard", "3 inside", "0 entered")
    assert colors_of(zones) == {"door": line.color, "yard": zone.color}
