"""Asks for a place to go to: a time or a frame."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from rtdet.types import SourceInfo
from rtdet.ui import theme
from rtdet.viewer.places import FORMS, Place, parse_place
from rtdet.viewer.rates import clock


class GoToDialog(QDialog):
    """One field; Enter goes there. What is no place is said below the field, and the dialog stays."""

    def __init__(self, parent: QWidget, info: SourceInfo, chosen: Callable[[Place], None]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Go to")
        self.setMinimumWidth(360)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(theme.SPACE)
        column.addWidget(QLabel("Time or frame"))
        self.field = QLineEdit()
        self.field.setAccessibleName("Time or frame")
        self.field.setPlaceholderText("75   1:15.2   #120")
        self.hint = QLabel()
        self.hint.setObjectName("hint")
        self.hint.setWordWrap(True)
        column.addWidget(self.field)
        column.addWidget(self.hint)
        column.addSpacing(theme.SPACE)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.button = buttons.addButton("Go", QDialogButtonBox.ButtonRole.AcceptRole)
        assert self.button is not None
        self.button.setObjectName("primary")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self._reaches = _reach_of(info)
        self._chosen = chosen
        self.field.textChanged.connect(self._look)
        self._look("")

    def _look(self, text: str) -> None:
        is_wrong = bool(text.strip()) and parse_place(text) is None
        assert self.button is not None
        self.button.setEnabled(bool(text.strip()) and not is_wrong)
        self.hint.setText(f"Type {FORMS}." if is_wrong else self._reaches)
        self.hint.setStyleSheet(f"color: {theme.WARNING}" if is_wrong else "")

    def accept(self) -> None:
        place = parse_place(self.field.text())
        if place is not None:
            super().accept()
            self._chosen(place)


def _reach_of(info: SourceInfo) -> str:
    """0:00 to 0:20.0, or frames #1 to #500"""
    time = f"Seconds, or minutes and seconds, up to {clock(info.duration_s or 0.0, tenths=True)}"
    return f"{time}; frames #1 to #{info.frame_count}." if info.frame_count else f"{time}."
