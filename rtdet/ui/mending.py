"""Mending tracks in the window: the verbs of the menus and keys, the menu at the pointer, and what cannot be done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PyQt6.QtCore import QObject, QPoint
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QMenu, QWidget

from rtdet.errors import RtdetError
from rtdet.types import Frame
from rtdet.ui.actions import Actions
from rtdet.ui.timeline.asking import AskDialog
from rtdet.ui.video_view import VideoView
from rtdet.viewer.mending import Mending
from rtdet.viewer.notices import line_about
from rtdet.viewer.player import Phase, Severity
from rtdet.viewer.session import Session

_OF_TRACKS = ("split", "delete", "delete_after", "rename", "set_class")
_MENU = ("follow", "", "merge", "split", "swap", "", "rename", "CLASS", "draw", "", "delete", "delete_after", "",
         "undo", "redo")  # fmt: skip
_MOST_IN_MENU = 12


class MendingActions(QObject):
    """Carries out the verbs on what is selected, at the picture on screen."""

    def __init__(self, window: QWidget, session: Session, actions: Actions, view: VideoView) -> None:
        super().__init__(window)
        self._parent, self._session, self._actions, self._view = window, session, actions, view
        self._review, self._timeline, self._player = session.review, session.timeline, session.player
        self.mending = Mending(session.review, session.timeline)
        actions.connect(
            merge=partial(self.attempt, self.mending.merge), split=partial(self._here, self.mending.split),
            swap=partial(self._here, self.mending.swap), delete=partial(self.attempt, self.mending.delete),
            delete_after=partial(self._here, self.mending.delete), rename=self.ask_id,
            set_class=self.ask_class, draw=self.toggle_drawing,
            undo=partial(self.attempt, self._review.undo), redo=partial(self.attempt, self._review.redo),
        )  # fmt: skip
        for name in ("table", "undo_text", "redo_text"):
            self._review.watch(name, self._changed)
        self._timeline.watch("selected", self._changed)
        self._changed()

    def _changed(self, _value: object = None) -> None:
        review, actions = self._review, self._actions
        count = len(self._timeline.selected) if review.table is not None else 0
        for name in _OF_TRACKS:
            actions[name].setEnabled(count > 0)
        actions["merge"].setEnabled(count > 1)
        actions["swap"].setEnabled(count == 2)
        actions["draw"].setEnabled(review.table is not None)
        for name, text in (("undo", review.undo_text), ("redo", review.redo_text)):
            actions[name].setEnabled(bool(text))
            actions[name].setText(f"{name.capitalize()}: {text}" if text else name.capitalize())

    def attempt(self, work: Callable[[], object]) -> bool:
        """Does it, or says in the window why it cannot be done. Returns whether it was done."""
        try:
            work()
        except RtdetError as error:
            self._player.say(line_about(error), Severity.WARNING)
            return False
        if self._player.message is not None and self._player.message.severity is Severity.WARNING:
            self._player.message = None  # it was about what did not work before
        return True

    def _here(self, verb: Callable[[int], None]) -> None:
        frame = self._view.frame
        if frame is not None:
            self.attempt(partial(verb, frame.index + 1))

    # What is asked for

    def ask_id(self) -> None:
        """A new ID for the chosen track."""
        chosen = self._timeline.chosen
        if chosen is not None:
            AskDialog(self._parent, "New ID", f"New ID of #{chosen}", (), self._rename).open()

    def _rename(self, text: str) -> None:
        self.attempt(partial(self.mending.rename, text))

    def ask_class(self) -> None:
        """A class for the selected tracks."""
        if self._timeline.selected:
            named = ", ".join(f"#{one}" for one in self._timeline.selected)
            names = self.mending.class_names()
            AskDialog(self._parent, "Class", f"Class of {named}", names, self._set_class).open()

    def _set_class(self, name: str) -> None:
        self.attempt(partial(self.mending.set_class, name))

    # Boxes in the picture

    def toggle_drawing(self) -> None:
        """Begins to draw a missing box, in a picture that stands."""
        if not self._timeline.is_drawing and self._player.phase is Phase.PLAYING:
            self._session.toggle_play()
        self._timeline.is_drawing = not self._timeline.is_drawing

    def draw(self, box: tuple[float, ...]) -> None:
        """A rectangle was drawn in the picture."""
        frame = self._view.frame
        self._timeline.is_drawing = False
        if frame is None or self._review.table is None:
            return
        if self.mending.lacks(frame.index + 1) is not None:
            self.attempt(partial(self.mending.draw, frame, box))
            return
        names = self.mending.class_names()
        AskDialog(self._parent, "New track", "What is it?", names, partial(self._draw_new, frame, box)).open()

    def _draw_new(self, frame: Frame, box: tuple[float, ...], name: str) -> None:
        self.attempt(partial(self.mending.draw, frame, box, name))

    def correct(self, track_id: int, box: tuple[float, ...]) -> None:
        """The edges of a box were dragged."""
        frame = self._view.frame
        if frame is not None:
            self.attempt(partial(self.mending.correct, frame, track_id, box))

    # The menu at the pointer

    def show_menu(self, at: QPoint) -> None:
        """The verbs, at a place of the screen."""
        menu = self.made_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at)

    def made_menu(self) -> QMenu:
        menu = QMenu(self._parent)
        for name in _MENU:
            if not name:
                menu.addSeparator()
            elif name == "CLASS":
                self._add_classes(menu)
            else:
                menu.addAction(self._actions[name])
        return menu

    def _add_classes(self, menu: QMenu) -> None:
        names = self.mending.class_names()[:_MOST_IN_MENU]
        classes = menu.addMenu("Class")
        assert classes is not None
        classes.setEnabled(self._actions["set_class"].isEnabled())
        for name in names:
            action = QAction(name.replace("&", "&&"), classes)
            action.triggered.connect(partial(self._set_class_by_menu, name))
            classes.addAction(action)
        classes.addSeparator()
        classes.addAction(self._actions["set_class"])

    def _set_class_by_menu(self, name: str, _is_checked: bool = False) -> None:
        self._set_class(name)
