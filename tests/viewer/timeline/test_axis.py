from __future__ import annotations

import itertools

import pytest

from rtdet.viewer.timeline.axis import SHORTEST_S, TimeAxis


@pytest.fixture
def axis() -> TimeAxis:
    axis = TimeAxis()
    axis.cover(0.0, 100.0)
    axis.resize(1000)
    return axis


def test_all_of_a_run_is_shown_at_first(axis: TimeAxis) -> None:
    assert axis.is_fitted
    assert axis.x_of(25.0) == 250.0
    assert axis.s_at(250.0) == 25.0


@pytest.mark.parametrize("at_x", [0.0, 333.0, 1000.0])
def test_the_time_under_the_pointer_stays_there_when_zoomed(axis: TimeAxis, at_x: float) -> None:
    before = axis.s_at(at_x)
    axis.zoom_by(8.0, at_x)
    assert axis.seconds == pytest.approx(12.5)
    assert axis.s_at(at_x) == pytest.approx(before)


def test_zooming_ends_at_the_run_and_at_a_moment(axis: TimeAxis) -> None:
    axis.zoom_by(1e9, 500)
    assert axis.seconds == pytest.approx(SHORTEST_S)
    axis.zoom_by(1e-9, 500)
    assert axis.is_fitted


def test_dragging_stops_at_the_ends(axis: TimeAxis) -> None:
    axis.zoom_by(2.0, 500)
    axis.pan_by(100)
    assert axis.left_s == pytest.approx(20.0)
    axis.pan_by(1e6)
    assert axis.left_s == 0.0
    axis.pan_by(-1e6)
    assert axis.right_s == 100.0
    assert axis.seconds == pytest.approx(50.0)


def test_the_page_turns_when_the_picture_leaves_the_view(axis: TimeAxis) -> None:
    axis.zoom_by(10.0, 0)
    assert not axis.follow(9.9)
    assert axis.follow(10.1)
    assert axis.left_s == pytest.approx(9.1)


def test_a_run_that_grows_stays_in_view_as_it_was(axis: TimeAxis) -> None:
    axis.cover(0.0, 200.0)
    assert axis.is_fitted
    axis.zoom_by(10.0, 0)
    axis.cover(0.0, 300.0)
    assert (axis.left_s, axis.right_s) == (0.0, pytest.approx(20.0))
    axis.cover(0.0, 5.0)
    assert axis.is_fitted


def test_a_stretch_is_brought_into_view(axis: TimeAxis) -> None:
    axis.zoom_by(10.0, 0)
    axis.show(50.0, 54.0)
    assert axis.left_s < 50.0
    assert axis.right_s > 54.0
    axis.show(60.0, 90.0)
    assert axis.left_s == pytest.approx(59.5)


@pytest.mark.parametrize(
    ("seconds", "width"), [(0.2, 1000), (7.0, 600), (100.0, 1000), (9000.0, 300), (2e5, 800)]
)
def test_ticks_are_round_and_apart(seconds: float, width: float) -> None:
    axis = TimeAxis()
    axis.cover(0.0, seconds)
    axis.resize(width)
    ticks = axis.ticks()
    assert ticks
    assert ticks[0].text.startswith("0:00")
    assert all(b.x - a.x >= 79.9 for a, b in itertools.pairwise(ticks))
    assert len({tick.text for tick in ticks}) == len(ticks)
