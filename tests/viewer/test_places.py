"""Times and frames as people write them."""

from __future__ import annotations

import pytest

from rtdet.types import SourceInfo
from rtdet.viewer.places import Place, clamped, parse_place

INFO = SourceInfo("clip", 64, 48, 25.0, 100, 4.0, is_seekable=True)


@pytest.mark.parametrize(
    ("text", "t"),
    [
        ("120", 120.0),
        ("1:05.2", 65.2),
        (" 1:02:03 ", 3723.0),
        ("0,5", 0.5),
        (".5", 0.5),
        ("3 s", 3.0),
        ("90:00", 5400.0),
    ],
)
def test_a_number_is_seconds_and_colons_make_minutes_and_hours(text: str, t: float) -> None:
    place = parse_place(text)
    assert place is not None
    assert place.index is None
    assert place.t == pytest.approx(t)


@pytest.mark.parametrize(("text", "index"), [("#120", 119), ("# 1", 0), ("frame 7", 6), ("#0", -1)])
def test_a_hash_makes_it_a_frame_counted_from_1(text: str, index: int) -> None:
    assert parse_place(text) == Place(index=index)


@pytest.mark.parametrize(
    "text", ["", "abc", "#", "-3", "1:2:3:4", "#1.5", "1e5", "#" + "9" * 40, "9" * 400, "nan"]
)
def test_anything_else_is_no_place(text: str) -> None:
    assert parse_place(text) is None


def test_a_place_beyond_the_source_becomes_its_last_or_first_and_says_so() -> None:
    assert clamped(Place(3.9), INFO) == (Place(3.9), "")
    assert clamped(Place(index=99), INFO) == (Place(index=99), "")
    place, said = clamped(Place(index=500), INFO)
    assert place == Place(index=99)
    assert said == "There is no frame 501: this is the last one, 100."
    place, said = clamped(Place(75.0), INFO)
    assert place == Place(index=99)
    assert said == "There is no picture at 1:15.0: this is the last one of 0:04.0."
    assert clamped(Place(index=-1), INFO)[0] == Place(index=0)
