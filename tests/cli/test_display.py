"""A Qt platform that is named and not there: the run goes on without a window, or --show says so; Qt would abort."""

from __future__ import annotations

import sys

import pytest

from rtdet.cli.run import has_display

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="X11 and Wayland are Linux's")


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM_PLUGIN_PATH", "QT_PLUGIN_PATH"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "name", ["xcb", "wayland", "wayland-egl", "wrong", "wayland;xcb", "xcb:some=thing", "linuxfb"]
)
def test_a_platform_that_cannot_open_a_window_here_is_none(rtdet, clip, monkeypatch, name):
    monkeypatch.setenv("QT_QPA_PLATFORM", name)
    assert not has_display()
    outcome = rtdet("--source", clip, "--show")
    assert outcome.code == 2
    assert "--show needs a display" in outcome.err


@pytest.mark.parametrize("name", ["xcb", "wrong"])
def test_without_show_it_runs_without_a_window(rtdet, clip, monkeypatch, name):
    monkeypatch.setenv("QT_QPA_PLATFORM", name)
    outcome = rtdet("--source", clip, "--max-frames", 1, "--tracks", "t.csv")
    assert outcome.code == 0
    assert "no display here, running without a window" in outcome.err


@pytest.mark.parametrize("name", ["offscreen", "minimal", "xcb;offscreen", "vnc:size=800x600"])
def test_a_platform_that_needs_no_display_opens_windows(monkeypatch, name):
    monkeypatch.setenv("QT_QPA_PLATFORM", name)
    assert has_display()
