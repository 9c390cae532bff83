"""What the mouse does with the boxes in the picture while the timeline is open: selects and follows them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QObject, QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPen
from PyQt6.QtWidgets import QApplication

from rtdet.types import Frame, Tracks
from rtdet.ui import theme
from rtdet.viewer.box_drag import box_at
from rtdet.viewer.following import Following
from rtdet.viewer.review import Review
from rtdet.viewer.timeline.state import Timeline
from rtdet.viewer.window import WindowState

if TYPE_CHECKING:
    from rtdet.ui.video_view import VideoView

# Frames that are further apart in time than this have been jumped between.
_JUMP_S = 0.4


class PictureTools(QObject):
    """Works for a VideoView, which asks it first. follow_wanted: a box was double-clicked."""

    follow_wanted = pyqtSignal(int)

    def __init__(self, view: VideoView, timeline: Timeline, review: Review, window: WindowState) -> None:
        super().__init__(view)
        self._view, self._timeline, self._review, self._window = view, timeline, review, window
        self._following = Following()
        self._pressed: QPointF | None = None
        self._last_t: float | None = None
        timeline.watch("selected", self._repaint)
        timeline.watch("following", self._follow)
        review.watch("table", self._table_changed)

    @property
    def is_active(self) -> bool:
        """Whether boxes can be selected; else the picture is as without a timeline."""
        return self._window.lanes_open

    # What is shown

    def tracks_of(self, frame: Frame) -> Tracks | None:
        """The reviewed tracks of a frame; None: there are none, and the live ones are shown."""
        tracks = self._review.tracks_of(frame)
        if tracks is not None and (self._last_t is None or not 0 <= frame.t - self._last_t < _JUMP_S):
            self._fill_trails(frame)
        self._last_t = frame.t
        return tracks

    def _fill_trails(self, frame: Frame) -> None:
        """The way that led to a frame that was jumped to."""
        trails = self._view.trails
        trails.clear()
        for seconds, tracks in self._review.before(frame, trails.seconds):
            trails.update(tracks, seconds)

    def _table_changed(self, _table: object) -> None:
        self._last_t = None
        self._view.trails.clear()
        self._view.take_again()

    def _repaint(self, _value: object) -> None:
        self._view.update()

    def box_of(self, track_id: int) -> tuple[float, float, float, float] | None:
        """Where a track is on screen, in pixels of the picture."""
        tracks = self._view.tracks
        rows = np.flatnonzero(tracks.ids == track_id)
        if not len(rows):
            return None
        x1, y1, x2, y2 = tracks.boxes[rows[0]].tolist()
        return x1, y1, x2, y2

    # Following

    def _follow(self, track_id: int | None) -> None:
        if track_id is not None:
            self._following.start()
        self._view.update()

    def tick(self) -> None:
        """Moves the view a little further towards what is followed."""
        track_id = self._timeline.following
        if track_id is None:
            return
        if self._following.step(self._view.viewport, self.box_of(track_id), time.monotonic()):
            self._view.update()

    def zoomed(self) -> None:
        """The user has zoomed."""
        self._following.keep_scale()

    def panned(self) -> None:
        """The user has moved the picture, and looks where he likes."""
        self._timeline.following = None

    # The mouse. Each returns whether that was all that is to be done.

    def pressed(self, event: QMouseEvent) -> bool:
        self._pressed = event.position()
        return False

    def moved(self, event: QMouseEvent) -> bool:
        start, far = self._pressed, QApplication.startDragDistance()
        if start is not None and (event.position() - start).manhattanLength() >= far:
            self._pressed = None
        return False

    def released(self, event: QMouseEvent) -> bool:
        start, self._pressed = self._pressed, None
        if start is not None and self.is_active and event.button() == Qt.MouseButton.LeftButton:
            is_more = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self._timeline.select(self.id_at(event.position()), add=is_more)
        return False

    def double_clicked(self, event: QMouseEvent) -> bool:
        track_id = self.id_at(event.position()) if self.is_active else None
        if track_id is not None:
            self.follow_wanted.emit(track_id)
        return track_id is not None

    def id_at(self, at: QPointF) -> int | None:
        """The track whose box is at a place of the window."""
        tracks = self._view.visible_tracks
        row = box_at(tracks.boxes.tolist(), *self._view.viewport.to_image(at.x(), at.y()))
        return None if row is None or tracks.ids[row] < 1 else int(tracks.ids[row])

    # Painting

    def paint(self, painter: QPainter) -> None:
        """A frame around each selected box, over everything else."""
        if not self.is_active:
            return
        for track_id in self._timeline.selected:
            box = self.box_of(track_id)
            if box is not None:
                self._paint_frame(painter, self.on_screen(box), track_id == self._timeline.chosen)

    def on_screen(self, box: tuple[float, float, float, float]) -> QRectF:
        view = self._view.viewport
        return QRectF(QPointF(*view.to_widget(*box[:2])), QPointF(*view.to_widget(*box[2:])))

    def _paint_frame(self, painter: QPainter, box: QRectF, is_chosen: bool) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 140), 5))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QPen(QColor(theme.TEXT if is_chosen else theme.ACCENT), 2.5))
        painter.drawRoundedRect(box, 3, 3)
