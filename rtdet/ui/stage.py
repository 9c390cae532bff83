"""The picture and what may lie over it: the hint while nothing is open, the button that plays again, the
note that something is loading or that a stream is reconnecting."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import (
    QApplication,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rtdet.ui import theme
from rtdet.ui.banner import Banner, Pill
from rtdet.ui.icons import icon, pixmap
from rtdet.ui.video_view import VideoView
from rtdet.viewer.condition import condition_of
from rtdet.viewer.player import Phase, PlayerState
from rtdet.viewer.window import WindowState


class Stage(QWidget):
    def __init__(
        self,
        player: PlayerState,
        window: WindowState,
        *,
        open_file: Callable[[], None],
        open_address: Callable[[], None],
        open_source: Callable[[str], None],
        replay: Callable[[], None],
        retry: Callable[[], None],
    ) -> None:
        super().__init__()
        self._player, self._is_tile = player, False
        self.view = VideoView(player, window)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.view, 0, 0)
        self.empty = _empty(open_file, open_address, open_source)
        grid.addWidget(self.empty, 0, 0, Qt.AlignmentFlag.AlignCenter)
        self.replay_button = QPushButton("  Play again")
        self.replay_button.setObjectName("primary")
        self.replay_button.setIcon(icon("replay", theme.ON_ACCENT))
        self.replay_button.setIconSize(QSize(22, 22))
        self.replay_button.setMinimumHeight(44)
        self.replay_button.setToolTip("Play from the beginning (Space)")
        self.replay_button.clicked.connect(lambda: replay())
        self.replay_button.setParent(self)
        self.replay_button.adjustSize()
        self.pill = Pill(self)
        self.banner = Banner(player, retry, self)  # over the picture, which so keeps its size and place
        for name in ("phase", "loading", "reconnecting", "trouble", "source_info"):
            player.watch(name, self._changed)
        player.watch("rates", self._look_for_loss)
        player.watch("message", self._place)
        self._changed(None)

    @property
    def is_tile(self) -> bool:
        """Whether the picture is one of several: the mouse goes to the tile that it is in, which says what else there
        is to be said."""
        return self._is_tile

    @is_tile.setter
    def is_tile(self, is_tile: bool) -> None:
        self._is_tile = is_tile
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, is_tile)
        self.view.is_tile = is_tile
        self.banner.is_wanted = not is_tile
        self._changed(None)

    def _changed(self, _value: object) -> None:
        player, info = self._player, self._player.source_info
        if player.phase is Phase.EMPTY:
            self.view.clear()
        self._look_for_loss(None)
        focused = QApplication.focusWidget()
        self.empty.setVisible(player.phase is Phase.EMPTY and not player.loading and not self._is_tile)
        is_still = info is not None and (info.are_pictures or info.frame_count == 1)
        ended = player.phase is Phase.ENDED and not player.loading and not is_still
        self.replay_button.setVisible(ended and not self._is_tile)
        if focused is not None and self.isAncestorOf(focused) and not focused.isVisibleTo(self):
            self.view.setFocus()
        waits = player.loading or ("Reconnecting…" if player.reconnecting else "")
        self.pill.say("" if self._is_tile else waits)
        self._place()

    def _look_for_loss(self, _value: object) -> None:
        """A picture that is not what can be seen there now is grey."""
        info = self._player.source_info
        self.view.is_gray = info is not None and info.is_live and condition_of(self._player).is_lost

    def _place(self, _value: object = None) -> None:
        banner, width = self.banner, self.width()
        height = max(banner.heightForWidth(width), 44)
        banner.setGeometry(0, 0, width, height)
        top = height if banner.isVisibleTo(self) else 0
        # Below, where it does not hide what the last picture shows.
        button = self.replay_button
        button.move((width - button.width()) // 2, self.height() - button.height() - 24)
        self.pill.move((width - self.pill.width()) // 2, top + 16)

    def resizeEvent(self, _event: QResizeEvent | None) -> None:
        self._place()


def _empty(
    open_file: Callable[[], None], open_address: Callable[[], None], open_source: Callable[[str], None]
) -> QWidget:
    box = QWidget()
    box.setObjectName("empty")
    column = QVBoxLayout(box)
    column.setSpacing(theme.SPACE)
    sign = QLabel()
    sign.setPixmap(pixmap("app", 72, theme.DISABLED, 2.0))
    title = QLabel("Drop a video here")
    title.setObjectName("emptyTitle")
    hint = QLabel("or open a file, camera or network stream")
    hint.setObjectName("hint")
    for label in (sign, title, hint):
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(label)
    column.addSpacing(theme.SPACE)
    row = QHBoxLayout()
    row.setSpacing(theme.SPACE)
    for text, sign_name, tip, act in (
        ("Open file…", "folder", "Open a video, a picture or an animation", open_file),
        ("First camera", "camera", "Open the first camera", lambda: open_source("webcam")),
        ("Address…", "link", "Open a network stream (rtsp, http, udp)", open_address),
        ("Demo", "play", "Play the built-in street scene", lambda: open_source("demo")),
    ):
        button = QPushButton(f" {text}")
        button.setIcon(icon(sign_name))
        button.setToolTip(tip)
        button.clicked.connect(lambda _checked, act=act: act())
        row.addWidget(button)
    column.addLayout(row)
    return box
