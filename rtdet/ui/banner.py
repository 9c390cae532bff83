"""The strip above the picture that says what went wrong and what can be done; and the pill that says what
is being waited for."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QRectF, QSize, Qt, QTimer
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from rtdet.ui import theme
from rtdet.ui.icons import icon, pixmap
from rtdet.viewer.player import Message, Severity, Speaking

INFO_MS = 6000
_LOOKS = {
    Severity.INFO: ("info", theme.ACCENT),
    Severity.WARNING: ("alert", theme.WARNING),
    Severity.ERROR: ("alert", theme.DANGER),
}


class Banner(QFrame):
    """Shows the message of a source, or of the window. Notices disappear after a while, errors stay until they are
    dismissed or resolved."""

    def __init__(self, player: Speaking, retry: Callable[[], None], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setAccessibleName("Message")
        self._player = player
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 8, 6)
        row.setSpacing(10)
        self._sign = QLabel()
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.retry_button = QPushButton("Try again")
        self.retry_button.setToolTip("Open the source again")
        self.retry_button.clicked.connect(lambda: retry())
        self.close_button = QToolButton()
        self.close_button.setIcon(icon("close"))
        self.close_button.setToolTip("Dismiss this message (Esc)")
        self.close_button.setAccessibleName("Dismiss message")
        self.close_button.clicked.connect(self.dismiss)
        for widget in (self._sign, self.text, self.retry_button, self.close_button):
            row.addWidget(widget)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        self._is_wanted = True
        player.watch("message", self._show, now=True)

    @property
    def is_wanted(self) -> bool:
        """Whether it may be shown; a notice disappears after its while also where it was not."""
        return self._is_wanted

    @is_wanted.setter
    def is_wanted(self, is_wanted: bool) -> None:
        self._is_wanted = is_wanted
        self.setVisible(is_wanted and self._player.message is not None)

    def dismiss(self) -> None:
        self._player.message = None

    def _show(self, message: Message | None) -> None:
        self._timer.stop()
        self.setVisible(message is not None and self._is_wanted)
        if message is None:
            return
        sign, color = _LOOKS[message.severity]
        self._sign.setPixmap(pixmap(sign, 20, color, self.devicePixelRatioF()))
        self.text.setText(message.text)
        self.setAccessibleDescription(message.text)
        self.retry_button.setVisible(message.retry)
        self.setProperty("severity", message.severity.value)
        style = self.style()
        if style is not None:  # the style sheet looks at the property only when asked to
            style.unpolish(self)
            style.polish(self)
        if message.severity is Severity.INFO:
            self._timer.start(INFO_MS)


class Pill(QWidget):
    """A small note over the picture, with a turning arc while something is under way."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.text = ""
        self._angle = 0
        self._timer = QTimer(self)
        self._timer.setInterval(40)
        self._timer.timeout.connect(self._turn)
        self.hide()

    def say(self, text: str) -> None:
        """Shows the text; an empty text hides the pill."""
        if text == self.text:
            return
        self.text = text
        self.setAccessibleName(text)
        self.setVisible(bool(text))
        self.resize(self.sizeHint())
        if text:
            self._timer.start()
        else:
            self._timer.stop()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text) + 60, 36)

    def _turn(self) -> None:
        self._angle = (self._angle - 18) % 360
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.BORDER), 1))
        painter.setBrush(QColor(16, 19, 24, 225))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 18, 18)
        painter.setPen(QPen(QColor(theme.ACCENT), 2.2))
        painter.drawArc(QRectF(14, 10, 16, 16), self._angle * 16, 250 * 16)
        painter.setPen(QColor(theme.TEXT))
        text = QRectF(self.rect()).adjusted(40, 0, -14, 0)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text)
        painter.end()
