"""What can be done to the line or zone that is selected."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QIcon, QPixmap
from PyQt6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rtdet.counting import Line
from rtdet.ui.icons import icon
from rtdet.ui.inputs import KeyKeeper
from rtdet.ui.zone_painting import color_of_shape
from rtdet.ui.zone_tools import UndoKeys
from rtdet.viewer.zone_editor import ZoneEditor


class ZoneDetails(QWidget):
    """Its colour, name, side, directions and classes; hidden where nothing is selected."""

    def __init__(
        self, editor: ZoneEditor, rename: Callable[[], None], pick_color: Callable[[], None]
    ) -> None:
        super().__init__()
        self._editor = editor
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        row = QHBoxLayout()
        row.setSpacing(2)
        self.color = _tool("", "Colour", "Choose another colour", pick_color)
        self.name = _tool("", "Rename", "Give another name (F2)", rename)
        self.name.setText("Rename")
        self.turn = _tool("turn", "Turn around", "Count the other way round: in is out", self._turn)
        self.delete = _tool("delete", "Delete", "Delete it (Del)", lambda: self._editor.delete())
        for button in (self.color, self.name, self.turn):
            row.addWidget(button)
        row.addStretch()
        row.addWidget(self.delete)
        column.addLayout(row)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(6)
        self.first = _field("First direction", "What going to the side of the arrow is called")
        self.second = _field("Second direction", "What going the other way is called")
        self.classes = _field(
            "Classes that count", "Classes or groups that count here, with commas between them"
        )
        self.classes.setPlaceholderText("all classes")
        self._directions = QLabel("Directions")
        self._grid.addWidget(self._directions, 0, 0)
        self._grid.addWidget(self.first, 0, 1)
        self._grid.addWidget(self.second, 0, 2)
        self._grid.addWidget(QLabel("Counts"), 1, 0)
        self._grid.addWidget(self.classes, 1, 1, 1, 2)
        column.addLayout(self._grid)
        for field in (self.first, self.second):
            field.editingFinished.connect(self._directions_typed)
        self.classes.editingFinished.connect(self._classes_typed)
        self._of: object = None
        UndoKeys(self, self._editor, self.color, self.name, self.turn, self.delete)

    def show_shape(self) -> None:
        shape = self._editor.chosen
        self.setVisible(shape is not None)
        if shape is None:
            self._of = None
            return
        if shape is self._of:
            return
        self._of = shape
        swatch = QPixmap(32, 32)
        swatch.fill(QColor(color_of_shape(self._editor, shape.name)))
        self.color.setIcon(QIcon(swatch))
        is_line = isinstance(shape, Line)
        for widget in (self.turn, self._directions, self.first, self.second):
            widget.setVisible(is_line)
        if isinstance(shape, Line):
            self.first.setText(shape.directions[0])
            self.second.setText(shape.directions[1])
        self.classes.setText(", ".join(shape.classes))

    def _turn(self) -> None:
        if self._editor.selected is not None:
            self._editor.turn(self._editor.selected)

    def _directions_typed(self) -> None:
        name, texts = self._editor.selected, (self.first.text().strip(), self.second.text().strip())
        shape = self._editor.chosen
        if name is None or not isinstance(shape, Line) or texts == shape.directions:
            return
        if not all(texts) or not self._editor.describe(name, directions=texts):
            self._of = None
            self.show_shape()

    def _classes_typed(self) -> None:
        name, shape = self._editor.selected, self._editor.chosen
        classes = tuple(text.strip() for text in self.classes.text().split(",") if text.strip())
        if name is not None and shape is not None and classes != shape.classes:
            self._editor.describe(name, classes=classes)


def _tool(sign: str, name: str, tip: str, act: Callable[[], None]) -> QToolButton:
    button = QToolButton()
    if sign:
        button.setIcon(icon(sign))
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(lambda: act())
    KeyKeeper(button, (Qt.Key.Key_Space,))
    return button


def _field(name: str, tip: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setToolTip(tip)
    field.setMaxLength(200)
    field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    field.setStyleSheet("padding: 4px 6px;")
    return field
