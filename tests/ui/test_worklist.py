"""The list of what is worth a look, beside the lanes."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication

from tests.ui.test_mending import settled
from tests.viewer.timeline.tables import table_of

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier

# Tracks that begin and end in the middle of things.
FRAMES_OF = {track_id: range(10 * track_id, 10 * track_id + 12) for track_id in range(1, 8)}


@pytest.fixture
def window(open_window, qtbot):
    window = open_window()
    window.session.toggle_play()
    window.session.review.show(table_of(FRAMES_OF, frame_count=100, fps=25.0))
    settled(qtbot, window)
    return window


def stands_on(qtbot, window, frame: int) -> None:
    qtbot.waitUntil(lambda: window.stage.view.frame.index == frame - 1, timeout=20000)


def test_a_key_goes_to_the_next_place_and_another_one_back(window, qtbot) -> None:
    worklist = window.session.worklist
    qtbot.keyClick(window, Qt.Key.Key_J)
    qtbot.waitUntil(lambda: worklist.current is not None, timeout=20000)
    assert window.reviewing.panel.worklist.isVisible()
    first = worklist.findings[0]
    stands_on(qtbot, window, first.frame)
    assert set(window.session.timeline.selected) == set(first.ids)
    window.session.seek(0.0)
    qtbot.keyClick(window, Qt.Key.Key_J, SHIFT)
    assert worklist.current == first
    assert "first one" in window.player.message.text


def test_a_place_is_ticked_off_and_the_next_one_shown(window, qtbot) -> None:
    worklist, shown = window.session.worklist, window.reviewing.panel.worklist
    window.actions_["doubts"].trigger()
    window.actions_["lanes"].trigger()
    qtbot.waitUntil(lambda: bool(worklist.findings), timeout=20000)
    total = len(worklist.findings)
    assert shown.model.rowCount() == total
    qtbot.keyClick(window, Qt.Key.Key_J)
    qtbot.keyClick(window, Qt.Key.Key_J, CONTROL)
    first = shown.model.index(0)
    assert shown.model.data(first, Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
    assert shown.count.text() == f"{total - 1} of {total} left"
    for _ in range(total):
        qtbot.keyClick(window, Qt.Key.Key_J, CONTROL)
    assert shown.count.text() == f"0 of {total} left"
    assert "Nothing is left" in window.player.message.text


def test_a_click_in_the_list_shows_the_place(window, qtbot) -> None:
    worklist, shown = window.session.worklist, window.reviewing.panel.worklist
    window.actions_["doubts"].trigger()
    window.actions_["lanes"].trigger()
    qtbot.waitUntil(lambda: bool(worklist.findings), timeout=20000)
    QApplication.processEvents()
    index = shown.model.index(0)
    shown.list.scrollTo(index)
    rect = shown.list.visualRect(index)
    at = rect.center()
    qtbot.mouseClick(shown.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert worklist.current == worklist.findings[0]
    stands_on(qtbot, window, worklist.findings[0].frame)
    qtbot.keyClick(shown.list, Qt.Key.Key_Space)
    assert worklist.is_ticked(worklist.findings[0])


def test_where_nothing_is_worth_a_look_that_is_said(window, qtbot) -> None:
    window.session.review.show(table_of({1: range(1, 101)}, frame_count=100, fps=25.0))
    qtbot.keyClick(window, Qt.Key.Key_J)
    qtbot.waitUntil(lambda: window.player.message is not None, timeout=20000)
    assert "Nothing is left" in window.player.message.text
    assert window.reviewing.panel.worklist.count.text() == "nothing found"


def test_whoever_reads_in_the_list_goes_on_there_when_it_is_made_anew(open_window, qtbot) -> None:
    window = open_window()
    window.session.toggle_play()
    window.state.lanes_open = window.state.doubts_open = True
    frames_of = {track_id: range(2 * track_id, 2 * track_id + 9) for track_id in range(1, 46)}
    window.session.review.show(table_of(frames_of, frame_count=100, fps=25.0))
    worklist, shown = window.session.worklist, window.reviewing.panel.worklist.list
    qtbot.waitUntil(lambda: len(worklist.findings) > 20, timeout=20000)
    model = window.reviewing.panel.worklist.model
    shown.scrollTo(model.index(12), shown.ScrollHint.PositionAtTop)
    QApplication.processEvents()
    before = shown.verticalScrollBar().value()
    assert before > 0
    worklist.findings = worklist.findings[:-1]
    QApplication.processEvents()
    assert abs(shown.verticalScrollBar().value() - before) < 60
