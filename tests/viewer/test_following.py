from __future__ import annotations

import itertools

import pytest

from rtdet.viewer.following import SHARE, Following
from rtdet.viewer.viewport import Viewport

BOX = (800.0, 300.0, 860.0, 460.0)


@pytest.fixture
def view() -> Viewport:
    view = Viewport()
    view.resize(640, 360)
    view.show(1280, 720)
    return view


def steps(
    following: Following, view: Viewport, box, count: int = 200, begin_s: float = 0.0
) -> list[Viewport]:
    seen = []
    for number in range(count):
        following.step(view, box, begin_s + 0.02 * number)
        seen.append((view.center_x, view.center_y, view.zoom))
    return seen


def test_the_view_arrives_at_the_object_and_at_its_size(view: Viewport) -> None:
    following = Following()
    following.start()
    steps(following, view, BOX)
    assert view.to_widget(830, 380) == (pytest.approx(320, abs=1), pytest.approx(180, abs=1))
    assert view.scale * 160 == pytest.approx(SHARE * 360, rel=0.01)
    assert not following.step(view, BOX, 100.0)


def test_the_way_there_has_no_jumps(view: Viewport) -> None:
    following = Following()
    following.start()
    seen = steps(following, view, BOX, 60)
    assert max(b[2] / a[2] for a, b in itertools.pairwise(seen)) < 1.15
    assert max(abs(b[0] - a[0]) for a, b in itertools.pairwise(seen)) < 0.05


def test_an_object_that_is_not_there_leaves_the_view_where_it_is(view: Viewport) -> None:
    following = Following()
    following.start()
    steps(following, view, BOX)
    before = (view.center_x, view.center_y, view.zoom)
    assert not following.step(view, None, 10.0)
    assert not following.step(view, (float("nan"),) * 4, 10.1)
    assert (view.center_x, view.center_y, view.zoom) == before


def test_a_zoom_of_the_user_stays(view: Viewport) -> None:
    following = Following()
    following.start()
    steps(following, view, BOX, 5)
    view.zoom_by(3.0, 100, 100)
    following.keep_scale()
    scale = view.scale
    steps(following, view, BOX, begin_s=5.0)
    assert view.scale == scale
    assert view.to_widget(830, 380) == (pytest.approx(320, abs=1), pytest.approx(180, abs=1))


def test_a_large_object_does_not_make_the_picture_smaller_than_the_view(view: Viewport) -> None:
    following = Following()
    following.start()
    steps(following, view, (0, 0, 1280, 720))
    assert view.is_fitted
