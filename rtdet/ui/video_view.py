"""The picture: paints the newest frame of a feed with its tracks, lets the user zoom and pan."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from PyQt6.QtCore import QPointF, QRect, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QContextMenuEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QSizePolicy, QWidget

from rtdet.types import Frame, FrameResult, Tracks
from rtdet.ui import theme
from rtdet.ui.overlay import paint_marks
from rtdet.ui.picture import ScaledPicture
from rtdet.ui.time_bar import HEIGHT, TimeBar
from rtdet.ui.watching import watch
from rtdet.video.draw import DrawStyle, Mark, TrailStore, marks_of
from rtdet.viewer.player import PlayerState
from rtdet.viewer.rates import age_text
from rtdet.viewer.viewport import Viewport
from rtdet.viewer.window import WindowState

if TYPE_CHECKING:
    from rtdet.ui.picture_tools import PictureTools

LATE_RESULT_S = 0.1
_SMALLEST = (320, 180)
_WITH_IDS, _WITH_NAMES = 480, 260  # a tile's width that has room for them


class Feed(Protocol):
    """The part of a pipeline that the view uses."""

    def newest_frame(self) -> Frame | None: ...

    def newest_result(self) -> FrameResult | None: ...

    def tracks_at(self, t: float) -> Tracks: ...

    def detected_tracks(self) -> Tracks: ...

    def note_shown(self, frame: Frame, paint_ms: float | None = None) -> None: ...


class VideoView(QWidget):
    full_screen_wanted = pyqtSignal()

    def __init__(self, player: PlayerState, window: WindowState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("video")
        self.setAccessibleName("Video")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(*_SMALLEST)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.viewport = Viewport()
        self.trails = TrailStore(window.style(()).trail_s)
        self.frame: Frame | None = None
        self.tracks = Tracks()
        self.tools: PictureTools | None = None
        self.player, self._window = player, window
        self._feed: Feed | None = None
        self._result: FrameResult | None = None
        self._picture = ScaledPicture()
        self._unshown = False
        self._is_tile = self._is_gray = False
        self._changed_at = 0.0
        self._drag_from: QPointF | None = None
        for name in ("show_boxes", "show_labels", "show_trails", "show_numbers"):
            watch(self, window, name, self._repaint)
        for name in ("tracker", "selection"):
            player.watch(name, self._repaint)
        self.time_bar, self._bar_place = TimeBar(self), QRect()
        watch(self, window, "as_detected", lambda _value: self.take_again())
        player.watch("rates", self._rates_changed)
        watch(self, window, "show_numbers", self._place_time_bar, now=True)

    @property
    def is_tile(self) -> bool:
        """Whether it is one of several: as small as it has to be, and without the focus."""
        return self._is_tile

    @is_tile.setter
    def is_tile(self, is_tile: bool) -> None:
        self._is_tile = is_tile
        self.setMinimumSize(*((1, 1) if is_tile else _SMALLEST))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus if is_tile else Qt.FocusPolicy.StrongFocus)

    @property
    def is_gray(self) -> bool:
        """Whether the picture is old: it has no colours then, and no boxes."""
        return self._is_gray

    @is_gray.setter
    def is_gray(self, is_gray: bool) -> None:
        if is_gray != self._is_gray:
            self._is_gray = is_gray
            self.update()

    # What is shown

    def tick(self, feed: Feed | None) -> bool:
        """Takes the newest frame, and its tracks; repaints only if something is new, and returns whether. Never
        waits."""
        if feed is not self._feed:
            self._feed, self._result = feed, None
            self.trails.clear()
        if feed is None:
            return False
        if self.tools is not None:
            self.tools.tick()
        frame = feed.newest_frame()
        if frame is not None and frame is not self.frame:
            self._take(feed, frame)
            return True
        if self.frame is not None and time.monotonic() - self._changed_at > LATE_RESULT_S:
            # The picture stands still (paused, ended, a slow source): the detector may have caught up.
            result = feed.newest_result()
            if result is not self._result:
                self._result = result
                self._take(feed, self.frame)
                return True
        return False

    def _take(self, feed: Feed, frame: Frame) -> None:
        is_new = frame is not self.frame
        self._unshown |= is_new
        self.frame = frame
        reviewed = self.tools.tracks_of(frame) if self.tools is not None else None
        if reviewed is not None:
            self.tracks = reviewed
        else:
            self.tracks = feed.detected_tracks() if self._window.as_detected else feed.tracks_at(frame.t)
        if is_new:
            self._changed_at = time.monotonic()
            self.trails.update(self.tracks, frame.t)
        self.viewport.show(*frame.size)
        self.update()

    def take_again(self) -> None:
        """Asks anew for the tracks of the picture on screen."""
        if self._feed is not None and self.frame is not None:
            self._take(self._feed, self.frame)

    def clear(self) -> None:
        self.frame, self.tracks, self._feed = None, Tracks(), None
        self._place_time_bar()
        self.trails.clear()
        self.update()

    @property
    def visible_tracks(self) -> Tracks:
        """The tracks on screen, without classes deselected a moment ago that a slow detector still finds."""
        player, tracks = self.player, self.tracks
        if player.selection is None or not len(tracks):
            return tracks
        return tracks[[row for row in range(len(tracks)) if player.keeps(tracks.name_of(row))]]

    @property
    def marks(self) -> list[Mark]:
        """What is drawn over the picture, as the window's switches stand; in a tile some of it is left out."""
        return marks_of(self.visible_tracks, self._window.style(self.player.zones), self.trails)

    @property
    def draw_style(self) -> DrawStyle:
        """How tracks are drawn here: with short labels where they would hide a small picture."""
        style = self._window.style(self.player.zones)
        if not self._is_tile or not style.show_labels:
            return style
        width = self.width()
        return replace(
            style, show_scores=False, show_ids=width >= _WITH_IDS, show_labels=width >= _WITH_NAMES
        )

    @property
    def stalled_ms(self) -> float | None:
        """The age of a picture that has been standing for over half a second; None while pictures come."""
        standing_s = time.monotonic() - self._changed_at
        return standing_s * 1000 if self.frame is not None and standing_s > 0.5 else None

    # Painting

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        began = time.perf_counter()
        painter = QPainter(self)
        try:
            painter.fillRect(self.rect(), QColor(theme.BACKGROUND))
            if self.frame is None:
                return
            place, image = self._picture.render(self.frame.picture, self.viewport, self.devicePixelRatioF())
            if self._is_gray:
                self._paint_old(painter, place, image)
            else:
                if not image.isNull():
                    painter.drawImage(place, image)
                self._paint_overlay(painter)
            if self._window.show_numbers:
                self._paint_numbers(painter)
        finally:  # an exception must not leave a painter open: Qt would abort
            painter.end()
        self._note_shown(self.frame, (time.perf_counter() - began) * 1e3)

    def _paint_old(self, painter: QPainter, place: QPointF, image: QImage) -> None:
        if not image.isNull():
            painter.drawImage(place, image.convertToFormat(QImage.Format.Format_Grayscale8))
        painter.fillRect(self.rect(), QColor(16, 19, 24, 120))

    def _paint_overlay(self, painter: QPainter) -> None:
        view = self.viewport
        corner = QPointF(max(view.left, 0.0), max(view.top, 0.0))
        clip = QRectF(corner, QPointF(view.width - corner.x(), view.height - corner.y()))
        painter.save()
        painter.setClipRect(clip)
        scale, left, top = view.scale, view.left, view.top
        if self.tools is not None:
            self.tools.paint_under(painter)
        style = self.draw_style
        paint_marks(
            painter,
            marks_of(self.visible_tracks, style, self.trails),
            style,
            lambda x, y: QPointF(x * scale + left, y * scale + top),
            clip,
            is_small=self._is_tile,
        )
        if self.tools is not None:
            self.tools.paint(painter)
        painter.restore()

    def _paint_numbers(self, painter: QPainter) -> None:
        lines = self._number_lines()
        font = painter.font()
        font.setPixelSize(13)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        width = max(metrics.horizontalAdvance(line) for line in lines) + 24
        left, top = max(self.viewport.left, 0) + 12, max(self.viewport.top, 0) + 12
        height = len(lines) * metrics.lineSpacing() + 16
        box = QRectF(left, top, width, height + HEIGHT + 8)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(10, 12, 16, 190))
        painter.drawRoundedRect(box, 6, 6)
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(box.adjusted(12, 8, -12, -8), Qt.AlignmentFlag.AlignLeft, "\n".join(lines))
        self._bar_place = QRect(int(left) + 12, int(top) + height - 2, width - 24, HEIGHT)

    def _number_lines(self) -> list[str]:
        rates = self.player.rates
        lines = [
            f"capture {rates.capture_fps:5.1f}   inference {rates.inference_fps:5.1f}   "
            f"display {rates.display_fps:5.1f} fps",
            f"age {age_text(rates.age_ms)}   boxes {age_text(rates.boxes_age_ms)}   objects {rates.objects}   "
            f"dropped {rates.dropped}",
        ]
        if rates.gave_up:
            lines.append(f"to stay fresh: {rates.gave_up}")
        return lines

    def _place_time_bar(self, _value: object = None) -> None:
        """Puts the bar under the numbers that were painted last."""
        is_there = self._window.show_numbers and self.frame is not None and not self._bar_place.isEmpty()
        if is_there:
            self.time_bar.setGeometry(self._bar_place)
        self.time_bar.setVisible(is_there)

    def _note_shown(self, frame: Frame, paint_ms: float) -> None:
        if not self._unshown or self._feed is None:
            return
        self._unshown = False
        self._feed.note_shown(frame, paint_ms)

    def _repaint(self, _value: object) -> None:
        self.update()

    def _rates_changed(self, _value: object) -> None:
        if self._window.show_numbers:
            self.time_bar.show_times(self.player.rates.stages_ms)
            self._place_time_bar()
            self.update()

    # Zoom and pan

    def fit(self) -> None:
        self.viewport.fit()
        self.update()

    def actual_size(self) -> None:
        """Shows one pixel of the source on one pixel of the screen."""
        self._zoom_to(1.0 / self.devicePixelRatioF())

    def zoom(self, factor: float) -> None:
        self._zoom_to(self.viewport.scale * factor)

    def _user_zoomed(self) -> None:
        if self.tools is not None:
            self.tools.zoomed()

    def _zoom_to(self, scale: float) -> None:
        self._user_zoomed()
        self.viewport.zoom_to(scale, self.width() / 2, self.height() / 2)
        self.update()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is None or self.frame is None:
            return
        steps = (event.angleDelta().y() or event.pixelDelta().y() * 2) / 120
        at = event.position()
        self.viewport.zoom_by(1.2**steps, at.x(), at.y())
        self._user_zoomed()
        self.update()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is None or event.button() != Qt.MouseButton.LeftButton or self.frame is None:
            return
        if self.tools is None or not self.tools.pressed(event):
            self._drag_from = event.position()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is None or (self.tools is not None and self.tools.moved(event)):
            return
        if self._drag_from is None:
            event.ignore()  # the window wakes its bars on it in full screen
            return
        moved, self._drag_from = event.position() - self._drag_from, event.position()
        if not self.viewport.is_fitted:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.viewport.pan(moved.x(), moved.y())
            if self.tools is not None:
                self.tools.panned()
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        self._drag_from = None
        self.unsetCursor()
        if event is not None and self.tools is not None:
            self.tools.released(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if self.tools is None or not self.tools.double_clicked(event):
            self.full_screen_wanted.emit()

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        if event is not None and (self.tools is None or not self.tools.menu_asked(event)):
            event.ignore()

    def resizeEvent(self, _event: QResizeEvent | None) -> None:
        self.viewport.resize(self.width(), self.height())
