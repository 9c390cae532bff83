from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor

from rtdet.ui.theme import ACCENT


def test_the_selected_entry_of_an_open_list_stands_out(qtbot, open_window) -> None:
    """Its row is drawn in the accent colour: with Qt's own delegate it was dark on dark."""
    box = open_window().panel.model
    box.showPopup()
    view = box.view()
    assert view is not None
    qtbot.waitUntil(view.isVisible)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    row = view.visualRect(view.currentIndex())

    def is_highlighted() -> bool:
        picture = view.grab().toImage()
        at = view.viewport().mapTo(view, row.center()) if view.viewport() else row.center()
        return QColor(picture.pixel(row.right() - 8, at.y())) == QColor(ACCENT)

    qtbot.waitUntil(is_highlighted)
    box.hidePopup()
