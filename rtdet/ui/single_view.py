"""The view of one source alone: its picture with the panels beside it, the timeline, the transport and the numbers
below."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from rtdet.ui.actions import Actions
from rtdet.ui.controls import Panel
from rtdet.ui.leaving import Leaving
from rtdet.ui.reviewing import Reviewing
from rtdet.ui.stage import Stage
from rtdet.ui.transport import StatusLine, Transport
from rtdet.ui.watching import watch
from rtdet.ui.zoning import Zoning
from rtdet.viewer.session import Session


class SingleView(QWidget):
    """Belongs to a page, whose stage it shows."""

    def __init__(
        self, session: Session, actions: Actions, stage: Stage, browse_model: Callable[[], None]
    ) -> None:
        super().__init__()
        self._state, self._is_full = session.window, False
        self.stage = stage
        services, player = session.services, session.player
        self.panel = Panel(
            player, session.window, services.model_names(), services.tracker_names(), browse_model
        )
        self.transport = Transport(player, actions.by_name, session.seek)
        self.status = StatusLine(player)
        self.reviewing = Reviewing(self, session, actions, stage.view)
        self.zoning = Zoning(self, session, actions, stage.view)
        self.reviewing.tools.zones = self.zoning.tools
        self.leaving = Leaving(self, session.review, self.reviewing.save_run, self.reviewing.export)
        session.ask_unsaved = self.leaving.ask
        self._lay_out()
        actions.work_in(self)
        for name in ("panel_open", "lanes_open", "zones_open"):
            watch(self, self._state, name, self._show_parts)
        self._show_parts()

    def _lay_out(self) -> None:
        upper = QWidget()
        column, row = QVBoxLayout(self), QHBoxLayout(upper)
        self._row = row
        for layout in (column, row):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
        row.addWidget(self.zoning.panel)
        row.addWidget(self.panel)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(upper)
        self.split.addWidget(self.reviewing.panel)
        self.split.setStretchFactor(0, 1)
        self.split.splitterMoved.connect(self._split_moved)
        column.addWidget(self.split, 1)
        column.addWidget(self.transport)
        column.addWidget(self.status)

    # What is shown of it

    def take_stage(self) -> None:
        """Shows the picture here, and no longer in a tile."""
        self._row.insertWidget(0, self.stage, 1)
        self.stage.is_tile = False
        self.stage.show()

    def show_full(self, is_full: bool) -> None:
        """In full screen there is nothing but the picture, and the transport for a while."""
        self._is_full = is_full
        self._show_parts()

    def _show_parts(self, _value: object = None) -> None:
        full, state = self._is_full, self._state
        self.status.setVisible(not full)
        self.panel.setVisible(state.panel_open and not full)
        self.zoning.panel.setVisible(state.zones_open and not full)
        self._show_timeline(state.lanes_open and not full)
        self.transport.setVisible(True)

    def _show_timeline(self, is_shown: bool) -> None:
        panel = self.reviewing.panel
        is_new = is_shown and not panel.isVisibleTo(self)
        panel.setVisible(is_shown)
        if is_new:
            self._size_timeline()

    def size_timeline(self) -> None:
        """Gives the timeline the height that it is to have, once the window has its size."""
        layout = self.layout()
        if layout is not None and self._state.lanes_open:
            layout.activate()  # else nothing has its size yet
            self._size_timeline()

    def _size_timeline(self) -> None:
        """As high as it was left, at most half of what there is."""
        room = self.split.height()
        height = min(self._state.lanes_height, room // 2)
        self.split.setSizes([room - height, height])

    def _split_moved(self, _place: int, _index: int) -> None:
        self._state.lanes_height = max(self.split.sizes()[1], 1)

    def escape(self) -> bool:
        """Ends what is under way. Returns whether there was something."""
        return self.zoning.escape() or self.reviewing.escape()
