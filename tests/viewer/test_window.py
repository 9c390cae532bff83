"""The state of the window."""

from __future__ import annotations

from rtdet.viewer.window import WindowState


def test_recent_sources_are_newest_first_without_doubles_and_bounded() -> None:
    window = WindowState()
    for number in range(14):
        window.add_recent(f"clip{number}.mp4")
    window.add_recent("clip9.mp4")
    assert window.recent[:2] == ("clip9.mp4", "clip13.mp4")
    assert len(window.recent) == len(set(window.recent)) == 10
