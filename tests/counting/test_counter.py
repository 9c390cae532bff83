"""Who crosses, who stays: the counter, frame by frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdet.counting import Counter, Line, Zone, Zones
from tests.counting.walks import DOOR, SIZE, SQUARE, kinds, steps, tracks, walk


def test_a_line_counts_each_direction_at_the_time_the_path_met_it() -> None:
    counter = walk(steps((401, 300), (601, 300), (401, 300), count=10), DOOR, fps=10.0)
    assert kinds(counter.events) == ["in", "out"]
    assert [one.t for one in counter.events] == pytest.approx([0.495, 1.505])
    assert counter.events[0].x == pytest.approx(500, abs=0.1)
    assert counter.count("door", "in") == counter.count("door", "out") == 1


def test_in_is_to_the_right_hand_of_who_walks_along_the_line() -> None:
    across = steps((500, 100), (500, 500))  # downwards
    assert kinds(walk(across, Line("a", ((300, 300), (700, 300)))).events) == ["in"]
    assert kinds(walk(across, Line("a", ((700, 300), (300, 300)))).events) == ["out"]
    named = Line("a", ((300, 300), (700, 300)), directions=("down", "up"))
    assert kinds(walk(across, named).events) == ["down"]


def test_who_flickers_on_the_line_crosses_once_or_not_at_all() -> None:
    rng = np.random.default_rng(3)
    flicker = [(500 + x, 300 + y) for x, y in rng.normal(0, 1.8, (200, 2))]
    came = steps((400, 300), (500, 300))
    assert kinds(walk([*came, *flicker, *steps((500, 300), (600, 300))], DOOR).events) == ["in"]
    turned = walk([*came, *flicker, *steps((500, 300), (400, 300))], DOOR)
    assert turned.events == []
    assert kinds(turned.doubtful) in (["in"], ["out"])


def test_who_ends_on_the_line_has_crossed_only_if_it_met_it_once() -> None:
    assert kinds(walk(steps((400, 300), (501, 300)), DOOR).events) == ["in"]
    ended = walk([*steps((400, 300), (501, 300)), (499, 300), (501, 300)], DOOR)
    assert ended.events == []
    assert len(ended.doubtful) == 1


def test_who_is_born_beyond_the_line_or_goes_around_its_end_does_not_cross() -> None:
    assert walk(steps((510, 300), (700, 300)), DOOR).events == []
    assert walk(steps((400, 300), (400, 50), (600, 50), (600, 300)), DOOR).events == []


def test_a_predicted_box_counts_nothing_but_a_path_over_a_gap_does() -> None:
    path = [(440, 300), (470, 300), (520, 300), (560, 300), (600, 300)]
    counter = Counter(Zones((DOOR,), (), SIZE), SIZE)
    for i, point in enumerate(path):
        seen = 0.0 if i < 2 else 0.04 * (i - 1)
        counter.update(tracks([point], since=[seen]), i / 25, i + 1)
    assert counter.events == []
    clear = walk(path, DOOR).events[0].sure
    gap = walk([*path[:2], *[None] * 20, *path[3:]], DOOR)
    assert kinds(gap.events) == ["in"]
    assert gap.events[0].sure < clear
    assert walk([*path[:2], *[None] * 200, *path[3:]], DOOR).events == []  # too long ago


def test_the_seen_column_of_a_file_says_which_boxes_were_predicted() -> None:
    counter = Counter(Zones((DOOR,), (), SIZE), SIZE)
    for i, x in enumerate((440, 470, 520, 560)):
        one = tracks([(x, 300)])
        one = type(one)(one.boxes, one.ids, values={"seen": np.array([i < 2])})
        counter.update(one, i / 25, i + 1)
    assert counter.events == []


def test_a_jump_to_elsewhere_is_no_crossing_but_a_fast_object_is() -> None:
    slow = steps((300, 300), (350, 300), count=20)
    assert walk([*slow, (900, 300), (902, 300), (904, 300)], DOOR).events == []
    fast = [(50 + 170 * i, 300) for i in range(6)]
    assert kinds(walk(fast, DOOR).events) == ["in"]


def test_a_line_of_several_segments_counts_once_and_back_and_forth_between_two_frames() -> None:
    corner = Line("l", ((300, 100), (500, 100), (500, 500), (300, 500)))
    assert kinds(walk(steps((400, 300), (620, 300)), corner).events) == ["out"]
    # Through both arms of a narrow V, between two frames.
    arms = Line("v", ((480, 100), (500, 500), (520, 100)))
    both = walk([(400, 150), (450, 150), (560, 150), (600, 150)], arms)
    assert kinds(both.events) == ["in", "out"] or kinds(both.events) == ["out", "in"]


def test_through_a_zone_between_two_frames_is_a_visit() -> None:
    counter = walk([(100, 300), (350, 300), (650, 300), (900, 300)], SQUARE, fps=1.0)
    assert kinds(counter.events) == ["entered", "left"]
    assert counter.events[1].dwell_s == pytest.approx(2 / 3, abs=0.01)


def test_a_visit_has_its_dwell_time_and_the_zone_knows_who_is_inside() -> None:
    zones = Zones((), (SQUARE,), SIZE)
    counter = Counter(zones, SIZE)
    for i, x in enumerate(range(300, 720, 10)):
        counter.update(tracks([(x, 300)]), i / 10, i + 1)
        if x == 500:
            assert counter.inside("square") == 1
            assert counter.inside_counts() == {"square": 1}
    assert kinds(counter.events) == ["entered", "left"]
    assert counter.events[1].dwell_s == pytest.approx(2.0)
    assert counter.inside("square") == 0


def test_born_inside_is_no_entering_and_ending_inside_is_no_leaving() -> None:
    assert kinds(walk(steps((500, 300), (800, 300)), SQUARE).events) == ["appeared", "left"]
    ended = walk(steps((200, 300), (500, 300), count=25), SQUARE, fps=25.0)
    assert kinds(ended.events) == ["entered", "ended"]
    assert ended.events[1].t == 1.0


def test_somebody_who_is_gone_is_no_longer_inside() -> None:
    counter = Counter(Zones((), (SQUARE,), SIZE), SIZE)
    counter.update(tracks([(500, 300)]), 0.0, 1)
    for i in range(1, 40):
        counter.update(tracks([]), i / 10, i + 1)
    assert counter.inside("square") == 0
    assert kinds(counter.events) == ["appeared"]  # it may come back
    counter.update(tracks([]), 6.0, 41)
    assert kinds(counter.events) == ["appeared", "ended"]
    assert counter.events[1].dwell_s == 0.0


def test_the_class_is_that_of_most_sightings_and_only_classes_that_are_asked_for_count() -> None:
    path = steps((400, 300), (600, 300), count=10)
    counter = Counter(Zones((DOOR, Line("cars", DOOR.points, classes=("vehicles",))), (), SIZE), SIZE)
    for i, point in enumerate(path):
        counter.update(tracks([point], labels=[2 if i in (5, 6) else 1]), i / 25, i + 1)
    assert [(one.name, one.class_name) for one in counter.events] == [("door", "car"), ("cars", "car")]
    people = Line("p", DOOR.points, classes=("person",))
    assert walk(path, people, labels=[1]).events == []


def test_the_point_of_the_box_is_a_choice_also_of_one_line() -> None:
    # The feet pass under the line, the head through it.
    path = steps((400, 540), (600, 540), count=20)
    line = Line("l", ((500, 500), (500, 380)))
    assert walk(path, line).events == []
    assert kinds(walk(path, Line("l", line.points, point="head")).events) == ["in"]
    zones = Zones((line,), (), SIZE, "head")
    assert kinds(walk(path, counter=Counter(zones, SIZE)).events) == ["in"]


def test_a_time_that_repeats_counts_and_one_that_runs_backwards_begins_anew() -> None:
    path = [(440, 300), (480, 300), (520, 300), (560, 300)]
    assert kinds(walk(path, DOOR, times=[0.0, 0.0, 0.0, 0.0]).events) == ["in"]
    counter = walk([(440, 300), (480, 300)], DOOR)
    walk(path[2:], counter=counter, times=[-1.0, -0.9])
    assert counter.events == []
    with pytest.raises(ValueError, match=r"without a time"):
        counter.update(tracks([]), float("nan"), 1)


def test_boxes_without_an_id_of_their_own_do_not_count() -> None:
    counter = Counter(Zones((DOOR,), (SQUARE,), SIZE), SIZE)
    for i in range(20):
        counter.update(tracks([(400 + 10 * i, 300), (600, 300)], ids=[0, 0]), i / 25, i + 1)
    assert counter.events == []


def test_pictures_of_another_size_have_the_lines_at_the_same_place() -> None:
    counter = walk(steps((400, 300), (600, 300)), DOOR)
    counter.resize((500, 300))
    for i, (x, y) in enumerate(steps((200, 150), (300, 150))):
        counter.update(tracks([(x, y)], wide=20, tall=50), 1 + i / 25, 100 + i)
    assert counter.count("door", "in") == 2


def test_hundreds_of_tracks_and_zones_are_counted_together() -> None:
    lines = tuple(Line(f"l{i}", ((10 * i, 0), (10 * i, 600))) for i in range(1, 90))
    zones = tuple(Zone(f"z{i}", ((i, 0), (i + 5, 0), (i + 5, 600), (i, 600))) for i in range(0, 900, 10))
    counter = Counter(Zones(lines, zones, SIZE), SIZE)
    for i in range(12):
        counter.update(tracks([(4 + 3 * k + i, 2 * k) for k in range(300)], wide=2, tall=4), i / 25, i + 1)
    assert all(one.direction in ("in", "out", "") for one in counter.events)
    assert sum(one.kind == "crossed" and one.direction == "out" for one in counter.events) > 100


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=30))
def test_on_any_path_of_whole_pixels_who_is_inside_has_come_in_once_more_than_gone_out(corners) -> None:
    """Also where paths run along borders and through corners."""
    zone = Zone("z", ((5, 5), (10, 5), (15, 10), (15, 15), (5, 15)))
    counter = Counter(Zones((), (zone,), SIZE), SIZE, hysteresis=0.0)
    for i, point in enumerate(corners):
        counter.update(tracks([point], wide=40, tall=40), i / 25, i + 1)
        counts = {kind: counter.count("z", kind) for kind in ("appeared", "entered", "left")}
        is_inside = counts["appeared"] + counts["entered"] - counts["left"]
        assert is_inside in (0, 1)
    met = counter.outlines.contains(0, np.array(corners[-1], dtype=float))
    assert counter.inside("z") == is_inside
    assert bool(is_inside) == met or counter._met
