"""Goes through what is worth a look: shows each place in the picture and in the lanes."""

from __future__ import annotations

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QWidget

from rtdet.tracks.doubts import Finding
from rtdet.ui.actions import Actions
from rtdet.ui.timeline.worklist_panel import WorklistPanel
from rtdet.ui.watching import watch
from rtdet.viewer.places import Place
from rtdet.viewer.session import Session

# What the axis shows around a place, where it shows more.
AROUND_S = 8.0


class GoingThrough(QObject):
    """The keys of the list, and what happens when one of it is chosen."""

    def __init__(self, window: QWidget, session: Session, actions: Actions, panel: WorklistPanel) -> None:
        super().__init__(window)
        self._session, self._actions, self._panel = session, actions, panel
        self._worklist, self._window = session.worklist, session.window
        panel.chosen.connect(self.show)
        actions.connect(next_doubt=self.next, last_doubt=self.previous, tick_doubt=self.tick)
        session.review.watch("looked_at", panel.ticks_changed)
        session.review.watch("table", self._table_changed, now=True)
        self._worklist.watch("is_busy", self._found)
        watch(self, self._window, "doubts_open", self._opened, now=True)
        self._is_awaited = False

    def _table_changed(self, table: object) -> None:
        for name in ("next_doubt", "last_doubt", "tick_doubt"):
            self._actions[name].setEnabled(table is not None)

    def _opened(self, is_open: bool) -> None:
        self._panel.setVisible(is_open)
        if is_open:
            self._worklist.want()

    def _found(self, is_busy: bool) -> None:
        if self._is_awaited and not is_busy:
            self._is_awaited = False
            self.next()

    def next(self) -> None:
        self._turn(1)

    def previous(self) -> None:
        self._turn(-1)

    def tick(self) -> None:
        """The one that was looked at is settled."""
        if self._worklist.current is not None:
            self._worklist.tick(self._worklist.current)
        self._turn(1)

    def _turn(self, step: int) -> None:
        self._window.lanes_open = self._window.doubts_open = True
        worklist = self._worklist
        worklist.want()
        if worklist.is_busy and not worklist.findings:
            self._is_awaited = True
            return
        finding = worklist.turn(step)
        if finding is not None:
            self.show(finding)
        elif not worklist.left():
            self._session.player.say("Nothing is left that is worth a look.")
        else:
            self._session.player.say(
                f"This is the {'last' if step > 0 else 'first'} one that is not ticked off."
            )

    def show(self, finding: Finding) -> None:
        """Stands on its picture, with its tracks selected."""
        timeline = self._session.timeline
        seconds = timeline.spans.time_of(finding.frame)
        if seconds is not None:
            timeline.look_around(seconds, AROUND_S)
        timeline.selected = tuple(one for one in finding.ids if timeline.spans.place_of(one) is not None)
        for track_id in reversed(timeline.selected):
            timeline.lanes.bring(track_id)
        timeline.repaint()
        self._session.go_to(Place(index=finding.frame - 1))
