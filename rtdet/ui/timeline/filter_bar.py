"""The line above the lanes: which tracks have one."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QResizeEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QMenu, QSizePolicy, QToolButton

from rtdet.ui.icons import icon
from rtdet.ui.inputs import CalmComboBox, KeyKeeper
from rtdet.viewer.review import Review
from rtdet.viewer.timeline.lanes import searched
from rtdet.viewer.timeline.state import Timeline

# Text, and the shortest and longest time of a track.
LENGTHS: tuple[tuple[str, float, float | None], ...] = (
    ("Any length", 0.0, None),
    ("From 1 s", 1.0, None),
    ("From 5 s", 5.0, None),
    ("From 20 s", 20.0, None),
    ("Up to 1 s", 0.0, 1.0),
    ("Up to 5 s", 0.0, 5.0),
)
EVERYWHERE = "Everywhere"
_ROOM_FOR_ALL = 760


class FilterBar(QFrame):
    """found: Enter was pressed in the search, and there is such a track."""

    found = pyqtSignal(int)

    def __init__(self, timeline: Timeline, review: Review) -> None:
        super().__init__()
        self.setObjectName("filterBar")
        self._timeline, self._review = timeline, review
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 4)
        row.setSpacing(6)
        self.search = QLineEdit()
        self.search.setPlaceholderText("ID")
        self.search.setAccessibleName("Search by ID")
        self.search.setToolTip("Lanes of these IDs only, as in 7 or 7, 12-15; Enter goes there (Ctrl+F)")
        self.search.setClearButtonEnabled(True)
        for button in self.search.findChildren(QToolButton):
            button.setAccessibleName("Clear the search")
            button.setToolTip("Clear the search")
        self.search.setFixedWidth(110)
        self.search.textChanged.connect(self._search_changed)
        self.search.returnPressed.connect(self._go_to_found)
        row.addWidget(self.search)
        self.classes = ClassButton(timeline)
        row.addWidget(self.classes)
        self.length = CalmComboBox("Length of the tracks", "Lanes of tracks that are there for so long")
        for text, _, _ in LENGTHS:
            self.length.addItem(text)
        self.length.activated.connect(self._length_chosen)
        row.addWidget(self.length)
        self.zone = CalmComboBox("Zone", "Lanes of tracks that were in this zone")
        self.zone.activated.connect(self._zone_chosen)
        row.addWidget(self.zone)
        self.count = QLabel()
        self.count.setObjectName("hint")
        self.count.setAccessibleName("Lanes")
        self.count.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.count, 1)
        review.watch("zones", self._fill_zones, now=True)
        timeline.watch("view", self._counted, now=True)

    def add_button(self, action: QAction, text: str = "") -> QToolButton:
        """Adds a button at the right end."""
        button = QToolButton()
        button.setDefaultAction(action)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(action.iconText())
        if text:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        else:
            button.setIconSize(QSize(18, 18))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        KeyKeeper(button, (Qt.Key.Key_Space,))
        layout = self.layout()
        assert layout is not None
        layout.addWidget(button)
        return button

    def _search_changed(self, text: str) -> None:
        self._timeline.sift(search=text)

    def _go_to_found(self) -> None:
        lanes = self._timeline.lanes
        if searched(self.search.text()) and len(lanes.shown):
            self.found.emit(int(lanes.spans.ids[lanes.shown[0]]))

    def _length_chosen(self, place: int) -> None:
        _, least_s, most_s = LENGTHS[place]
        self._timeline.sift(least_s=least_s, most_s=most_s)

    def _zone_chosen(self, _place: int) -> None:
        self._timeline.choose_zone(self.zone.currentData(), self._review.zones)

    def _fill_zones(self, zones: dict[str, frozenset[int]]) -> None:
        chosen = self.zone.currentData()
        self.zone.clear()
        self.zone.addItem(EVERYWHERE, None)
        for name in zones:
            self.zone.addItem(name, name)
        self.zone.setCurrentIndex(max(self.zone.findData(chosen), 0))
        self.zone.setVisible(bool(zones))
        self._timeline.choose_zone(self.zone.currentData(), zones)

    def _counted(self, _view: int) -> None:
        lanes = self._timeline.lanes
        shown, total = len(lanes.shown), len(lanes.spans)
        whole = f"{total:,} track{'' if total == 1 else 's'}"
        self.count.setText("" if not total else whole if shown == total else f"{shown:,} of {whole}")

    def resizeEvent(self, _event: QResizeEvent | None) -> None:
        is_wide = self.width() >= _ROOM_FOR_ALL
        self.length.setVisible(is_wide or self.width() >= _ROOM_FOR_ALL - 160)
        self.zone.setVisible(is_wide and bool(self._review.zones))


class ClassButton(QToolButton):
    """A menu of the classes of the tracks, to be ticked."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self.setObjectName("choice")
        self.setAccessibleName("Classes of the lanes")
        self.setToolTip("Lanes of these classes")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setIcon(icon("filter"))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        KeyKeeper(self, (Qt.Key.Key_Space,))
        self._timeline = timeline
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill)
        self.setMenu(self._menu)
        timeline.watch("view", self._say, now=True)

    def _fill(self) -> None:
        self._menu.clear()
        chosen = self._timeline.filter.classes
        everything = QAction("All classes", self._menu)
        everything.setCheckable(True)
        everything.setChecked(chosen is None)
        everything.triggered.connect(self._all_chosen)
        self._menu.addAction(everything)
        self._menu.addSeparator()
        for name in self._timeline.spans.classes():
            action = QAction(name.replace("&", "&&"), self._menu)
            action.setData(name)
            action.setCheckable(True)
            action.setChecked(chosen is not None and name in chosen)
            action.toggled.connect(self._ticked)
            self._menu.addAction(action)

    def _all_chosen(self) -> None:
        self._timeline.sift(classes=None)

    def _ticked(self, _is_on: bool) -> None:
        names = [action.data() for action in self._menu.actions() if action.data() and action.isChecked()]
        self._timeline.sift(classes=frozenset(names) or None)

    def _say(self, _view: int) -> None:
        chosen = self._timeline.filter.classes
        text = "All classes" if chosen is None else ", ".join(sorted(chosen))
        self.setText(text if len(text) <= 18 else f"{len(chosen or ())} classes")
