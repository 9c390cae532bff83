"""The size of the network's input: what it may be, what it costs, or why it cannot be changed."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from rtdet.ui.inputs import CalmComboBox
from rtdet.viewer.input_sizes import advice_on, choices_of
from rtdet.viewer.player import PlayerState

_TIP = "Pixels of the longer side of what the network sees"
IS_KEPT_RUN = "A kept run has what its model found"


class _TwoLines(QLabel):
    """A text that is wrapped in two lines and always as high as these, so that nothing below it moves."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("hint")
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.ensurePolished()
        self.setFixedHeight(2 * self.fontMetrics().lineSpacing())

    def hasHeightForWidth(self) -> bool:
        """No: a layout with such a widget takes its preferred height for its least one."""
        return False


class InputSizeChooser(QWidget):
    """A chooser with a line of advice below it, bound to the player's `imgsz`."""

    def __init__(self, player: PlayerState) -> None:
        super().__init__()
        self._player = player
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row = QHBoxLayout()
        row.addWidget(QLabel("Input size"))
        self.box = CalmComboBox("Input size", _TIP)
        row.addWidget(self.box, 1)
        column.addLayout(row)
        self.advice = _TwoLines()
        column.addWidget(self.advice)
        self.box.activated.connect(lambda _row: setattr(player, "imgsz", self.box.currentData()))
        for name in ("input_size", "imgsz", "is_kept_run"):
            player.watch(name, self._show)
        self._show(None)

    def _show(self, _value: object) -> None:
        size, imgsz = self._player.input_size, self._player.imgsz
        choices = choices_of(size, imgsz)
        self.box.clear()
        for choice in choices:
            self.box.addItem(choice.text, choice.imgsz)
        self.box.setCurrentIndex(max(self.box.findData(imgsz), 0))
        advice = IS_KEPT_RUN if self._player.is_kept_run else advice_on(size, imgsz)
        can_choose = len(choices) > 1 and not self._player.is_kept_run
        self.box.setEnabled(can_choose)
        self.advice.setText(advice)
        self.box.setToolTip(_TIP if can_choose else advice)
