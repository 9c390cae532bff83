"""Tracks are mended with the mouse and keys: in the lanes, in the picture, from menus."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtWidgets import QApplication

from rtdet.tracks.table import FrameList, TrackTable
from rtdet.ui.timeline.asking import AskDialog
from rtdet.viewer.player import Severity

LEFT = Qt.MouseButton.LeftButton
SIZE = (320, 180)


def street() -> TrackTable:
    """Two people that walk side by side in all 100 frames, and one that begins late."""
    numbers = np.arange(1, 101)
    frames = np.concatenate([np.repeat(numbers, 2), numbers[59:]])
    ids = np.concatenate([np.tile([1, 2], 100), np.full(41, 3)])
    order = np.lexsort((ids, frames))
    frames, ids = frames[order], ids[order]
    left, top = 20.0 + frames, 50.0 * (ids - 1) + 5.0
    boxes = np.stack([left, top, left + 60, top + 40], axis=1)
    return TrackTable(
        frames, ids, boxes, np.full(len(ids), 0.9), np.zeros(len(ids)),
        FrameList(numbers, (numbers - 1) / 25, is_complete=True), ("person", "car"),
    )  # fmt: skip


@pytest.fixture
def window(open_window, qtbot):
    """A window that stands on frame 26, with the street's tracks."""
    window = open_window()
    window.state.lanes_open = True
    window.session.toggle_play()
    window.session.review.show(street())
    window.session.seek(1.0)
    qtbot.waitUntil(lambda: window.stage.view.frame.index == 25, timeout=20000)
    settled(qtbot, window)
    return window


def settled(qtbot, window) -> None:
    """The lanes are those of the newest table."""

    def is_so() -> bool:
        table, spans = window.session.review.table, window.session.timeline.spans
        return sorted(spans.ids.tolist()) == np.unique(table.ids).tolist()

    qtbot.waitUntil(is_so, timeout=20000)
    QApplication.processEvents()


def select(window, *ids: int) -> None:
    window.session.timeline.selected = ids


def ids_in(window, frame: int) -> list[int]:
    return window.session.review.table.at(frame).ids.tolist()


def place(window, x: float, y: float) -> QPoint:
    """Where a place of the picture is in its widget."""
    return QPointF(*window.stage.view.viewport.to_widget(x, y)).toPoint()


def drag(qtbot, widget, start: QPoint, end: QPoint) -> None:
    qtbot.mousePress(widget, LEFT, pos=start)
    for step in (0.5, 1.0):
        qtbot.mouseMove(widget, start + (end - start) * step)
    qtbot.mouseRelease(widget, LEFT, pos=end)


def answer(qtbot, text: str) -> None:
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), AskDialog), timeout=20000)
    dialog = QApplication.activeModalWidget()
    dialog.field.setText(text)
    dialog.accept()


def test_keys_split_and_undo(window, qtbot) -> None:
    select(window, 1)
    qtbot.keyClick(window, Qt.Key.Key_X)
    assert ids_in(window, 25) == [1, 2]
    assert sorted(ids_in(window, 26)) == [2, 4]
    assert window.actions_["undo"].text() == "Undo: split 1 at frame 26"
    settled(qtbot, window)
    assert 4 in window.stage.view.tracks.ids
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert ids_in(window, 26) == [1, 2]
    assert not window.actions_["undo"].isEnabled()
    qtbot.keyClick(
        window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    )
    assert sorted(ids_in(window, 26)) == [2, 4]


def test_a_refusal_is_a_message_in_the_window(window, qtbot) -> None:
    select(window, 1, 2)
    qtbot.keyClick(window, Qt.Key.Key_M)
    assert window.player.message.severity is Severity.WARNING
    assert "cannot be merged" in window.player.message.text
    qtbot.keyClick(window, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)
    assert window.player.message is None
    assert window.session.review.undo_text == "swap 1 and 2 from frame 26 on"


def test_two_lanes_are_selected_with_control_and_merged(window, qtbot) -> None:
    select(window, 1)
    qtbot.keyClick(window, Qt.Key.Key_X)
    settled(qtbot, window)
    panel, lanes = window.reviewing.panel.view, window.session.timeline.lanes
    for track_id, modifier in ((1, Qt.KeyboardModifier.NoModifier), (4, Qt.KeyboardModifier.ControlModifier)):
        y = panel.lanes_top + lanes.y_of(lanes.row_of(track_id)) + 8
        qtbot.mouseClick(panel, LEFT, modifier, QPoint(30, round(y)))
    assert window.session.timeline.selected == (1, 4)
    qtbot.keyClick(window, Qt.Key.Key_M)
    assert ids_in(window, 80) == [1, 2, 3]


def test_tracks_are_deleted_by_key(window, qtbot) -> None:
    select(window, 2)
    qtbot.keyClick(window, Qt.Key.Key_Delete, Qt.KeyboardModifier.ShiftModifier)
    assert (ids_in(window, 25), ids_in(window, 26)) == ([1, 2], [1])
    qtbot.keyClick(window, Qt.Key.Key_Delete)
    assert ids_in(window, 25) == [1]


def test_an_edge_is_dragged_to_where_it_should_be(window, qtbot) -> None:
    select(window, 1)
    view = window.stage.view
    x1, y1, x2, y2 = view.tools.box_of(1)
    drag(qtbot, view, place(window, x2, (y1 + y2) / 2), place(window, x2 + 20, (y1 + y2) / 2))
    corrected = window.session.review.table.at(26).boxes[0]
    assert corrected == pytest.approx([x1, y1, x2 + 20, y2], abs=1.0)
    assert view.tools.box_of(1)[2] == pytest.approx(x2 + 20, abs=1.0)
    assert window.session.review.table.at(27).boxes[0, 2] > street().at(27).boxes[0, 2] + 10


def test_escape_lets_go_of_an_edge(window, qtbot) -> None:
    select(window, 1)
    view = window.stage.view
    x1, y1, _, _ = view.tools.box_of(1)
    qtbot.mousePress(view, LEFT, pos=place(window, x1, y1))
    qtbot.mouseMove(view, place(window, x1 - 10, y1))
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    qtbot.mouseRelease(view, LEFT, pos=place(window, x1 - 10, y1))
    assert window.session.review.undo_text == ""
    assert window.session.timeline.selected == (1,)


def test_a_missing_box_is_drawn_for_the_selected_track(window, qtbot) -> None:
    select(window, 3)
    qtbot.keyClick(window, Qt.Key.Key_A)
    assert window.session.timeline.is_drawing
    drag(qtbot, window.stage.view, place(window, 200, 120), place(window, 260, 160))
    assert ids_in(window, 26) == [1, 2, 3]
    assert window.session.review.table.at(26).boxes[2] == pytest.approx([200, 120, 260, 160], abs=1.0)
    assert not window.session.timeline.is_drawing


def test_a_box_of_an_object_that_no_track_has_asks_what_it_is(window, qtbot) -> None:
    qtbot.keyClick(window, Qt.Key.Key_A)
    drag(qtbot, window.stage.view, place(window, 260, 160), place(window, 200, 120))
    answer(qtbot, "car")
    assert ids_in(window, 26) == [1, 2, 4]
    settled(qtbot, window)
    spans = window.session.timeline.spans
    assert spans.class_of(spans.place_of(4)) == "car"
    assert window.session.timeline.selected == (4,)


def test_escape_ends_drawing(window, qtbot) -> None:
    qtbot.keyClick(window, Qt.Key.Key_A)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.session.timeline.is_drawing
    assert window.player.message is None


def test_a_new_id_and_a_class_are_asked_for(window, qtbot) -> None:
    select(window, 2)
    qtbot.keyClick(window, Qt.Key.Key_F2)
    answer(qtbot, "70")
    assert ids_in(window, 26) == [1, 70]
    qtbot.keyClick(window, Qt.Key.Key_C)
    answer(qtbot, "dog")
    assert window.session.review.undo_text == "make 70 a dog"


def test_the_menu_at_the_pointer_has_the_same_verbs(window) -> None:
    select(window, 1)
    menu = window.reviewing.mending.made_menu()
    actions = {action.text().partition(":")[0]: action for action in menu.actions()}
    assert actions["Split here"].isEnabled()
    assert not actions["Merge"].isEnabled()
    classes = {action.text(): action for action in actions["Class"].menu().actions()}
    classes["car"].trigger()
    assert window.session.review.undo_text == "make 1 a car"
    menu.deleteLater()


def test_without_tracks_nothing_can_be_mended(open_window) -> None:
    window = open_window()
    for name in (
        "merge",
        "split",
        "swap",
        "delete",
        "rename",
        "set_class",
        "draw",
        "undo",
        "redo",
        "export_tracks",
    ):
        assert not window.actions_[name].isEnabled()
