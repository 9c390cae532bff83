"""Where a frame's time goes, on screen; and boxes as they were detected."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QPoint
from PyQt6.QtGui import QHelpEvent
from PyQt6.QtWidgets import QApplication, QToolTip

from rtdet.pipeline.stats import WAY
from rtdet.types import Tracks
from rtdet.ui.time_bar import STAGES, TimeBar
from rtdet.ui.video_view import VideoView
from rtdet.viewer.player import PlayerState, Rates
from rtdet.viewer.window import WindowState
from tests.ui.test_picture import StillFeed

TIMES = {
    "capture": {"p50": 2.0, "p95": 3.0},
    "infer": {"p50": 6.0, "p95": 9.0},
    "paint": {"p50": 2.0, "p95": 4.0},
    "age": {"p50": 30.0, "p95": 60.0},
}


def test_stages_are_as_wide_as_they_take_long(qtbot) -> None:
    assert tuple(STAGES) == WAY, "each stage of a frame's way has its colour"
    bar = TimeBar()
    qtbot.addWidget(bar)
    bar.resize(200, 10)
    assert bar.shares == {}
    assert bar.stage_at(5) == ""
    bar.show_times(TIMES)
    assert bar.shares == pytest.approx({"capture": 0.2, "infer": 0.6, "paint": 0.2})
    assert [bar.stage_at(x) for x in (0, 39, 41, 159, 161, 200)] == ["capture"] * 2 + ["infer"] * 2 + [
        "paint",
        "",
    ]
    bar.show()
    image = bar.grab().toImage()
    assert image.pixelColor(20, 5).name() == STAGES["capture"][0]
    assert image.pixelColor(100, 5).name() == STAGES["infer"][0]
    assert bar.accessibleDescription() == "capture 2.0 ms, infer 6.0 ms, paint 2.0 ms"


def test_of_a_detector_that_does_not_measure_its_parts_the_whole_is_shown(qtbot) -> None:
    bar = TimeBar()
    qtbot.addWidget(bar)
    bar.show_times({"detect": {"p50": 8.0, "p95": 9.0}})
    assert bar.shares == {"infer": 1.0}


def test_the_pointer_on_it_shows_milliseconds(qtbot) -> None:
    bar = TimeBar()
    qtbot.addWidget(bar)
    bar.resize(200, 10)
    bar.show_times(TIMES)
    bar.show()
    at = QPoint(100, 5)
    QApplication.sendEvent(bar, QHelpEvent(QEvent.Type.ToolTip, at, bar.mapToGlobal(at)))
    text = QToolTip.text()
    assert "<b>infer</b>" in text
    for number in ("2.0", "6.0", "9.0", "4.0"):
        assert number in text
    QToolTip.hideText()


def test_the_bar_stands_under_the_numbers_on_the_picture(qtbot) -> None:
    player, window = PlayerState(), WindowState()
    view, feed = VideoView(player, window), StillFeed()
    qtbot.addWidget(view)
    view.resize(640, 480)
    view.show()
    view.tick(feed)
    qtbot.waitUntil(lambda: bool(feed.shown))
    assert view.time_bar.isHidden()
    window.show_numbers = True
    view.repaint()
    player.rates = Rates(stages_ms=TIMES, boxes_age_ms=45.0, gave_up="every 2nd frame at 320 pixels")
    assert view.time_bar.isVisible()
    assert view.rect().contains(view.time_bar.geometry())
    assert view.time_bar.shares["infer"] == pytest.approx(0.6)
    assert "boxes 45 ms" in view._number_lines()[1]
    assert view._number_lines()[2] == "to stay fresh: every 2nd frame at 320 pixels"
    window.show_numbers = False
    assert view.time_bar.isHidden()


def test_boxes_are_shown_as_they_were_detected_while_that_is_wanted(qtbot) -> None:
    window = WindowState()
    view, feed = VideoView(PlayerState(), window), StillFeed()
    qtbot.addWidget(view)
    view.show()
    view.tick(feed)
    assert len(view.tracks) == 0
    window.as_detected = True
    np.testing.assert_array_equal(view.tracks.boxes, [[5, 6, 15, 16]])
    window.as_detected = False
    assert view.tracks.ids.tolist() == Tracks().ids.tolist()
