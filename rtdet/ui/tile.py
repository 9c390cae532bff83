"""One source in the grid: its picture under a bar with its name, its numbers and, where the mouse or the focus is,
its buttons."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QAction,
    QColor,
    QEnterEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PyQt6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rtdet.ui import theme
from rtdet.ui.icons import icon
from rtdet.ui.inputs import KeyKeeper
from rtdet.ui.source_page import SourcePage
from rtdet.viewer.condition import Condition, Kind, condition_of
from rtdet.viewer.player import PlayerState
from rtdet.viewer.rates import age_text

BAR = 28
RIM = 2
_NUMBERS = 118
_NARROW = 330  # in which there is no room for the numbers beside the buttons
_LOW = 130  # in which a reason has no room
COLORS = {
    Kind.EMPTY: theme.DISABLED, Kind.OPENING: theme.ACCENT, Kind.PLAYING: theme.GOOD, Kind.PAUSED: theme.MUTED,
    Kind.FROZEN: theme.WARNING, Kind.RECONNECTING: theme.WARNING, Kind.ENDED: theme.MUTED, Kind.FAILED: theme.DANGER,
}  # fmt: skip
_STEPS = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
}  # fmt: skip
_ENLARGE = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class Tile(QWidget):
    """Shows the stage of a page while that is not in its single view.

    enlarge_wanted: it was clicked. close_wanted: the source is to be closed. stepped: (right, down), with the arrows
    to another tile.
    """

    enlarge_wanted = pyqtSignal()
    close_wanted = pyqtSignal()
    stepped = pyqtSignal(int, int)

    def __init__(self, page: SourcePage, parent: QWidget) -> None:
        super().__init__(parent)
        self.page = page
        self._is_pressed = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        KeyKeeper(self, (*_STEPS, *_ENLARGE))
        self.bar = TileBar(page, self)
        self.bar.close_button.clicked.connect(self.close_wanted)
        self.notice = TileNotice(page, self)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(RIM, RIM, RIM, RIM)
        self._column.setSpacing(0)
        self._column.addWidget(self.bar)
        player = page.player
        for name in ("phase", "loading", "reconnecting", "trouble", "retry_in_s", "rates", "source_info"):
            player.watch(name, self._changed)
        player.watch("name", self._named, now=True)
        self._changed(None)

    def take_stage(self) -> None:
        """Shows the picture here, and no longer in the single view."""
        self._column.addWidget(self.page.stage, 1)
        self.page.stage.is_tile = True
        self.page.stage.show()
        self.notice.raise_()
        self._place()

    # What the state says

    def _named(self, name: str) -> None:
        self.setAccessibleName(name)

    def _changed(self, _value: object) -> None:
        condition = condition_of(self.page.player)
        self.bar.show_condition(condition)
        self.notice.show_condition(condition)
        self.notice.setToolTip(condition.reason)  # for which a small tile has no room
        self.setAccessibleDescription(" ".join(filter(None, (condition.word, condition.reason))))
        self._place()

    def _place(self) -> None:
        notice = self.notice
        room = self.rect().adjusted(RIM, BAR + RIM, -RIM, -RIM)
        notice.fit(room.width(), room.height())
        notice.move(
            room.x() + (room.width() - notice.width()) // 2, room.y() + (room.height() - notice.height()) // 2
        )

    # What the user does

    def has_focus_within(self) -> bool:
        focused = QApplication.focusWidget()
        return focused is not None and (focused is self or self.isAncestorOf(focused))

    def show_focus(self) -> None:
        """Shows the buttons and the rim where the focus is."""
        self.bar.show_buttons(self.has_focus_within() or self.underMouse())
        self.update()

    def enterEvent(self, _event: QEnterEvent | None) -> None:
        self.bar.show_buttons(True)

    def leaveEvent(self, _event: QEvent | None) -> None:
        self.bar.show_buttons(self.has_focus_within())

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        super().focusInEvent(event)
        self.show_focus()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        self._is_pressed = event is not None and event.button() == Qt.MouseButton.LeftButton

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        was_pressed, self._is_pressed = self._is_pressed, False
        if was_pressed and event is not None and self.rect().contains(event.position().toPoint()):
            self.enlarge_wanted.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() in _STEPS:
            self.stepped.emit(*_STEPS[Qt.Key(event.key())])
        elif event is not None and event.key() in _ENLARGE:
            self.enlarge_wanted.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, _event: object) -> None:
        self._place()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.BACKGROUND))
        if self.has_focus_within():
            painter.setPen(QPen(QColor(theme.ACCENT), RIM))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()


class TileBar(QFrame):
    """A dot that tells the condition, the name, and the numbers or the buttons."""

    def __init__(self, page: SourcePage, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("tileBar")
        self.setFixedHeight(BAR)
        self._player, self._color, self._has_buttons = page.player, theme.DISABLED, False
        row = QHBoxLayout(self)
        row.setContentsMargins(22, 0, 4, 0)
        row.setSpacing(2)
        self.name = QLabel()
        self.name.setObjectName("tileName")
        self.name.setTextFormat(Qt.TextFormat.PlainText)
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.recording = QLabel("● REC")
        self.recording.setStyleSheet(f"color: {theme.DANGER}; font-weight: 600")
        self.recording.hide()
        self.numbers = QLabel()
        self.numbers.setObjectName("tileNumbers")
        self.numbers.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.numbers.setMinimumWidth(_NUMBERS)  # which so do not jump about
        row.addWidget(self.name, 1)
        row.addWidget(self.recording)
        row.addWidget(self.numbers)
        self.buttons = {name: _button(row) for name in ("play", "record", "snapshot")}
        for name, button in self.buttons.items():
            _mirror(button, page.actions[name])
        self.close_button = _button(row)
        self.close_button.setIcon(icon("close"))
        self.close_button.setToolTip("Close this source")
        self.close_button.setAccessibleName("Close this source")
        self._player.watch("name", self._named, now=True)
        self._player.watch("recording", self._recording_changed)
        self.show_buttons(False)

    def show_condition(self, condition: Condition) -> None:
        self.numbers.setText(numbers_of(self._player, condition))
        if COLORS[condition.kind] != self._color:
            self._color = COLORS[condition.kind]
            self.update()

    def show_buttons(self, are_shown: bool) -> None:
        self._has_buttons = are_shown
        for button in (*self.buttons.values(), self.close_button):
            button.setVisible(are_shown)
        self._fit()

    def _named(self, name: str) -> None:
        self.name.setText(name)
        self.name.setToolTip(name)

    def _recording_changed(self, path: object) -> None:
        self.recording.setVisible(path is not None)
        self.recording.setToolTip(str(path or ""))

    def resizeEvent(self, _event: object) -> None:
        self._fit()

    def _fit(self) -> None:
        self.numbers.setVisible(not self._has_buttons or self.width() >= _NARROW)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._color))
        painter.drawEllipse(8, BAR // 2 - 4, 8, 8)
        painter.end()


def numbers_of(player: PlayerState, condition: Condition) -> str:
    """15.0 fps   42 ms; or why there are none, in a word."""
    if condition.kind is Kind.PLAYING:
        return f"{player.rates.display_fps:.1f} fps   {age_text(player.rates.age_ms)}"
    if condition.kind is Kind.FROZEN:
        return f"{condition.word}   {age_text(player.rates.age_ms)}"
    return condition.word


def _mirror(button: QToolButton, action: QAction) -> None:
    """Has the button do and show what an action does. As its own, the keys of the action would be those of every tile
    whose buttons are shown."""

    def show() -> None:
        button.setIcon(action.icon())
        button.setToolTip(action.toolTip())
        button.setAccessibleName(action.text())
        button.setEnabled(action.isEnabled())

    show()
    action.changed.connect(show)
    button.clicked.connect(action.trigger)


def _button(row: QHBoxLayout) -> QToolButton:
    button = QToolButton()
    button.setIconSize(QSize(16, 16))
    button.setFixedSize(26, 24)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setCursor(Qt.CursorShape.ArrowCursor)
    button.setObjectName("tileButton")
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    KeyKeeper(button, (Qt.Key.Key_Space, *_ENLARGE))
    row.addWidget(button)
    return button


class TileNotice(QFrame):
    """Over the picture of a source that does not play: why, and what can be done."""

    def __init__(self, page: SourcePage, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("tileNotice")
        self._player, self._kind = page.player, Kind.PLAYING
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(6)
        self.word, self.reason = QLabel(), QLabel()
        self.word.setObjectName("value")
        self.reason.setObjectName("hint")
        self.reason.setWordWrap(True)
        self.button = QPushButton()
        self.button.setToolTip("Open this source again")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.setCursor(Qt.CursorShape.ArrowCursor)
        self.button.clicked.connect(lambda: page.session.retry())
        for label in (self.word, self.reason):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            column.addWidget(label)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignCenter)
        KeyKeeper(self.button, (Qt.Key.Key_Space, *_ENLARGE))
        self.hide()

    def show_condition(self, condition: Condition) -> None:
        kind, wait_s = condition.kind, self._player.retry_in_s
        self._kind = kind
        self.setVisible(kind not in (Kind.PLAYING, Kind.PAUSED))
        self.word.setText(condition.word)
        again = f"Trying again in {wait_s} s" if wait_s is not None else ""
        self.reason.setText("\n".join(filter(None, (condition.reason, again))))
        self.button.setText("Play again" if kind is Kind.ENDED else "Try now" if again else "Try again")

    def fit(self, width: int, height: int) -> None:
        """Takes as much of this room as it needs."""
        can_retry = self._kind in (Kind.ENDED, Kind.FAILED)
        self.button.setVisible(can_retry and height >= _LOW / 2)
        self.reason.setVisible(bool(self.reason.text()) and height >= _LOW)
        self.setFixedWidth(max(min(width - 16, 380), 40))
        needed = self.heightForWidth(self.width()) if self.hasHeightForWidth() else self.sizeHint().height()
        self.setFixedHeight(max(min(needed, height - 8), 20))
