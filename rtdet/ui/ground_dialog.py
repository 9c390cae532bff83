"""Asks for the scale of the ground: where four points of it are in metres, or how many metres a pixel has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from rtdet.errors import SourceError
from rtdet.ground import scale_of
from rtdet.ui import theme
from rtdet.viewer.zone_shapes import Point

Set = Callable[[dict[str, Any]], None]
_RECTANGLE = ((0, 0), (1, 0), (1, 1), (0, 1))


class GroundDialog(QDialog):
    """One that tells what is wrong below its fields, and stays until it is right. `chosen` gets a zones file's
    "ground"."""

    def __init__(self, parent: QWidget, title: str, chosen: Set) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(400)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(20, 18, 20, 16)
        self.column.setSpacing(theme.SPACE)
        self._chosen = chosen
        self.hint = QLabel()
        self.hint.setObjectName("hint")
        self.hint.setWordWrap(True)

    def _add_buttons(self) -> None:
        self.column.addWidget(self.hint)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.button = buttons.addButton("Set scale", QDialogButtonBox.ButtonRole.AcceptRole)
        assert self.button is not None
        self.button.setObjectName("primary")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.column.addWidget(buttons)
        self._look()

    def description(self) -> dict[str, Any]:
        """The "ground" of what is typed. Raises ValueError for what is no number yet."""
        raise NotImplementedError

    def _look(self, _text: str = "") -> None:
        fault, is_number = "", True
        try:
            scale_of(self.description(), where="Not possible")
        except ValueError:
            is_number = False
        except SourceError as error:
            fault = str(error)
        assert self.button is not None
        self.button.setEnabled(is_number and not fault)
        self.hint.setText(fault or self.explanation)
        self.hint.setStyleSheet(f"color: {theme.WARNING}" if fault else "")

    explanation = ""

    def accept(self) -> None:
        assert self.button is not None
        if self.button.isEnabled():
            super().accept()
            self._chosen(self.description())


class PointsDialog(GroundDialog):
    """The metres of four points that were clicked."""

    explanation = (
        "Any two axes at right angles on the ground will do. Speeds and distances are then shown in metres."
    )

    def __init__(self, parent: QWidget, points: Sequence[Point], chosen: Set) -> None:
        super().__init__(parent, "Scale of the ground", chosen)
        self._points = points
        self.column.addWidget(
            QLabel("If the four points are the corners of a rectangle, in the order of clicks:")
        )
        row = QHBoxLayout()
        self.width_m, self.depth_m = _number("Metres from 1 to 2"), _number("Metres from 2 to 3")
        for text, field in (("1 to 2", self.width_m), ("2 to 3", self.depth_m)):
            row.addWidget(QLabel(text))
            row.addWidget(field)
            row.addWidget(QLabel("m"))
            row.addSpacing(theme.SPACE)
            field.textEdited.connect(self._rectangle_typed)
        row.addStretch()
        self.column.addLayout(row)
        self.column.addSpacing(theme.SPACE)
        self.column.addWidget(QLabel("Else where each of them is:"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.SPACE)
        self.metres: list[tuple[QLineEdit, QLineEdit]] = []
        for number in range(1, len(points) + 1):
            fields = _number(f"Point {number}, X in metres"), _number(f"Point {number}, Y in metres")
            grid.addWidget(QLabel(f"Point {number}"), number, 0)
            for column, (name, field) in enumerate(zip("XY", fields, strict=True)):
                grid.addWidget(QLabel(name), number, 1 + 3 * column)
                grid.addWidget(field, number, 2 + 3 * column)
                grid.addWidget(QLabel("m"), number, 3 + 3 * column)
                field.textChanged.connect(self._look)
            self.metres.append(fields)
        grid.setColumnStretch(7, 1)
        self.column.addLayout(grid)
        self._add_buttons()

    def _rectangle_typed(self, _text: str) -> None:
        for (right, down), (x, y) in zip(_RECTANGLE, self.metres, strict=True):
            x.setText(self.width_m.text() if right else "0")
            y.setText(self.depth_m.text() if down else "0")

    def description(self) -> dict[str, Any]:
        return {
            "points": [list(point) for point in self._points],
            "metres": [[_value(x), _value(y)] for x, y in self.metres],
        }


class PerPixelDialog(GroundDialog):
    """Metres per pixel, for a camera that looks straight down."""

    explanation = (
        "For a camera that looks straight down: 0.02 is two centimetres in each pixel of the source."
    )

    def __init__(self, parent: QWidget, now: float | None, chosen: Set) -> None:
        super().__init__(parent, "Metres per pixel", chosen)
        row = QHBoxLayout()
        self.field = _number("Metres per pixel")
        self.field.setText("" if now is None else f"{now:g}")
        row.addWidget(self.field)
        row.addWidget(QLabel("metres per pixel"))
        row.addStretch()
        self.column.addLayout(row)
        self.field.textChanged.connect(self._look)
        self._add_buttons()

    def description(self) -> dict[str, Any]:
        return {"metres_per_pixel": _value(self.field)}


def _number(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setFixedWidth(76)
    field.setMaxLength(20)
    return field


def _value(field: QLineEdit) -> float:
    """A number with a point or a comma. Raises ValueError."""
    return float(field.text().strip().replace(",", "."))
