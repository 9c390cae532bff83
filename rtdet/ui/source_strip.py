"""The strip above an enlarged source: the way back to all of them, and a small picture of each."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from rtdet.types import Frame
from rtdet.ui import theme
from rtdet.ui.icons import icon
from rtdet.ui.inputs import KeyKeeper
from rtdet.ui.picture import small_image
from rtdet.ui.source_page import SourcePage
from rtdet.ui.tile import COLORS
from rtdet.viewer.condition import condition_of

_PICTURE = QSize(80, 45)
_WIDTH, _HEIGHT = 176, 53


class SourceStrip(QFrame):
    """enlarge_wanted: tells the page whose picture was clicked. grid_wanted: all of them are to be seen."""

    enlarge_wanted = pyqtSignal(object)
    grid_wanted = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("strip")
        self.thumbnails: list[Thumbnail] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(6)
        self.back = QToolButton()
        self.back.setIcon(icon("grid"))
        self.back.setText("All")
        self.back.setToolTip("Back to all sources (Esc)")
        self.back.setAccessibleName("All sources")
        self.back.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        self.back.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.back.clicked.connect(self.grid_wanted)
        KeyKeeper(self.back, (Qt.Key.Key_Space,))
        row.addWidget(self.back)
        self._inside = QWidget()
        self._inside.setObjectName("stripInside")
        self._row = QHBoxLayout(self._inside)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        self._row.addStretch(1)
        area = QScrollArea()  # many sources are more than a small window has room for
        area.setWidgetResizable(True)
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(self._inside)
        self._area = area
        row.addWidget(area, 1)
        self.setFixedHeight(_HEIGHT + 10)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_pages(self, pages: Sequence[SourcePage]) -> None:
        """Has a picture for each of these pages, in this order. Those of other pages leave with them."""
        known = {one.page: one for one in self.thumbnails}
        for page in known.keys() - set(pages):
            page.leave_with(known[page])
        self.thumbnails = [known.get(page) or self._made(page) for page in pages]
        for place, one in enumerate(self.thumbnails):
            self._row.insertWidget(place, one)

    def show_current(self, page: SourcePage) -> None:
        for one in self.thumbnails:
            one.setChecked(one.page is page)
            if one.page is page:
                self._area.ensureWidgetVisible(one)

    def look(self) -> None:
        """Renews the pictures; called some times a second while the strip is shown."""
        for one in self.thumbnails:
            one.look()

    def _made(self, page: SourcePage) -> Thumbnail:
        one = Thumbnail(page)
        one.clicked.connect(lambda: self.enlarge_wanted.emit(page))
        one.show()
        return one


class Thumbnail(QAbstractButton):
    """A source's picture, small, with its name and a dot that tells how it is."""

    def __init__(self, page: SourcePage) -> None:
        super().__init__()
        self.page = page
        self._frame: Frame | None = None
        self._image = QImage()
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(_HEIGHT)
        self.setMinimumWidth(_PICTURE.width() + 8)
        self.setMaximumWidth(_WIDTH)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        KeyKeeper(self, (Qt.Key.Key_Space,))

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, _HEIGHT)

    def nextCheckState(self) -> None:
        """Which one is checked is told by the strip."""

    def look(self) -> None:
        frame = self.page.stage.view.frame
        if frame is not None and frame is not self._frame:
            room = _PICTURE * self.devicePixelRatioF()
            self._image = small_image(frame.picture, room.width(), room.height())
            self._image.setDevicePixelRatio(self.devicePixelRatioF())
        self._frame = frame
        condition = condition_of(self.page.player)
        self.setToolTip("\n".join(filter(None, (self.page.player.name, condition.word, condition.reason))))
        self.setAccessibleName(self.page.player.name)
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        place = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        is_marked = self.isChecked() or self.underMouse()
        painter.setPen(
            QPen(QColor(theme.ACCENT), 2) if self.isChecked() or self.hasFocus() else Qt.PenStyle.NoPen
        )
        painter.setBrush(QColor(theme.HOVER if is_marked else theme.RAISED))
        painter.drawRoundedRect(place, 5, 5)
        condition = condition_of(self.page.player)
        if self._frame is not None and not self._image.isNull():
            size = self._image.deviceIndependentSize()
            left, top = 4 + (_PICTURE.width() - size.width()) / 2, (self.height() - size.height()) / 2
            painter.setOpacity(0.35 if condition.is_lost else 1.0)
            painter.drawImage(QRectF(left, top, size.width(), size.height()), self._image)
            painter.setOpacity(1.0)
        text = QRectF(_PICTURE.width() + 12, 0, self.width() - _PICTURE.width() - 18, self.height())
        if text.width() > 30:
            painter.setPen(QColor(theme.TEXT))
            name = painter.fontMetrics().elidedText(
                self.page.player.name, Qt.TextElideMode.ElideRight, int(text.width())
            )
            painter.drawText(text.adjusted(0, 6, 0, -self.height() / 2), Qt.AlignmentFlag.AlignVCenter, name)
            painter.setPen(QColor(theme.MUTED))
            word = painter.fontMetrics().elidedText(
                condition.word, Qt.TextElideMode.ElideRight, int(text.width()) - 13
            )
            painter.drawText(
                text.adjusted(13, self.height() / 2 - 4, 2, -6), Qt.AlignmentFlag.AlignVCenter, word
            )
        dot = QRectF(text.left(), self.height() * 0.72 - 4, 8, 8)
        if text.width() <= 30:
            dot.moveTopRight(place.topRight())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(COLORS[condition.kind]))
        painter.drawEllipse(dot)
        painter.end()
