"""Where the picture lies in the widget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtdet.viewer.viewport import Viewport


def fitted(width: float, height: float, image: tuple[int, int]) -> Viewport:
    view = Viewport()
    view.resize(width, height)
    view.show(*image)
    return view


def test_a_picture_is_letterboxed_in_the_middle() -> None:
    view = fitted(1000, 1000, (200, 100))
    assert view.to_widget(0, 0) == (0, 250)
    assert view.to_widget(200, 100) == (1000, 750)


sizes = st.integers(16, 4000)


@given(sizes, sizes, sizes, sizes, st.floats(0, 1), st.floats(0, 1), st.floats(1.05, 8))
def test_zoom_keeps_what_is_under_the_pointer(w, h, iw, ih, u, v, factor) -> None:
    view = fitted(w, h, (iw, ih))
    x, y = view.to_widget(u * iw, v * ih)
    view.zoom_by(factor, x, y)
    moved = view.to_widget(u * iw, v * ih)
    # Along a side that is now longer than the window nothing pulls the picture back to the middle.
    for at, before, room, size in ((moved[0], x, w, iw), (moved[1], y, h, ih)):
        if size * view.scale >= room and view.zoom > 1:
            edge = max(0.0, room - size * view.fit_scale) / 2
            assert abs(at - before) <= edge * factor + 1e-6 * room + 1e-6


@given(sizes, sizes, sizes, sizes, st.floats(-3000, 3000), st.floats(-3000, 3000), st.floats(1, 30))
def test_no_pan_leaves_the_picture(w, h, iw, ih, dx, dy, factor) -> None:
    view = fitted(w, h, (iw, ih))
    view.zoom_by(factor, w / 2, h / 2)
    view.pan(dx, dy)
    for low, room, size in ((view.left, w, iw), (view.top, h, ih)):
        high = low + size * view.scale
        if size * view.scale >= room:
            assert low <= 1e-6 * room
            assert high >= room * (1 - 1e-6)
        else:
            assert low == pytest.approx(room - high, abs=1e-6 * room + 1e-9)


def test_a_picture_of_another_size_begins_fitted_and_the_same_size_keeps_the_zoom() -> None:
    view = fitted(400, 300, (800, 600))
    view.zoom_by(3, 10, 10)
    view.show(800, 600)
    assert not view.is_fitted
    view.show(640, 480)
    assert view.is_fitted
