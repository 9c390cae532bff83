"""A view that follows a track: steady, of one size, inside the picture."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.rendering import FollowedTrack

SIZE = (640, 360)


def walk(first: int, last: int, start: float = 60.0, step: float = 4.0):
    return [
        (n, 7, (start + step * (n - first), 150.0, start + 30 + step * (n - first), 220.0))
        for n in range(first, last + 1)
    ]


def test_the_view_has_one_even_size_and_stays_in_the_picture(table) -> None:
    followed = FollowedTrack(table(walk(1, 140)), 7, SIZE, 25)
    assert followed.size[0] % 2 == followed.size[1] % 2 == 0
    for index in range(200):
        view = followed.view(index)
        assert view.size == followed.size
        assert view.left >= -1e-9
        assert view.top >= -1e-9
        assert view.left + view.width <= SIZE[0] + 1e-9
        assert view.top + view.width * view.size[1] / view.size[0] <= SIZE[1] + 1e-9


def test_the_object_is_in_the_middle_of_the_view_and_in_it_all_the_time(table) -> None:
    rows = walk(1, 120)
    followed = FollowedTrack(table(rows), 7, SIZE, 25)
    for number, _, box in rows[30:90]:
        view = followed.view(number - 1)
        assert (box[0] + box[2]) / 2 == pytest.approx(view.left + view.width / 2, abs=1)
        assert view.left < box[0]
        assert box[2] < view.left + view.width


def test_boxes_that_tremble_do_not_shake_the_view(table) -> None:
    random = np.random.default_rng(0)
    rows = [
        (number, track, tuple(np.array(box) + random.normal(0, 4, 4)))
        for number, track, box in walk(1, 100, 250, 1)
    ]
    followed = FollowedTrack(table(rows), 7, SIZE, 25)
    lefts = np.array([followed.view(index).left for index in range(100)])
    assert np.abs(np.diff(lefts, 2)).max() < 0.3


def test_the_view_rests_where_the_track_is_gone_and_goes_on_through_a_gap(table) -> None:
    rows = [row for row in walk(30, 90, 200) if not 50 <= row[0] <= 60]
    followed = FollowedTrack(table(rows), 7, SIZE, 25)
    assert followed.view(0) == followed.view(28) == followed.view(29)
    assert followed.view(89) == followed.view(500)
    lefts = [followed.view(index).left for index in range(40, 70)]
    assert (np.diff(lefts) > 0).all()


def test_an_object_that_grows_is_zoomed_out_from_slowly(table) -> None:
    rows = [(n, 7, (300 - n, 160 - n, 340 + n, 200 + n)) for n in range(1, 101)]
    followed = FollowedTrack(table(rows), 7, SIZE, 25)
    widths = np.array([followed.view(index).width for index in range(100)])
    assert widths[-1] > 1.5 * widths[0]
    assert (np.abs(np.diff(widths)) < 0.03 * widths[:-1]).all()


def test_an_id_that_is_not_there_is_refused_with_those_that_are(table) -> None:
    with pytest.raises(UsageError, match=r"no track 8 to follow; its IDs: 7"):
        FollowedTrack(table(walk(1, 3)), 8, SIZE, 25)
