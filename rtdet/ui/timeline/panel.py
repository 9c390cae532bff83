"""The timeline under the picture: the filter, the lanes, and what else belongs beside them."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from rtdet.ui.timeline.filter_bar import FilterBar
from rtdet.ui.timeline.lanes_view import LanesView
from rtdet.ui.timeline.worklist_panel import WorklistPanel
from rtdet.viewer.review import Review
from rtdet.viewer.timeline.state import Timeline
from rtdet.viewer.timeline.worklist import Worklist
from rtdet.viewer.window import WindowState


class TimelinePanel(QFrame):
    def __init__(
        self,
        timeline: Timeline,
        review: Review,
        worklist: Worklist,
        window: WindowState,
        actions: Mapping[str, QAction],
    ) -> None:
        super().__init__()
        self.setObjectName("timeline")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.filter = FilterBar(timeline, review)
        for name in ("in_view", "fit_time", "chart", "doubts", "lanes"):
            self.filter.add_button(actions[name])
        column.addWidget(self.filter)
        self.view = LanesView(timeline, window)
        self.row = QHBoxLayout()
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(0)
        self.row.addWidget(self.view, 1)
        self.worklist = WorklistPanel(worklist)
        self.row.addWidget(self.worklist)
        column.addLayout(self.row, 1)
