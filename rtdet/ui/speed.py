"""The button that shows how fast a file plays, with a menu of speeds."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QActionGroup
from PyQt6.QtWidgets import QMenu, QToolButton

from rtdet.ui.inputs import KeyKeeper
from rtdet.viewer.player import SPEEDS, PlayerState


class SpeedButton(QToolButton):
    def __init__(self, player: PlayerState) -> None:
        super().__init__()
        self.setObjectName("speed")
        self.setAccessibleName("Speed of play")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        KeyKeeper(self, (Qt.Key.Key_Space,))
        self._player = player
        menu, group = QMenu(self), QActionGroup(self)
        self.choices = {}
        for speed in SPEEDS:
            action = menu.addAction(f"Normal ({text_of(speed)})" if speed == 1 else text_of(speed))
            assert action is not None
            action.setCheckable(True)
            action.triggered.connect(lambda _on, speed=speed: setattr(player, "speed", speed))
            group.addAction(action)
            self.choices[speed] = action
        self.setMenu(menu)
        player.watch("speed", self._show, now=True)
        player.watch("source_info", self._source_changed, now=True)

    def _show(self, speed: float) -> None:
        self.setText(text_of(speed))
        self.choices[speed].setChecked(True)

    def _source_changed(self, info: object) -> None:
        can_change = self._player.can_change_speed
        self.setEnabled(can_change)
        is_live = info is not None and not can_change
        tip = "Speed of play ([ slower, ] faster); recordings keep the source's own"
        self.setToolTip("A live source plays at its own speed" if is_live else tip)


def text_of(speed: float) -> str:
    return f"{speed:g}\N{MULTIPLICATION SIGN}"
