"""Asks for one word: a class or an ID."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QCompleter, QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from rtdet.ui import theme


class AskDialog(QDialog):
    """One field; Enter gives `chosen` what was typed. `known`: what is proposed."""

    def __init__(
        self, parent: QWidget, title: str, label: str, known: Iterable[str], chosen: Callable[[str], None]
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(320)
        self._chosen = chosen
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(theme.SPACE)
        column.addWidget(QLabel(label))
        self.field = QLineEdit()
        self.field.setAccessibleName(label)
        completer = QCompleter(list(known), self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.field.setCompleter(completer)
        self.field.textChanged.connect(self._changed)
        column.addWidget(self.field)
        column.addSpacing(theme.SPACE)
        kinds = QDialogButtonBox.StandardButton
        self._buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        column.addWidget(self._buttons)
        self._changed("")

    def _changed(self, text: str) -> None:
        button = self._buttons.button(QDialogButtonBox.StandardButton.Ok)
        assert button is not None
        button.setEnabled(bool(text.strip()))

    def accept(self) -> None:
        text = self.field.text().strip()
        if text:
            super().accept()
            self._chosen(text)
