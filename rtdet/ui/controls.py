"""The panel on the right: model and tracker, thresholds, classes, what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rtdet.ui import theme
from rtdet.ui.class_filter import ClassFilter
from rtdet.ui.icons import icon
from rtdet.ui.input_size import IS_KEPT_RUN, InputSizeChooser
from rtdet.ui.inputs import CalmComboBox, JumpSlider, KeyKeeper
from rtdet.ui.watching import watch
from rtdet.viewer.player import PlayerState
from rtdet.viewer.watched import WatchedState
from rtdet.viewer.window import WindowState

WIDTH = 272
_MODEL = "The network that detects objects"
_BROWSE = "Use a model from a file (.safetensors .onnx .xml .pth .cfg)"
_SHOWN = (
    ("show_boxes", "Boxes", "Draw a box around each object (B)"),
    ("show_labels", "Names, IDs and scores", "Label each box with its class, ID and score (N)"),
    ("show_trails", "Trails", "Draw the path of each object over the last two seconds (T)"),
    (
        "show_zones",
        "Lines, zones and counts",
        "Draw the lines and zones of this source, with their counts (Z)",
    ),
    ("show_numbers", "Numbers on the picture", "Show frame rates and the picture's age on the picture (I)"),
)


def scrolling_column(panel: QWidget, top: int = 14) -> QVBoxLayout:
    """The column of a panel at the window's side, which scrolls where a low window has no room for all of it."""
    panel.setObjectName("panel")
    panel.setFixedWidth(WIDTH)
    outer = QVBoxLayout(panel)
    outer.setContentsMargins(0, 0, 0, 0)
    area = QScrollArea(panel)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    outer.addWidget(area)
    body = QWidget()
    body.setObjectName("panelBody")
    area.setWidget(body)
    column = QVBoxLayout(body)
    column.setContentsMargins(16, top, 16, 14)
    column.setSpacing(theme.SPACE)
    return column


class Panel(QFrame):
    def __init__(
        self,
        player: PlayerState,
        window: WindowState,
        models: Sequence[str],
        trackers: Sequence[str],
        browse_model: Callable[[], None],
    ) -> None:
        super().__init__()
        column = scrolling_column(self)

        column.addWidget(_heading("Model"))
        self.model = Chooser(player, "model", models, "Model", _MODEL)
        browse = QToolButton()
        browse.setIcon(icon("folder"))
        browse.setAccessibleName("Open model file")
        browse.setToolTip(_BROWSE)
        browse.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        browse.clicked.connect(lambda: browse_model())
        KeyKeeper(browse, (Qt.Key.Key_Space,))
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.model, 1)
        row.addWidget(browse)
        column.addLayout(row)
        self.browse = browse
        player.watch("is_kept_run", self._kept_run_opened, now=True)
        self.input_size = InputSizeChooser(player)
        column.addWidget(self.input_size)
        column.addSpacing(theme.SPACE)
        column.addWidget(_heading("Tracker"))
        self.tracker = Chooser(
            player, "tracker", trackers, "Tracker", "The method that gives each object a lasting ID"
        )
        column.addWidget(self.tracker)
        self.camera_motion = Check(
            player,
            "camera_motion",
            "Moving camera",
            "For a moving camera: estimate its motion from the picture and correct the tracks for it",
        )
        column.addWidget(self.camera_motion)
        column.addSpacing(theme.SPACE)
        column.addWidget(_heading("Thresholds"))
        self.confidence = Fraction(
            player,
            "confidence",
            "Confidence",
            "Lowest score of a new object; a tracker may follow it through lower ones",
        )
        self.iou = Fraction(
            player,
            "iou",
            "Overlap (IoU)",
            "Of boxes of one class that overlap by more, only the best is kept",
        )
        column.addWidget(self.confidence)
        column.addWidget(self.iou)
        column.addSpacing(theme.SPACE)
        self.classes = ClassFilter(player)
        column.addWidget(self.classes, 1)
        column.addSpacing(theme.SPACE)
        column.addWidget(_heading("Show"))
        self.checks = {}
        for field, text, tip in _SHOWN:
            self.checks[field] = Check(window, field, text, tip)
            column.addWidget(self.checks[field])

    def _kept_run_opened(self, is_kept_run: bool) -> None:
        for chooser, tip in ((self.model, _MODEL), (self.browse, _BROWSE)):
            chooser.setEnabled(not is_kept_run)
            chooser.setToolTip(IS_KEPT_RUN if is_kept_run else tip)


class Check(QCheckBox):
    """A check box, bound to one field of the state."""

    def __init__(self, state: WatchedState, field: str, text: str, tip: str) -> None:
        super().__init__(text)
        self.setToolTip(tip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        KeyKeeper(self, (Qt.Key.Key_Space,))
        watch(self, state, field, self.setChecked, now=True)
        self.toggled.connect(lambda on: setattr(state, field, on))


class Chooser(CalmComboBox):
    """Names to choose from, bound to one field of the state; a name that is not in the list is added."""

    def __init__(self, state: WatchedState, field: str, names: Sequence[str], title: str, tip: str) -> None:
        super().__init__(title, tip)
        for name in names:
            self.addItem(name, name)
        self.activated.connect(lambda _row: setattr(state, field, self.currentData()))
        state.watch(field, self._show, now=True)

    def _show(self, name: str) -> None:
        row = self.findData(name)
        if row < 0:
            self.addItem(Path(name).name, name)
            row = self.count() - 1
            self.setItemData(row, name, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(row)


class Fraction(QWidget):
    """A slider from 0 to 1 in hundredths, bound to one field of the state."""

    def __init__(self, state: WatchedState, field: str, title: str, tip: str) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        row = QHBoxLayout()
        self.number = QLabel()
        self.number.setObjectName("value")
        row.addWidget(QLabel(title))
        row.addStretch()
        row.addWidget(self.number)
        self.slider = JumpSlider(title, tip)
        self.slider.setRange(0, 100)
        self.slider.setPageStep(5)
        column.addLayout(row)
        column.addWidget(self.slider)
        state.watch(field, self._show, now=True)
        self.slider.valueChanged.connect(lambda value: self._set(state, field, value))

    def _set(self, state: WatchedState, field: str, value: int) -> None:
        if round(getattr(state, field) * 100) != value:  # a finer value set elsewhere is not rounded off
            setattr(state, field, value / 100)

    def _show(self, value: float) -> None:
        self.slider.setValue(round(value * 100))
        self.number.setText(f"{value:.2f}")


def _heading(text: str) -> QLabel:
    label = QLabel(text.upper())
    label.setObjectName("heading")
    return label
