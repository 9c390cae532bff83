"""The lanes, with a ruler and the chart above them on the same time axis."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QContextMenuEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QApplication, QScrollBar, QSizePolicy, QToolTip, QWidget

from rtdet.ui import theme
from rtdet.ui.inputs import KeyKeeper
from rtdet.ui.timeline.chart_painting import CHART_PX, paint_chart
from rtdet.ui.timeline.lane_painting import RULER_PX, paint_lanes, paint_playhead, paint_ruler
from rtdet.ui.watching import watch
from rtdet.viewer.rates import clock
from rtdet.viewer.timeline.lanes import LANE_PX
from rtdet.viewer.timeline.state import Timeline
from rtdet.viewer.window import WindowState

WIDE, NARROW = 190, 104
_NARROW_WINDOW = 720
_BAR_PX = 10
_NEAR_PX = 5.0
_OWN_KEYS = (
    Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Plus, Qt.Key.Key_Minus,
    Qt.Key.Key_Equal,
)  # fmt: skip
_MULTI = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class LanesView(QWidget):
    """Paints the timeline and passes on what the mouse and the keys do with it.

    sought: a time was clicked at, or the playhead dragged there. follow_wanted: a lane was double-clicked.
    menu_wanted: the right button, at a place of the screen.
    """

    sought = pyqtSignal(float)
    follow_wanted = pyqtSignal(int)
    menu_wanted = pyqtSignal(QPoint)

    def __init__(self, timeline: Timeline, window: WindowState) -> None:
        super().__init__()
        self.setObjectName("lanes")
        self.setAccessibleName("Lanes of the tracks")
        self.setAccessibleDescription(
            "Up and Down choose a track, Enter goes to its beginning, + and - zoom the time"
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, RULER_PX + 3 * LANE_PX)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        KeyKeeper(self, _OWN_KEYS)
        self._timeline, self._window = timeline, window
        self._still = QPixmap()
        self._still_of: tuple[object, ...] = ()
        self._pressed: QPointF | None = None
        self._held = ""  # "time" while the playhead is dragged, "lanes" while they are
        self.bar = QScrollBar(Qt.Orientation.Vertical, self)
        self.bar.setSingleStep(LANE_PX)
        self.bar.valueChanged.connect(self._scrolled)
        for name in ("view", "selected", "following", "position_s"):
            timeline.watch(name, self._changed)
        watch(self, window, "chart_open", self._laid_out)

    # Where things are

    @property
    def gutter(self) -> int:
        """How wide the names are, left of the axis."""
        return WIDE if self.width() >= _NARROW_WINDOW else NARROW

    @property
    def lanes_top(self) -> int:
        has_chart = self._window.chart_open and self.height() >= RULER_PX + CHART_PX + 3 * LANE_PX
        return RULER_PX + (CHART_PX if has_chart else 0)

    def _laid_out(self, _value: object = None) -> None:
        lanes = self._timeline.lanes
        lanes.axis.resize(self.width() - self.gutter - _BAR_PX)
        lanes.resize(self.height() - self.lanes_top)
        self.bar.setGeometry(
            self.width() - _BAR_PX, self.lanes_top, _BAR_PX, max(self.height() - self.lanes_top, 0)
        )
        self._timeline.rearrange()
        self._changed()

    def _changed(self, _value: object = None) -> None:
        lanes = self._timeline.lanes
        self.bar.blockSignals(True)
        self.bar.setRange(0, round(lanes.deepest))
        self.bar.setPageStep(max(round(lanes.height), 1))
        self.bar.setValue(round(lanes.top))
        self.bar.blockSignals(False)
        self.bar.setVisible(lanes.deepest > 0)
        self.update()

    def _scrolled(self, value: int) -> None:
        self._timeline.lanes.scroll_to(value)
        self._timeline.repaint()

    # Painting

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        timeline, axis = self._timeline, self._timeline.lanes.axis
        key = (
            timeline.view, timeline.selected, timeline.following, self.size(), self.devicePixelRatioF(),
            self.lanes_top, self.hasFocus(),
        )  # fmt: skip
        if key != self._still_of:
            self._still, self._still_of = self._painted(), key
        painter = QPainter(self)
        try:
            painter.drawPixmap(0, 0, self._still)
            x = axis.x_of(timeline.position_s)
            if len(timeline.spans.frame_numbers) and -0.5 <= x <= axis.width + 0.5:
                paint_playhead(painter, self.gutter + x, self.height())
        finally:
            painter.end()

    def _painted(self) -> QPixmap:
        """All that stays as it is while the playhead moves."""
        ratio = self.devicePixelRatioF()
        picture = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(QColor(theme.BACKGROUND))
        timeline, left = self._timeline, float(self.gutter)
        painter = QPainter(picture)
        try:
            painter.setFont(self.font())
            painter.fillRect(0, 0, self.width(), RULER_PX, QColor(theme.SURFACE))
            if not len(timeline.spans.frame_numbers):
                self._paint_hint(painter)
                return picture
            paint_ruler(painter, timeline.lanes.axis, left)
            if self.lanes_top > RULER_PX:
                paint_chart(painter, timeline, left, RULER_PX, ratio)
            paint_lanes(painter, timeline, left, self.lanes_top)
            painter.fillRect(self.gutter - 1, 0, 1, self.height(), QColor(theme.BORDER))
            if not len(timeline.lanes.shown):
                self._paint_hint(painter)
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QColor(theme.ACCENT))
                painter.drawRect(0, 0, self.width() - 1, self.height() - 1)
        finally:
            painter.end()
        return picture

    def _paint_hint(self, painter: QPainter) -> None:
        painter.setPen(QColor(theme.MUTED))
        has_tracks = len(self._timeline.spans) > 0
        text = (
            "No track passes the filter"
            if has_tracks
            else "No tracks yet: open a track file (File, Open tracks…)"
        )
        painter.drawText(
            self.rect().adjusted(self.gutter if has_tracks else 0, self.lanes_top, 0, 0),
            Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap,
            text,
        )

    # The mouse

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is None or event.button() == Qt.MouseButton.RightButton:
            return
        at = event.position()
        self._pressed = at
        if event.button() == Qt.MouseButton.LeftButton and at.y() < self.lanes_top and at.x() >= self.gutter:
            self._held = "time"
            self._seek(at)
        else:
            self._held = "click"

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is None or self._pressed is None:
            return
        at = event.position()
        if self._held == "time":
            self._seek(at)
            return
        moved = at - self._pressed
        if self._held == "click" and moved.manhattanLength() < QApplication.startDragDistance():
            return
        self._held, self._pressed = "lanes", at
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self._timeline.pan(moved.x(), moved.y())

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        held, self._held, self._pressed = self._held, "", None
        self.unsetCursor()
        if event is not None and held == "click" and event.button() == Qt.MouseButton.LeftButton:
            self._clicked(event)

    def _clicked(self, event: QMouseEvent) -> None:
        at = event.position()
        track_id = self._timeline.lanes.id_at(at.y() - self.lanes_top)
        is_more = bool(event.modifiers() & _MULTI)
        self._timeline.select(track_id, add=is_more, bring=False)
        if at.x() >= self.gutter and not is_more:
            self._seek(at)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        track_id = self._timeline.lanes.id_at(event.position().y() - self.lanes_top)
        if track_id is not None:
            if event.position().x() < self.gutter or not self._is_there(track_id, event.position()):
                self._go_to_start(track_id)
            self.follow_wanted.emit(track_id)

    def _is_there(self, track_id: int, at: QPointF) -> bool:
        place = self._timeline.spans.place_of(track_id)
        seconds, spans = self._timeline.lanes.axis.s_at(at.x() - self.gutter), self._timeline.spans
        return place is not None and bool(spans.first_s[place] <= seconds < spans.last_s[place])

    def _seek(self, at: QPointF) -> None:
        if len(self._timeline.spans.frame_numbers):
            self.sought.emit(self._timeline.lanes.axis.s_at(at.x() - self.gutter))

    def _go_to_start(self, track_id: int) -> None:
        place = self._timeline.spans.place_of(track_id)
        if place is not None:
            self.sought.emit(float(self._timeline.spans.first_s[place]))
            self._timeline.bring_into_view(track_id)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is None:
            return
        turned, at = event.angleDelta(), event.position()
        is_shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if turned.x() and not turned.y():
            self._timeline.pan(turned.x() / 2)
        elif is_shifted or at.x() < self.gutter:
            self._timeline.pan(0.0, turned.y() / 2)
        else:
            self._timeline.zoom(1.2 ** (turned.y() / 120), at.x() - self.gutter)
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        if event is None:
            return
        if event.reason() == QContextMenuEvent.Reason.Mouse:
            track_id = self._timeline.lanes.id_at(event.pos().y() - self.lanes_top)
            if track_id is not None and track_id not in self._timeline.selected:
                self._timeline.select(track_id, bring=False)
        self.menu_wanted.emit(event.globalPos())

    # The keys

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        key, timeline = event.key(), self._timeline
        page = max(int(timeline.lanes.height // LANE_PX) - 1, 1)
        steps = {
            Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page,
        }  # fmt: skip
        if key in steps:
            next_one = timeline.lanes.neighbor(timeline.chosen, steps[Qt.Key(key)])
            if next_one is not None:
                timeline.select(next_one)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            timeline.zoom(1 / 1.4 if key == Qt.Key.Key_Minus else 1.4)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and timeline.chosen is not None:
            self._go_to_start(timeline.chosen)
        else:
            super().keyPressEvent(event)

    # Further

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.tip_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    def tip_at(self, at: QPointF) -> str:
        """What is to be said of a place: the objects of a time, or all about a track."""
        timeline, spans = self._timeline, self._timeline.spans
        if at.y() < self.lanes_top:
            if at.x() < self.gutter or not len(spans):
                return ""
            seconds = timeline.lanes.axis.s_at(at.x() - self.gutter)
            there = timeline.counts.at(seconds)
            return "\n".join(
                [clock(seconds, tenths=True), *(f"{spans.name_of(label)}: {n}" for label, n in there.items())]
            )
        row = timeline.lanes.row_at(at.y() - self.lanes_top)
        if row is None:
            return ""
        place = int(timeline.lanes.shown[row])
        first_s, last_s = float(spans.first_s[place]), float(spans.last_s[place])
        frames = f"frames {spans.first_frame[place]} to {spans.last_frame[place]}"
        return (
            f"{spans.class_of(place)} #{spans.ids[place]}\n"
            f"{clock(first_s, tenths=True)} to {clock(last_s, tenths=True)}, {last_s - first_s:.1f} s, {frames}\n"
            "Click: go there.  Double click: follow.  Ctrl+click: select one more."
        )

    def resizeEvent(self, _event: QResizeEvent | None) -> None:
        self._laid_out()
