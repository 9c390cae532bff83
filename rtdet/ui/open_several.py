"""Asks for several sources that are to be seen side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rtdet.ui import dialogs, theme
from rtdet.ui.icons import icon
from rtdet.viewer.names import videos_folder
from rtdet.viewer.window import WindowState

_EXAMPLE = "rtsp://camera.local/stream\nwebcam:0\nstreet.mp4"


class OpenSeveralDialog(QDialog):
    """A line for each source; `chosen` gets them."""

    def __init__(self, parent: QWidget, state: WindowState, chosen: Callable[[Sequence[str]], None]) -> None:
        super().__init__(parent)
        self._state = state
        self.setWindowTitle("Open several")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(520)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(theme.SPACE)
        column.addWidget(QLabel("Sources to see side by side, one a line: addresses, cameras, files"))
        self.field = QPlainTextEdit()
        self.field.setPlaceholderText(_EXAMPLE)
        self.field.setAccessibleName("Sources")
        self.field.setTabChangesFocus(True)
        self.field.setMinimumHeight(150)
        column.addWidget(self.field)
        row = QHBoxLayout()
        add = QPushButton(" Add files…")
        add.setIcon(icon("folder"))
        add.clicked.connect(self.add_files)
        row.addWidget(add)
        hint = QLabel("Files dropped on the window with Ctrl held are opened side by side, too.")
        hint.setObjectName("hint")
        hint.setWordWrap(True)
        row.addWidget(hint, 1)
        column.addLayout(row)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Open | kinds.Cancel)
        button = buttons.button(kinds.Open)
        assert button is not None
        self.open_button = button
        button.setEnabled(False)
        self.field.textChanged.connect(lambda: button.setEnabled(bool(self.sources)))
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.accepted.connect(lambda: chosen(self.sources))

    @property
    def sources(self) -> tuple[str, ...]:
        """Those that are in the field now."""
        lines = (line.strip() for line in self.field.toPlainText().splitlines())
        return tuple(line for line in lines if line)

    def add_files(self) -> None:
        def chosen(paths: list[str]) -> None:
            self._state.last_folder = str(Path(paths[0]).parent)
            self.field.setPlainText("\n".join((*self.sources, *paths)))

        folder = self._state.last_folder or str(videos_folder())
        dialogs.ask_open(self, "Add videos or pictures", folder, dialogs.VIDEOS, chosen, several=True)
