"""The panel of lines and zones: what there is and what it has counted, with all that can be done to it."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from rtdet.counting import POINTS
from rtdet.ui import theme
from rtdet.ui.controls import scrolling_column
from rtdet.ui.icons import icon
from rtdet.ui.inputs import CalmComboBox, KeyKeeper
from rtdet.ui.zone_details import ZoneDetails
from rtdet.ui.zone_list import ZoneList
from rtdet.ui.zone_painting import hint_of
from rtdet.ui.zone_tools import UndoKeys
from rtdet.viewer.rates import clock
from rtdet.viewer.zone_counting import ZoneCounting
from rtdet.viewer.zone_editor import LINE, ZONE

_POINTS = {
    "feet": "Feet (lower edge)", "center": "Centre", "head": "Head (upper edge)",
    "left": "Left edge", "right": "Right edge", "front left": "Lower left corner",
    "front right": "Lower right corner",
}  # fmt: skip
EMPTY = "Draw a line to count who crosses it, or a zone to count who is in it. What you have watched is counted, too."


class ZonesPanel(QFrame):
    """What it offers beyond itself is told by callables: pick_color, open_file, save_file, save_counts, close."""

    def __init__(
        self,
        counting: ZoneCounting,
        *,
        pick_color: Callable[[], None],
        scale: QToolButton,
        open_file: Callable[[], None],
        save_file: Callable[[], None],
        save_counts: Callable[[], None],
        close: Callable[[], None],
    ) -> None:
        super().__init__()
        self._counting, self._editor = counting, counting.editor
        column = scrolling_column(self, top=10)
        column.addLayout(self._head(close))
        column.addLayout(self._draw_buttons())
        self.hint = _note(self)
        column.addWidget(self.hint)
        self.note = _note(self)
        column.addWidget(self.note)
        self.list = ZoneList(self._editor)
        self.list.delete_wanted.connect(lambda: self._editor.delete())
        self.list.setMinimumHeight(110)
        column.addWidget(self.list, 1)
        self.details = ZoneDetails(self._editor, self.list.rename, pick_color)
        column.addWidget(self.details)
        column.addWidget(_heading("Counted point"))
        self.point = CalmComboBox(
            "Counted point", "Which point of an object's box has to cross a line or be in a zone"
        )
        for name in POINTS:
            self.point.addItem(_POINTS.get(name, name), name)
        self.point.activated.connect(
            lambda _row: self._editor.change(self._editor.zones.with_point(self.point.currentData()))
        )
        column.addWidget(self.point)
        scale.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        column.addWidget(scale)
        column.addLayout(self._file_buttons(open_file, save_file, save_counts))
        self._connect()

    def _head(self, close: Callable[[], None]) -> QHBoxLayout:
        row = QHBoxLayout()
        self.heading = _heading("Lines and zones")
        row.addWidget(self.heading, 1)
        button = QToolButton()
        button.setIcon(icon("close"))
        button.setToolTip("Close this panel (G)")
        button.setAccessibleName("Close lines and zones")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: close())
        row.addWidget(button)
        return row

    def _draw_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        self.draw = {}
        for tool, text, sign, tip in (
            (LINE, "Line", "line", "Draw a line: who crosses it is counted, in each direction (D)"),
            (ZONE, "Zone", "zone", "Draw a zone: who comes into it, goes and stays is counted (Shift+D)"),
        ):
            button = QPushButton(f" {text}")
            button.setIcon(icon(sign))
            button.setCheckable(True)
            button.setToolTip(tip)
            button.setAccessibleName(f"Draw a {text.lower()}")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _on, tool=tool: self._editor.draw(tool))
            KeyKeeper(button, (Qt.Key.Key_Space,))
            row.addWidget(button, 1)
            self.draw[tool] = button
        return row

    def _file_buttons(
        self, open_file: Callable[[], None], save_file: Callable[[], None], save_counts: Callable[[], None]
    ) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.open, self.save, self.counts = QPushButton("Open…"), QPushButton("Save…"), QPushButton("Counts…")
        for button, name, tip, act in (
            (self.open, "Open lines and zones", "Take the lines and zones of a file", open_file),
            (self.save, "Save lines and zones",
             "Save lines, zones and scale as a file, for rtdet count and for other cameras", save_file),
            (self.counts, "Save counts", "Save what was counted as a table, by hour and minute", save_counts),
        ):  # fmt: skip
            button.setToolTip(tip)
            button.setAccessibleName(name)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setStyleSheet("padding: 6px 4px;")
            button.clicked.connect(lambda _on, act=act: act())
            KeyKeeper(button, (Qt.Key.Key_Space,))
            row.addWidget(button, 1)
        return row

    def _connect(self) -> None:
        editor, counting = self._editor, self._counting
        UndoKeys(self, editor, self.list, *self.draw.values(), self.point, self.open, self.save, self.counts)
        for name in ("tool", "draft", "fault"):
            editor.watch(name, self._tell)
        for name in ("zones", "moving", "selected"):
            editor.watch(name, self._fill)
        for name in ("tallies", "inside", "is_counting", "since_s", "note"):
            counting.watch(name, self._fill)
        self._tell(None)
        self._fill(None)

    def _tell(self, _value: object) -> None:
        editor = self._editor
        for tool, button in self.draw.items():
            button.setChecked(editor.tool == tool)
        text = editor.fault or hint_of(editor)
        self.hint.setText(text)
        self.hint.setVisible(bool(text))
        self.hint.setStyleSheet(f"color: {theme.WARNING}" if editor.fault else "")

    def _fill(self, _value: object) -> None:
        editor, counting = self._editor, self._counting
        if not self.isVisible():
            return  # it is written when it is shown
        self.list.show_zones(editor.zones, counting.tallies, counting.inside)
        self.details.show_shape()
        self.save.setEnabled(len(editor.zones) > 0 or editor.zones.ground is not None)
        self.counts.setEnabled(len(editor.zones) > 0)
        self.point.setCurrentIndex(self.point.findData(editor.zones.point))
        self._say()

    def _say(self) -> None:
        counting, is_empty = self._counting, not len(self._editor.zones)
        is_at_it = counting.is_counting and not is_empty
        self.heading.setText("COUNTING…" if is_at_it else "LINES AND ZONES")
        if counting.note and not is_empty:
            text = counting.note
        elif counting.since_s is not None and not is_empty:
            text = f"Counted since {clock(counting.since_s)}; what came before is too long ago."
        else:
            text = EMPTY if is_empty and not self._editor.tool else ""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def showEvent(self, _event: object) -> None:
        self._fill(None)


def _heading(text: str) -> QLabel:
    label = QLabel(text.upper())
    label.setObjectName("heading")
    return label


def _note(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setObjectName("hint")
    label.setWordWrap(True)
    return label
