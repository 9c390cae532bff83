"""Help > This computer: what `rtdet doctor` prints, in a dialog. The examination runs in a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QSize, Qt, QTimer
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from rtdet.address import redact
from rtdet.doctor.report import NOTE, OK, PROBLEM, Finding, Part, Report
from rtdet.ui import theme
from rtdet.ui.screens import bounded_by_screen

POLL_MS = 100
SIZE = QSize(860, 680)
MARKS = {OK: ("✓", theme.GOOD), NOTE: ("!", theme.WARNING), PROBLEM: ("✗", theme.DANGER)}

Examine = Callable[[Callable[[str], object]], Report]


class ThisComputerDialog(QDialog):
    """Examines the computer when it opens and whenever it is asked to look again.

    run: runs `work` in a thread of its own and calls `done(result)` or `failed(error)` in this one (Jobs.run).
    """

    def __init__(self, parent: QWidget | None, examine: Examine, run: Callable[..., Any]) -> None:
        super().__init__(parent)
        self.setWindowTitle("This computer")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.report: Report | None = None
        self._examine, self._run = examine, run
        self._title, self._is_open = "", True  # the title is written by the worker
        self._lay_out()
        self._poll = QTimer(self)
        self._poll.setInterval(POLL_MS)
        self._poll.timeout.connect(self._show_progress)
        self.finished.connect(self._closed)
        self.resize(bounded_by_screen(SIZE, parent or self))
        self.look()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 16, 0, 16)
        column.setSpacing(theme.SPACE)
        self.headline = QLabel()
        self.headline.setObjectName("emptyTitle")
        self.headline.setContentsMargins(24, 0, 24, 0)
        column.addWidget(self.headline)
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        column.addWidget(self.bar)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column.addWidget(self.area, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.setContentsMargins(24, 0, 24, 0)
        self.copy_button = QPushButton("Copy")
        self.copy_button.setToolTip("Copy the report as text")
        self.again_button = QPushButton("Look again")
        for button, slot in ((self.copy_button, self.copy), (self.again_button, self.look)):
            buttons.addButton(button, QDialogButtonBox.ButtonRole.ActionRole)
            button.clicked.connect(slot)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def look(self) -> None:
        """Examines the computer, unless that goes on already."""
        if self._poll.isActive():
            return
        self._set_busy(True)
        self._run(lambda: self._examine(self._began), done=self._show, failed=self._failed, is_awaited=False)

    def copy(self) -> None:
        """Puts the report on the clipboard, as text."""
        clipboard = QGuiApplication.clipboard()
        if self.report is not None and clipboard is not None:
            clipboard.setText("\n".join(self.report.lines()) + "\n")
            self.copy_button.setText("Copied")

    def _began(self, title: str) -> None:
        self._title = title  # in the worker, which touches nothing of Qt's

    def _show_progress(self) -> None:
        part = f": {self._title.lower()}" if self._title else ""
        self.headline.setText(f"Looking at this computer{part}…")

    def _set_busy(self, is_busy: bool) -> None:
        self.bar.setVisible(is_busy)
        self.copy_button.setEnabled(not is_busy)
        self.copy_button.setText("Copy")
        self.again_button.setEnabled(not is_busy)
        if is_busy:
            self._title = ""
            self._show_progress()
            self._poll.start()
        else:
            self._poll.stop()

    def _show(self, report: Report) -> None:
        if not self._is_open:
            return
        self.report = report
        self._set_busy(False)
        self.headline.setText(f"{report.summary[0].upper()}{report.summary[1:]}")
        self.area.setWidget(_page(report))

    def _failed(self, error: Exception) -> None:
        if self._is_open:
            self._set_busy(False)
            self.headline.setText(f"It could not be looked at: {redact(str(error))}")

    def _closed(self) -> None:
        self._is_open = False
        self._poll.stop()


def _page(report: Report) -> QWidget:
    page = QWidget()
    page.setObjectName("keys")
    grid = QGridLayout(page)
    grid.setContentsMargins(24, 4, 24, 8)
    grid.setHorizontalSpacing(14)
    grid.setVerticalSpacing(5)
    grid.setColumnStretch(2, 1)
    row = 0
    for part in report.parts:
        row = _add_part(grid, row, part)
    grid.setRowStretch(row, 1)
    return page


def _add_part(grid: QGridLayout, row: int, part: Part) -> int:
    heading = QLabel(part.title.upper())
    heading.setObjectName("heading")
    grid.addWidget(heading, row, 0, 1, 3, Qt.AlignmentFlag.AlignBottom)
    grid.setRowMinimumHeight(row, 32)
    for finding in part.findings:
        row += 1
        _add_finding(grid, row, finding)
    return row + 1


def _add_finding(grid: QGridLayout, row: int, finding: Finding) -> None:
    sign, color = MARKS[finding.state]
    mark, name = QLabel(sign), QLabel(finding.name)
    mark.setStyleSheet(f"color: {color}; font-weight: 600")
    mark.setAccessibleName(finding.state)
    name.setTextFormat(Qt.TextFormat.PlainText)
    top = Qt.AlignmentFlag.AlignTop
    grid.addWidget(mark, row, 0, top)
    grid.addWidget(name, row, 1, top)
    lines = QVBoxLayout()
    lines.setSpacing(1)
    lines.addWidget(_text(finding.text, theme.TEXT))
    if finding.remedy:
        lines.addWidget(_text(f"→ {finding.remedy}", theme.ACCENT))
    grid.addLayout(lines, row, 2)


def _text(words: str, color: str) -> QLabel:
    label = QLabel(redact(words))
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setStyleSheet(f"color: {color}")
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    return label
