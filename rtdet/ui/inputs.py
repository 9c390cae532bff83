"""Small inputs that Qt lacks: a slider that jumps to the click, keys that a focused widget keeps."""

from __future__ import annotations

from collections.abc import Iterable

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PyQt6.QtWidgets import QComboBox, QSlider, QStyle, QStyledItemDelegate, QStyleOptionSlider, QWidget

from rtdet.ui.theme import draw_chevron

ARROWS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End,
)  # fmt: skip


class KeyKeeper(QObject):
    """A widget that has the focus gets these keys itself instead of the window's shortcuts, so that sliders
    and lists can be worked by keyboard."""

    def __init__(self, owner: QWidget, keys: Iterable[Qt.Key]) -> None:
        super().__init__(owner)
        self._keys = frozenset(keys)
        owner.installEventFilter(self)

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in self._keys
            and event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        ):
            event.accept()
            return True
        return False


class JumpSlider(QSlider):
    """A horizontal slider: a click on the groove moves the handle there at once, and it can be dragged from there.
    The mouse wheel scrolls the surroundings instead."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        KeyKeeper(self, ARROWS)

    def value_at(self, x: float) -> int:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        style = self.style()
        assert style is not None
        control, part = QStyle.ComplexControl.CC_Slider, QStyle.SubControl
        groove = style.subControlRect(control, option, part.SC_SliderGroove, self)
        handle = style.subControlRect(control, option, part.SC_SliderHandle, self)
        span = max(groove.width() - handle.width(), 1)
        at = round(x) - groove.left() - handle.width() // 2
        return QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), at, span)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() == Qt.MouseButton.LeftButton and self.isEnabled():
            self.setSliderDown(True)
            self.setSliderPosition(self.value_at(event.position().x()))
            event.accept()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and self.isSliderDown():
            self.setSliderPosition(self.value_at(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(False)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None:
            event.ignore()


class CalmComboBox(QComboBox):
    """A combo box that does not change when someone scrolls past it."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        # The delegate that a combo box brings draws its list as a menu, without the theme's selection.
        self.setItemDelegate(QStyledItemDelegate(self))
        self.setMinimumContentsLength(10)
        # A click does not keep the focus: Space after it is to play, not to open the list again.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        KeyKeeper(self, (*ARROWS, Qt.Key.Key_Space))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        draw_chevron(painter, self.width() - 14.0, self.height() / 2, self.isEnabled())
        painter.end()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None:
            event.ignore()
