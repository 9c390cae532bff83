"""The list of what is worth a look, beside the lanes."""

from __future__ import annotations

import math
from typing import Any

from PyQt6.QtCore import QAbstractListModel, QModelIndex, QObject, QPoint, QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QListView, QVBoxLayout

from rtdet.tracks.doubts import Finding
from rtdet.ui.inputs import KeyKeeper
from rtdet.viewer.rates import clock
from rtdet.viewer.timeline.worklist import Worklist

WIDTH = 300
_ROLE = Qt.ItemDataRole
_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Space, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class Findings(QAbstractListModel):
    """The worklist as Qt's views want it: a line each, with a tick."""

    def __init__(self, worklist: Worklist, parent: QObject) -> None:
        super().__init__(parent)
        self.worklist = worklist
        worklist.watch("findings", self._changed)

    def _changed(self, _findings: object) -> None:
        self.beginResetModel()
        self.endResetModel()

    def ticks_changed(self) -> None:
        if self.rowCount():
            self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))

    def rowCount(self, _parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008  # Qt's signature
        return len(self.worklist.findings)

    def finding_at(self, index: QModelIndex) -> Finding | None:
        return self.worklist.findings[index.row()] if 0 <= index.row() < self.rowCount() else None

    def data(self, index: QModelIndex, role: int = _ROLE.DisplayRole) -> Any:
        finding = self.finding_at(index)
        if finding is None:
            return None
        is_ticked = self.worklist.is_ticked(finding)
        if role == _ROLE.DisplayRole:
            when = f"#{finding.frame}" if math.isnan(finding.time_s) else clock(finding.time_s, tenths=True)
            return f"{when}  {finding.text}"
        if role == _ROLE.ToolTipRole:
            return f"{finding.text}\nFrame {finding.frame}, doubt {finding.score:.2f}. J: next.  Space: tick off."
        if role == _ROLE.CheckStateRole:
            return Qt.CheckState.Checked if is_ticked else Qt.CheckState.Unchecked
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = _ROLE.EditRole) -> bool:
        finding = self.finding_at(index)
        if finding is None or role != _ROLE.CheckStateRole:
            return False
        self.worklist.tick(finding, Qt.CheckState(value) == Qt.CheckState.Checked)
        return True

    def flags(self, _index: QModelIndex) -> Qt.ItemFlag:
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable


class WorklistPanel(QFrame):
    """chosen: a finding was clicked, or gone to by the arrow keys."""

    chosen = pyqtSignal(object)

    def __init__(self, worklist: Worklist) -> None:
        super().__init__()
        self.setObjectName("worklist")
        self.setFixedWidth(WIDTH)
        self._worklist = worklist
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 6, 6)
        column.setSpacing(4)
        row = QHBoxLayout()
        heading = QLabel("WORTH A LOOK")
        heading.setObjectName("heading")
        self.count = QLabel()
        self.count.setObjectName("hint")
        self.count.setAccessibleName("How many are left")
        row.addWidget(heading)
        row.addStretch()
        row.addWidget(self.count)
        column.addLayout(row)
        self.model = Findings(worklist, self)
        self.list = QListView()
        self.list.setAccessibleName("Worth a look")
        self.list.setModel(self.model)
        self.list.setWordWrap(True)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        KeyKeeper(self.list, _KEYS)
        column.addWidget(self.list)
        selection = self.list.selectionModel()
        assert selection is not None
        selection.currentChanged.connect(self._current_changed)
        self.list.clicked.connect(self._clicked)
        self._top_row = 0
        self.model.modelAboutToBeReset.connect(self._keep_place)
        self.model.modelReset.connect(self._return_to_place)
        for name in ("findings", "is_busy"):
            worklist.watch(name, self._say)
        worklist.watch("findings", self._show_current)
        worklist.watch("current", self._show_current)
        self._say()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 120)  # as high as the lanes are

    def ticks_changed(self, _looked_at: object = None) -> None:
        """Others are ticked off."""
        self.model.ticks_changed()
        self._say()

    def _keep_place(self) -> None:
        self._top_row = max(self.list.indexAt(QPoint(8, 8)).row(), 0)

    def _return_to_place(self) -> None:
        """The list is another one, but whoever reads in it goes on reading there."""
        if self._top_row:
            row = min(self._top_row, self.model.rowCount() - 1)
            self.list.scrollTo(self.model.index(row), QListView.ScrollHint.PositionAtTop)

    def _say(self, _value: object = None) -> None:
        worklist, total = self._worklist, len(self._worklist.findings)
        left = worklist.left()
        text = f"{left} of {total} left" if left < total else str(total)
        self.count.setText("looking…" if worklist.is_busy else text if total else "nothing found")

    def _show_current(self, _value: object = None) -> None:
        place = self._worklist.place_of(self._worklist.current)
        selection = self.list.selectionModel()
        assert selection is not None
        if place is not None and self.list.currentIndex().row() != place:
            self.blockSignals(True)
            self.list.setCurrentIndex(self.model.index(place))
            self.blockSignals(False)
            self.list.scrollTo(self.model.index(place))

    def _current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        if self.list.hasFocus() and not self.signalsBlocked():
            self._choose(index)

    def _clicked(self, index: QModelIndex) -> None:
        self._choose(index)

    def _choose(self, index: QModelIndex) -> None:
        finding = self.model.finding_at(index)
        if finding is not None:
            self._worklist.current = finding
            self.chosen.emit(finding)
