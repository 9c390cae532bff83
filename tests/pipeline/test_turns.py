"""Whose pictures a shared detector looks at next."""

from __future__ import annotations

from collections import Counter

from rtdet.pipeline.turns import Place, Turns


def _asked(turns: Turns, *counts: int) -> list[Place]:
    places = [Place() for _ in counts]
    for place, count in zip(places, counts, strict=True):
        turns.join(place, count)
    return places


def test_whoever_waits_gets_one_picture_each() -> None:
    turns = Turns(8)
    places = _asked(turns, 1, 1, 1)
    assert turns.choose(places, 0.0) == [(place, 1) for place in places]
    assert turns.choose(places, 0.0) == []


def test_of_more_than_there_is_room_for_those_who_were_served_least_come_first() -> None:
    turns = Turns(3)
    places = _asked(turns, *[1] * 5)
    served: Counter[int] = Counter()
    for _ in range(50):
        for place, count in turns.choose(places, 0.0):
            served[places.index(place)] += count
            turns.join(place, 1)
    assert set(served.values()) == {30}


def test_one_that_is_alone_fills_the_room() -> None:
    turns = Turns(8)
    (place,) = places = _asked(turns, 20)
    assert turns.choose(places, 0.0) == [(place, 8)]


def test_those_who_ask_in_bulk_get_half_the_room_at_a_time() -> None:
    turns = Turns(8)
    first, second, third = places = _asked(turns, 8, 8, 8)
    assert turns.choose(places, 0.0) == [(first, 4), (second, 4)]
    assert turns.choose(places, 0.0) == [(third, 4), (first, 4)]


def test_beside_one_whose_picture_is_the_newest_nobody_gets_two() -> None:
    turns = Turns(8)
    file, camera = places = _asked(turns, 8, 1)
    assert turns.choose(places, 0.0) == [(file, 1), (camera, 1)]
    camera.answered_at = 0.0
    assert turns.choose(places, 0.1) == [(file, 1)]  # the camera is about to come back


def test_one_that_asks_no_more_holds_nobody_up() -> None:
    turns = Turns(8)
    file, camera = places = _asked(turns, 8, 1)
    turns.choose(places, 0.0)
    camera.answered_at = 0.0
    assert turns.choose(places, 1.0) == [(file, 7)]


def test_to_ask_for_nothing_saves_nothing_up() -> None:
    turns = Turns(8)
    busy, idle = places = _asked(turns, 1, 1)
    turns.choose(places, 0.0)
    for _ in range(100):
        turns.join(busy, 1)
        turns.choose(places, 0.0)
    served: Counter[bool] = Counter()
    for _ in range(20):
        for place in places:
            if not place.waiting:
                turns.join(place, 1)
        for place, count in turns.choose(places, 0.0):
            served[place is idle] += count
    assert served[True] - served[False] <= 4


def test_large_requests_are_served_no_more_than_small_ones_of_many() -> None:
    turns = Turns(4)
    places = _asked(turns, 2, 8)
    served = [0, 0]
    for _ in range(300):
        for place, count in turns.choose(places, 0.0):
            served[places.index(place)] += count
        for place, size in zip(places, (2, 8), strict=True):
            if not place.waiting:
                turns.join(place, size)
    assert abs(served[0] - served[1]) <= 0.1 * sum(served)


def test_one_that_was_served_while_the_other_was_away_waits_for_it() -> None:
    turns = Turns(8)
    file, camera = places = _asked(turns, 8, 1)
    served = [0, 0]
    for _ in range(100):
        for place, count in turns.choose(places, 0.0):
            served[places.index(place)] += count
            place.answered_at = 0.0
        for place, count in turns.choose(places, 0.0):  # the camera is not back yet
            served[places.index(place)] += count
        for place, size in ((file, 8), (camera, 1)):
            if not place.waiting:
                turns.join(place, size)
    assert served[0] - served[1] <= 3
