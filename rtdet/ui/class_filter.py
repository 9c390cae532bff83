"""The list of the model's classes, to be ticked: by groups where there are many, what was seen first."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rtdet.class_groups import grouped
from rtdet.ui.inputs import ARROWS, KeyKeeper
from rtdet.viewer.player import PlayerState

# A list that is seen at a glance needs no groups.
MOST_WITHOUT_GROUPS = 12
_FEW = 7  # classes
SEEN = "seen here"

_MEMBERS = Qt.ItemDataRole.UserRole


class ClassFilter(QWidget):
    """A checkable list of the model's classes. The tick of a group's line is that of all its classes."""

    def __init__(self, player: PlayerState) -> None:
        super().__init__()
        self._player = player
        self._filling = False
        self._shown: list[tuple[str, tuple[str, ...]]] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row = QHBoxLayout()
        self.heading = QLabel("CLASSES")
        self.heading.setObjectName("heading")
        row.addWidget(self.heading)
        row.addStretch()
        for text, tip, selection in (
            ("All", "Keep every class", None),
            ("None", "Keep no class, then tick the ones you want", frozenset[str]()),
        ):
            button = QPushButton(text)
            button.setObjectName("flat")
            button.setToolTip(tip)
            button.setAccessibleName(f"{text} classes")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _on, selection=selection: setattr(player, "selection", selection))
            row.addWidget(button)
        column.addLayout(row)
        self.list = QListWidget()
        self.list.setAccessibleName("Classes to keep")
        self.list.setToolTip("Only ticked classes are found, shown and recorded")
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        KeyKeeper(self.list, (*ARROWS, Qt.Key.Key_Space))
        column.addWidget(self.list)
        self.list.itemChanged.connect(self._ticked)
        player.watch("class_names", self._fill, now=True)
        player.watch("seen", self._fill)
        player.watch("selection", self._tick_all)

    def _fill(self, _value: object) -> None:
        """Writes the lines, unless they are there already: those of what was seen in between move up."""
        lines = list_lines(self._player.class_names, self._player.seen)
        if lines != self._shown:
            self._shown = lines
            self._write(lines)
        self._tick_all(None)

    def _write(self, lines: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        self._filling = True
        bar, current = self.list.verticalScrollBar(), self.list.currentItem()
        place, text = (0 if bar is None else bar.value()), (None if current is None else current.text())
        self.list.clear()
        for name, members in lines:
            item = QListWidgetItem(name)
            item.setFlags(
                Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable
            )
            item.setData(_MEMBERS, members)
            item.setCheckState(Qt.CheckState.Checked)
            if (name,) != members:
                font = item.font()
                font.setBold(True)
                item.setFont(font)
                item.setToolTip(f"Tick or untick all of: {', '.join(members)}")
            self.list.addItem(item)
            if name == text:
                self.list.setCurrentItem(item)
        # Few classes fit in without scrolling; the list of many is as high as there is room.
        rows = sum(self.list.sizeHintForRow(row) for row in range(min(self.list.count(), _FEW)))
        self.list.setMinimumHeight(max(rows + 12, 76))
        if bar is not None:
            bar.setValue(place)
        self._filling = False

    def _tick_all(self, _selection: object) -> None:
        self._filling = True
        player = self._player
        for row in range(self.list.count()):
            item = self.list.item(row)
            if item is not None:
                item.setCheckState(_state([player.keeps(name) for name in item.data(_MEMBERS)]))
        self._filling = False
        count, kept = len(player.class_names), sum(map(player.keeps, player.class_names))
        self.heading.setText("CLASSES" if kept == count else f"CLASSES  {kept} OF {count}")

    def _ticked(self, item: QListWidgetItem) -> None:
        if not self._filling:
            self._player.select(item.data(_MEMBERS), item.checkState() == Qt.CheckState.Checked)


def list_lines(class_names: Sequence[str], seen: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """The lines of the list, each with the classes that its tick is for: one for each class; with many of them also
    one for each group, in front of its classes, and before these a group of what was seen."""
    if len(class_names) <= MOST_WITHOUT_GROUPS:
        return [(name, (name,)) for name in class_names]
    there = tuple(name for name in seen if name in class_names)
    groups = {SEEN: there} if there else {}
    groups |= grouped([name for name in class_names if name not in there])
    lines: list[tuple[str, tuple[str, ...]]] = []
    for group, members in groups.items():
        # As a text of its own, so that a group is never taken for a class of the same name.
        lines.append((group.upper(), members))
        lines += [(name, (name,)) for name in members]
    return lines


def _state(kept: Sequence[bool]) -> Qt.CheckState:
    if all(kept):
        return Qt.CheckState.Checked
    return Qt.CheckState.PartiallyChecked if any(kept) else Qt.CheckState.Unchecked
