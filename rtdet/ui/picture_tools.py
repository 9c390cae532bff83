"""What the mouse does with the boxes in the picture while the timeline is open: selects and follows them, draws
missing ones and corrects those that are there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QObject, QPoint, QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QContextMenuEvent, QMouseEvent, QPainter, QPen
from PyQt6.QtWidgets import QApplication

from rtdet.tracks.table import TrackTable
from rtdet.types import Frame, Tracks
from rtdet.ui import theme
from rtdet.viewer.box_drag import Box, Grip, between, box_at, dragged, grip_at
from rtdet.viewer.following import Following
from rtdet.viewer.player import Phase
from rtdet.viewer.review import Review
from rtdet.viewer.timeline.state import Timeline
from rtdet.viewer.window import WindowState

if TYPE_CHECKING:
    from rtdet.ui.video_view import VideoView
    from rtdet.ui.zone_tools import ZoneTools

# Frames that are further apart in time than this have been jumped between.
_JUMP_S = 0.4


@dataclass
class _Drag:
    """A track's box that is held by its grip, or, without one, a new box; from where to where, in the widget."""

    track_id: int | None
    grip: Grip | None
    start: QPointF
    now: QPointF


class PictureTools(QObject):
    """Works for a VideoView, which asks it first.

    follow_wanted: a box was double-clicked. menu_wanted: the right button, at a place of the screen. drawn: a box was
    drawn. corrected: the edges of a track's box were dragged. Boxes are xyxy in pixels of the picture.
    """

    follow_wanted = pyqtSignal(int)
    menu_wanted = pyqtSignal(QPoint)
    drawn = pyqtSignal(tuple)
    corrected = pyqtSignal(int, tuple)

    def __init__(self, view: VideoView, timeline: Timeline, review: Review, window: WindowState) -> None:
        super().__init__(view)
        self._view, self._timeline, self._review, self._window = view, timeline, review, window
        self._following = Following()
        self._pressed: QPointF | None = None
        self._drag: _Drag | None = None
        self._last_t: float | None = None
        self.zones: ZoneTools | None = None
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

    def _table_changed(self, table: TrackTable | None) -> None:
        frame = self._view.frame
        if table is not None and frame is not None and self._review.tracks_of(frame) is None:
            return  # the table does not reach so far yet: the live tracks go on, with their trails
        self._last_t = None
        self._view.trails.clear()
        self._view.take_again()

    def _repaint(self, _value: object) -> None:
        self._view.update()

    def box_of(self, track_id: int) -> Box | None:
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

    @property
    def _zones(self) -> ZoneTools | None:
        """Who is asked before: nobody while a box is drawn."""
        return None if self._timeline.is_drawing else self.zones

    # The mouse. Each returns whether that was all that is to be done.

    def pressed(self, event: QMouseEvent) -> bool:
        self._pressed = None
        if self._zones is not None and self._zones.pressed(event):
            return True
        at = self._pressed = event.position()
        if not self.is_active or event.button() != Qt.MouseButton.LeftButton:
            return False
        if self._timeline.is_drawing:
            self._drag = _Drag(None, None, at, at)
            return True
        grip = self._grip_at(at)
        if grip is not None and self._timeline.chosen is not None:
            self._drag = _Drag(self._timeline.chosen, grip, at, at)
        return self._drag is not None

    def moved(self, event: QMouseEvent) -> bool:
        if self._drag is None and self._zones is not None and self._zones.moved(event):
            return True
        at, far = event.position(), QApplication.startDragDistance()
        if self._drag is not None:
            self._drag.now = at
            self._view.update()
            return True
        if self._pressed is not None and (at - self._pressed).manhattanLength() >= far:
            self._pressed = None
        if not event.buttons() and self.is_active:
            self._show_cursor(at)
        return False

    def released(self, event: QMouseEvent) -> bool:
        if self._drag is None and self._zones is not None and self._zones.released(event):
            self._pressed = None
            return True
        start, self._pressed = self._pressed, None
        drag, self._drag = self._drag, None
        if drag is not None:
            self._view.update()
            self._finish(drag)
            return True
        if start is not None and self.is_active and event.button() == Qt.MouseButton.LeftButton:
            is_more = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            self._timeline.select(self.id_at(event.position()), add=is_more)
        return False

    def menu_asked(self, event: QContextMenuEvent) -> bool:
        """The right button, or the menu key."""
        if self._zones is not None and self._zones.menu_asked(event):
            return True
        if not self.is_active or self._review.table is None:
            return False
        if event.reason() == QContextMenuEvent.Reason.Mouse:
            track_id = self.id_at(QPointF(event.pos()))
            if track_id is not None and track_id not in self._timeline.selected:
                self._timeline.select(track_id)
        self.menu_wanted.emit(event.globalPos())
        return True

    # Drawing and correcting

    @property
    def can_correct(self) -> bool:
        """Whether the edges of the chosen box can be dragged: of a picture that stands."""
        stands = self._view.player.phase in (Phase.PAUSED, Phase.ENDED)
        return self.is_active and stands and self._review.table is not None

    @property
    def is_dragging(self) -> bool:
        return self._drag is not None

    def let_go(self) -> None:
        """Gives up what is being dragged."""
        self._drag = self._pressed = None
        self._view.unsetCursor()
        self._view.update()

    def _grip_at(self, at: QPointF) -> Grip | None:
        chosen = self._timeline.chosen
        box = self.box_of(chosen) if chosen is not None and self.can_correct else None
        return None if box is None else grip_at(_corners(self.on_screen(box)), at.x(), at.y())

    def _show_cursor(self, at: QPointF) -> None:
        grip = self._grip_at(at)
        if self._timeline.is_drawing:
            self._view.setCursor(Qt.CursorShape.CrossCursor)
        elif grip is not None:
            self._view.setCursor(_CURSORS[grip.across * (grip.down or 1), bool(grip.across), bool(grip.down)])
        else:
            self._view.unsetCursor()

    def _dragged_box(self, drag: _Drag) -> Box | None:
        """What is being drawn or dragged, in pixels of the picture."""
        view = self._view.viewport
        start = view.to_image(drag.start.x(), drag.start.y())
        now = view.to_image(drag.now.x(), drag.now.y())
        if drag.grip is None or drag.track_id is None:
            return between(start, now)
        box = self.box_of(drag.track_id)
        return None if box is None else dragged(box, drag.grip, now[0] - start[0], now[1] - start[1])

    def _finish(self, drag: _Drag) -> None:
        box = self._dragged_box(drag)
        has_moved = (drag.now - drag.start).manhattanLength() >= 2
        if box is None or not has_moved:
            return
        if drag.track_id is None:
            self.drawn.emit(box)
        else:
            self.corrected.emit(drag.track_id, box)

    def double_clicked(self, event: QMouseEvent) -> bool:
        if self._zones is not None and self._zones.double_clicked(event):
            return True
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

    def paint_under(self, painter: QPainter) -> None:
        """What lies under boxes and lines."""
        if self.zones is not None:
            self.zones.paint_under(painter)

    def paint(self, painter: QPainter) -> None:
        """A frame around each selected box, and what is being drawn, over everything else."""
        if self.zones is not None:
            self.zones.paint(painter)
        if not self.is_active:
            return
        drag = self._drag
        for track_id in self._timeline.selected:
            box = self._dragged_box(drag) if drag and drag.track_id == track_id else self.box_of(track_id)
            if box is not None:
                self._paint_frame(painter, self.on_screen(box), track_id == self._timeline.chosen)
        drawn = self._dragged_box(drag) if drag and drag.track_id is None else None
        if drawn is not None:
            self._paint_frame(painter, self.on_screen(drawn), False)

    def on_screen(self, box: Box) -> QRectF:
        view = self._view.viewport
        return QRectF(QPointF(*view.to_widget(*box[:2])), QPointF(*view.to_widget(*box[2:])))

    def _paint_frame(self, painter: QPainter, box: QRectF, is_chosen: bool) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 140), 5))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QPen(QColor(theme.TEXT if is_chosen else theme.ACCENT), 2.5))
        painter.drawRoundedRect(box, 3, 3)
        if is_chosen and self.can_correct:
            self._paint_grips(painter, box)

    def _paint_grips(self, painter: QPainter, box: QRectF) -> None:
        painter.setPen(QPen(QColor(0, 0, 0, 160), 1))
        painter.setBrush(QColor(theme.TEXT))
        middle = box.center()
        places = [box.topLeft(), box.topRight(), box.bottomLeft(), box.bottomRight()]
        if grip_at(_corners(box), middle.x(), middle.y()) is not None:
            places.append(middle)
        for place in places:
            painter.drawEllipse(place, 4, 4)


def _corners(box: QRectF) -> Box:
    return box.left(), box.top(), box.right(), box.bottom()


_SHAPE = Qt.CursorShape
# By the direction of a corner's diagonal, and which edges are held.
_CURSORS = {
    (1, True, True): _SHAPE.SizeFDiagCursor, (-1, True, True): _SHAPE.SizeBDiagCursor,
    (1, True, False): _SHAPE.SizeHorCursor, (-1, True, False): _SHAPE.SizeHorCursor,
    (0, False, True): _SHAPE.SizeVerCursor, (0, False, False): _SHAPE.SizeAllCursor,
}  # fmt: skip
