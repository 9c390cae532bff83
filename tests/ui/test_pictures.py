"""Photographs in the window."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PyQt6.QtCore import Qt

from rtdet.viewer.player import Phase


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "holiday"
    folder.mkdir()
    for number, name in enumerate(("beach.png", "cat.png", "dune.png"), start=1):
        cv2.imwrite(str(folder / name), np.full((120 + 10 * number, 160, 3), 60 * number, np.uint8))
    return folder


def test_the_arrow_keys_go_through_photographs_whose_names_and_numbers_are_shown(
    qtbot, open_window, photos
) -> None:
    window = open_window(str(photos))
    transport, status = window.transport, window.status

    def shows(name: str, place: str) -> None:
        qtbot.waitUntil(lambda: transport.time.text() == place and name in status.source.text(), timeout=5000)
        assert window.stage.view.frame.name == name
        assert place in status.source.text()

    shows("beach.png", "1 / 3")
    assert window.player.phase is Phase.PAUSED
    assert window.actions_["step"].text() == "Next picture"
    for key, name, place in (
        (Qt.Key.Key_Right, "cat.png", "2 / 3"),
        (Qt.Key.Key_Right, "dune.png", "3 / 3"),
        (Qt.Key.Key_Right, "dune.png", "3 / 3"),
        (Qt.Key.Key_Left, "cat.png", "2 / 3"),
        (Qt.Key.Key_Home, "beach.png", "1 / 3"),
    ):
        qtbot.keyClick(window, key)
        shows(name, place)
        assert not window.stage.replay_button.isVisible()
    transport.slider.setValue(0)
    assert transport.slider.maximum() == 2000
