"""The mouse and the keys in the picture while the panel of lines and zones is open: draws, selects and moves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QEvent, QObject, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence, QMouseEvent, QPainter
from PyQt6.QtWidgets import QApplication, QWidget

from rtdet.ui.watching import watch
from rtdet.ui.zone_painting import paint_draft, paint_fill, paint_handles
from rtdet.viewer.window import WindowState
from rtdet.viewer.zone_counting import ZoneCounting
from rtdet.viewer.zone_editor import GROUND, GROUND_CORNERS, ZoneEditor
from rtdet.viewer.zone_shapes import BETWEEN, CORNER, Grip, Look, Point, grip_at, zone_at

if TYPE_CHECKING:
    from rtdet.ui.video_view import VideoView

_CURSORS = {
    CORNER: Qt.CursorShape.PointingHandCursor,
    BETWEEN: Qt.CursorShape.PointingHandCursor,
}
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
}  # fmt: skip
_FAST = 10


class ZoneTools(QObject):
    """Works for a VideoView. ground_set: four points of the ground were clicked."""

    ground_set = pyqtSignal()

    def __init__(self, view: VideoView, counting: ZoneCounting, window: WindowState) -> None:
        super().__init__(view)
        self._view, self._counting, self._window = view, counting, window
        self._editor = counting.editor
        self._pressed: QPointF | None = None
        view.installEventFilter(self)
        for name in ("selected", "tool", "draft", "pointer"):
            self._editor.watch(name, self._repaint)
        counting.watch("marks", self._repaint)
        watch(self, window, "show_zones", self._repaint)
        watch(self, window, "zones_open", self._opened)

    @property
    def is_active(self) -> bool:
        """Whether the mouse works on lines and zones."""
        return self._window.zones_open and self._view.frame is not None

    @property
    def look(self) -> Look:
        return Look.of(self._view.viewport)

    def look_at_picture(self) -> None:
        """Has those counted that are in the zones now."""
        frame = self._view.frame
        if frame is not None:
            self._counting.look(self._view.visible_tracks, frame.size)

    def _repaint(self, _value: object) -> None:
        self._view.update()

    def _opened(self, is_open: bool) -> None:
        if not is_open:
            self._editor.stop()
            self._editor.selected = None
        self._view.unsetCursor()
        self._view.update()

    # The mouse. Each returns whether that was all that is to be done.

    def pressed(self, event: QMouseEvent) -> bool:
        self._pressed = None
        if not self.is_active:
            return False
        at, editor = self._point(event), self._editor
        self._pressed = event.position()
        if editor.tool:
            editor.add_corner(editor.where(at, self.look, is_straight=_is_straight(event)), self.look)
            if not editor.tool:  # that closed it
                self._pressed = None
            self._ground_done()
            return True
        return editor.press(at, self.look) is not None

    def moved(self, event: QMouseEvent) -> bool:
        if not self.is_active:
            return False
        at, editor, start = self._point(event), self._editor, self._pressed
        far = start is not None and _is_far(event.position(), start)
        if editor.tool:
            editor.pointer = editor.where(at, self.look, is_straight=_is_straight(event))
            self._view.setCursor(Qt.CursorShape.CrossCursor)
            return True
        if editor.is_dragging:
            if far or editor.moving is not None:
                editor.drag(at, self.look, is_straight=_is_straight(event))
            return True
        if start is None:
            return self._point_out(grip_at(editor.zones, editor.selected, at, self.look))
        if far:
            self._pressed = None  # the picture is being moved
        return False

    def released(self, event: QMouseEvent) -> bool:
        start, self._pressed = self._pressed, None
        if not self.is_active or event.button() != Qt.MouseButton.LeftButton:
            return False
        editor = self._editor
        if editor.tool:
            is_stroke = start is not None and _is_far(event.position(), start)
            if is_stroke and len(editor.draft) == 1 and editor.tool != GROUND:
                end = editor.where(self._point(event), self.look, is_straight=_is_straight(event))
                editor.draw_from(editor.draft[0], end)
            return True
        if editor.release():
            return True
        if start is None:
            return False
        around = zone_at(editor.zones, self._point(event))
        had_one, editor.selected = editor.selected is not None, around
        return (around is not None or had_one) and not self._window.lanes_open

    def double_clicked(self, event: QMouseEvent) -> bool:
        if not self.is_active:
            return False
        editor, at = self._editor, self._point(event)
        if editor.tool:
            editor.finish()
            return True
        return grip_at(editor.zones, editor.selected, at, self.look) is not None

    def menu_asked(self, event: QContextMenuEvent) -> bool:
        """The right button takes out a corner, or the last one of what is being drawn."""
        if not self.is_active or event.reason() != QContextMenuEvent.Reason.Mouse:
            return False
        if self._editor.tool:
            self._editor.draft = self._editor.draft[:-1]
            return True
        at = self.look.point(event.pos().x(), event.pos().y())
        return self._editor.remove_corner(at, self.look)

    def _ground_done(self) -> None:
        if self._editor.tool == GROUND and len(self._editor.draft) == GROUND_CORNERS:
            self._editor.pointer = None
            self.ground_set.emit()

    def _point(self, event: QMouseEvent) -> Point:
        return self.look.point(event.position().x(), event.position().y())

    def _point_out(self, grip: Grip | None) -> bool:
        if grip is None:
            self._view.unsetCursor()
        else:
            self._view.setCursor(_CURSORS.get(grip.part, Qt.CursorShape.SizeAllCursor))
        return grip is not None

    # The keys, where the picture has the focus

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        if not isinstance(event, QKeyEvent) or not self.is_active:
            return False
        if event.type() == QEvent.Type.ShortcutOverride and self._wants(event):
            event.accept()
            return True
        return event.type() == QEvent.Type.KeyPress and self._typed(event)

    def _wants(self, event: QKeyEvent) -> bool:
        editor, key = self._editor, event.key()
        if is_undo(event):  # with the timeline open, mended tracks are undone once nothing is left here
            return can_undo(event, editor) or not self._window.lanes_open
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Backspace):
            return bool(editor.draft)
        if key == Qt.Key.Key_Delete or (key in _ARROWS and event.modifiers() & _ALT):
            return editor.selected is not None
        return False

    def _typed(self, event: QKeyEvent) -> bool:
        editor, key = self._editor, event.key()
        if not self._wants(event):
            return False
        if is_undo(event):
            undo_typed(event, editor)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            editor.finish()
        elif key == Qt.Key.Key_Backspace:
            editor.draft = editor.draft[:-1]
        elif key == Qt.Key.Key_Delete:
            editor.delete()
        else:
            frame, (dx, dy) = self._view.frame, _ARROWS[Qt.Key(key)]
            assert frame is not None
            steps = _FAST if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            editor.nudge(dx * steps / frame.size[0], dy * steps / frame.size[1])
        return True

    # Painting

    def paint_under(self, painter: QPainter) -> None:
        """What lies under the marks, while the panel is open."""
        if self.is_active:
            paint_fill(painter, self._editor, self.look)

    def paint(self, painter: QPainter) -> None:
        """Handles, and what is being drawn, while the panel is open."""
        if self.is_active:
            paint_handles(painter, self._editor, self.look)
            paint_draft(painter, self._editor, self.look)


_ALT = Qt.KeyboardModifier.AltModifier


class UndoKeys(QObject):
    """Where these widgets have the focus, Ctrl+Z undoes what was done to lines and zones."""

    def __init__(self, parent: QObject, editor: ZoneEditor, *widgets: QWidget) -> None:
        super().__init__(parent)
        self._editor = editor
        for widget in widgets:
            widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        if not isinstance(event, QKeyEvent) or not is_undo(event):
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
        elif event.type() == QEvent.Type.KeyPress:
            undo_typed(event, self._editor)
        return event.type() in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress)


def is_undo(event: QKeyEvent) -> bool:
    """Whether these are the keys of undo or redo."""
    standard = QKeySequence.StandardKey
    return event.matches(standard.Undo) or event.matches(standard.Redo)


def can_undo(event: QKeyEvent, editor: ZoneEditor) -> bool:
    """Whether there is something that the keys would undo, or do again."""
    return editor.can_undo if event.matches(QKeySequence.StandardKey.Undo) else editor.can_redo


def undo_typed(event: QKeyEvent, editor: ZoneEditor) -> None:
    if event.matches(QKeySequence.StandardKey.Undo):
        editor.undo()
    else:
        editor.redo()


def _is_straight(event: QMouseEvent) -> bool:
    return bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)


def _is_far(one: QPointF, other: QPointF) -> bool:
    return (one - other).manhattanLength() >= QApplication.startDragDistance()
