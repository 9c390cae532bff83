"""Where a window goes on the screen, and how much of it a dialog may have."""

from __future__ import annotations

from PyQt6.QtCore import QRect, QSize
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QMainWindow, QWidget

USUAL = QSize(1280, 800)
# For the title bar and the borders that the desktop adds, whose size it tells only once the window is shown.
_TITLE_BAR, _BORDER = 40, 2


def bounded_by_screen(size: QSize, widget: QWidget) -> QSize:
    """As much of a dialog's size as the widget's screen has room for."""
    screen = widget.screen() or QGuiApplication.primaryScreen()
    if screen is None:
        return size
    return size.boundedTo(screen.availableSize() - QSize(2 * _BORDER + 12, _TITLE_BAR + 12))


def fit_to_screen(window: QMainWindow, *, is_remembered: bool) -> None:
    """Sizes and places a window that is not shown yet so that all of it is on a screen: as it was left, where that
    fits still, else of the usual size and in the middle."""
    screen = window.screen() or QGuiApplication.primaryScreen()
    if screen is None:
        window.resize(USUAL)
        return
    room = screen.availableGeometry().adjusted(_BORDER, _TITLE_BAR, -_BORDER, -_BORDER)
    if is_remembered and (window.isMaximized() or room.contains(window.geometry())):
        return
    wanted = window.size() if is_remembered else USUAL
    place = QRect(room.topLeft(), wanted.boundedTo(room.size()))
    place.moveCenter(room.center())
    window.setGeometry(place)
