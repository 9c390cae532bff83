"""Where the tiles of a grid go."""

from __future__ import annotations

from itertools import combinations

import pytest

from rtdet.viewer.arrangement import arranged, columns_for, neighbor


@pytest.mark.parametrize(
    ("count", "size", "columns"),
    [(1, (1280, 720), 1), (2, (1280, 500), 2), (2, (600, 900), 1), (4, (1280, 720), 2), (8, (1280, 800), 3),
     (9, (1280, 720), 3), (16, (1920, 1080), 4)],
)  # fmt: skip
def test_the_columns_are_those_in_which_pictures_are_largest(count, size, columns) -> None:
    assert columns_for(count, *size) == columns


@pytest.mark.parametrize("count", range(1, 26))
def test_tiles_lie_within_the_grid_and_not_over_each_other(count) -> None:
    places = arranged(count, 1001, 703, bar=28, gap=2)
    assert len(places) == count
    for place in places:
        assert place.left >= 0
        assert place.top >= 0
        assert place.left + place.width <= 1001
        assert place.top + place.height <= 703
    for one, other in combinations(places, 2):
        beside = one.left + one.width <= other.left or other.left + other.width <= one.left
        below = one.top + one.height <= other.top or other.top + other.height <= one.top
        assert beside or below


def test_a_last_row_that_is_not_full_is_in_the_middle() -> None:
    first, _, _, _, _, _, seventh, eighth = arranged(8, 1280, 800)
    assert seventh.left - first.left == 1280 - (eighth.left + eighth.width)
    assert arranged(0, 100, 100) == []


def test_arrows_lead_to_the_tile_beside_and_stay_at_the_edges() -> None:
    assert neighbor(0, 8, 3, (1, 0)) == 1
    assert neighbor(0, 8, 3, (-1, 0)) == 0
    assert neighbor(2, 8, 3, (1, 0)) == 2
    assert neighbor(1, 8, 3, (0, 1)) == 4
    assert neighbor(5, 8, 3, (0, 1)) == 7, "the last row is shorter"
    assert neighbor(7, 8, 3, (0, 1)) == 7
    assert neighbor(7, 8, 3, (1, 0)) == 7
