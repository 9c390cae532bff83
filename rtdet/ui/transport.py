"""The bar below the picture: play, step, time; record and snapshot. And the line of numbers below that."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QAction, QResizeEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton

from rtdet.address import hide_secrets
from rtdet.types import SourceInfo
from rtdet.ui import theme
from rtdet.ui.icons import icon
from rtdet.ui.inputs import JumpSlider, KeyKeeper
from rtdet.ui.speed import SpeedButton
from rtdet.viewer.names import short_name
from rtdet.viewer.player import Phase, PlayerState, Rates
from rtdet.viewer.rates import age_text, clock

NARROW = 640  # in which there is no room for the number of the frame

_AGE = "Age of the picture on screen: the time since it was captured"


class Transport(QFrame):
    def __init__(
        self, player: PlayerState, actions: Mapping[str, QAction], seek: Callable[[float], None]
    ) -> None:
        super().__init__()
        self.setObjectName("transport")
        self._player, self._seek = player, seek
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 10, 6)
        row.setSpacing(4)
        for name in ("play", "step"):
            row.addWidget(_button(actions[name]))
        self.time = QLabel("0:00")
        self.time.setObjectName("time")
        self.time.setAccessibleName("Position")
        self.frame = QLabel()
        self.frame.setObjectName("time")
        self.frame.setAccessibleName("Frame")
        self.frame.setToolTip("The number of the frame on screen, counted from 1 as in track files")
        self.slider = JumpSlider("Time", "Go to a time in the file")
        self.slider.setEnabled(False)
        self.duration = QLabel("")
        self.duration.setObjectName("time")
        self.duration.setAccessibleName("Duration")
        for label, width in ((self.time, 58), (self.frame, 84), (self.duration, 58)):
            label.setMinimumWidth(width)
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.speed = SpeedButton(player)
        row.addWidget(self.time)
        row.addWidget(self.frame)
        row.addWidget(self.slider, 1)
        row.addWidget(self.duration)
        row.addWidget(self.speed)
        for name in ("loop", "snapshot", "record", "zones", "panel", "full_screen"):
            row.addWidget(_button(actions[name]))
        self.slider.sliderMoved.connect(lambda ms: seek(ms / 1000))
        self.slider.actionTriggered.connect(self._moved_by_key)
        for name in ("source_info", "phase", "reconnecting"):
            player.watch(name, self._source_changed)
        player.watch("position_s", self._position_changed)
        player.watch("frame_index", self._frame_changed, now=True)
        self._source_changed(None)

    def _frame_changed(self, index: int | None) -> None:
        self.frame.setText("" if index is None or self._player.are_pictures else f"frame {index + 1}")

    def resizeEvent(self, _event: QResizeEvent | None) -> None:
        self.frame.setVisible(self.width() >= NARROW)

    def _moved_by_key(self, _action: int) -> None:
        if not self.slider.isSliderDown():
            self._seek(self.slider.sliderPosition() / 1000)

    def _source_changed(self, _value: object) -> None:
        player = self._player
        can_seek, duration = player.can_seek, player.duration_s or 0.0
        self.slider.setEnabled(can_seek)
        self.slider.setRange(0, max(round(player.last_s * 1000), 1))
        self.slider.setSingleStep(1000)
        self.slider.setPageStep(max(round(duration * 100), 1000))
        is_live = player.source_info is not None and player.source_info.is_live
        if is_live:
            self.duration.setText("LOST" if player.reconnecting else "LIVE")
        else:
            self.duration.setText(clock(duration) if duration and not player.are_pictures else "")
        color = theme.WARNING if player.reconnecting else theme.GOOD
        self.duration.setStyleSheet(f"color: {color}" if is_live else "")
        self._position_changed(player.position_s)

    def _position_changed(self, t: float) -> None:
        # Tenths only where they can be read: while the picture stands.
        player, info = self._player, self._player.source_info
        if info is not None and info.are_pictures:
            self.time.setText(f"{player.picture_number} / {info.frame_count}")
        else:
            self.time.setText(clock(t, tenths=player.phase is Phase.PAUSED))
        if not self.slider.isSliderDown():
            self.slider.setValue(round(t * 1000) if self._player.can_seek else 0)


class StatusLine(QFrame):
    """The line that names what is open and how fast everything runs."""

    def __init__(self, player: PlayerState) -> None:
        super().__init__()
        self.setObjectName("status")
        self._player = player
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 4, 14, 4)
        row.setSpacing(18)
        self.source = QLabel()
        self.source.setAccessibleName("Source")
        self.recording = QLabel()
        self.recording.setAccessibleName("Recording")
        self.source.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row.addWidget(self.source, 1)
        row.addWidget(self.recording)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.numbers: dict[str, QLabel] = {}
        for name, tip in (
            ("capture", "Frames per second from the source"),
            ("inference", "Frames per second through the detector"),
            ("display", "Frames per second on screen"),
            ("age", _AGE),
            ("objects", "Objects on screen"),
            ("dropped", "Frames that never reached the detector"),
        ):
            self.numbers[name] = label = QLabel()
            label.setToolTip(tip)
            label.setAccessibleName(name.capitalize())
            row.addWidget(label)
        for name in ("source_info", "source", "name", "queue", "reconnecting", "loading", "file_name"):
            player.watch(name, self._source_changed)
        player.watch("position_s", self._position_changed)
        player.watch("recording", self._recording_changed)
        player.watch("rates", self._rates_changed)
        self._began = 0.0
        self._source_changed(None)
        self._rates_changed(player.rates)

    def _source_changed(self, _value: object) -> None:
        player, info = self._player, self._player.source_info
        nothing = player.loading or "Nothing is open"
        text = nothing if info is None else describe_source(info, player.name or player.source, player.queue)
        if info is not None and info.are_pictures:
            text = describe_picture(player)
        if player.reconnecting:
            text = f"RECONNECTING   {text}"
        self.source.setStyleSheet(f"color: {theme.WARNING}" if player.reconnecting else "")
        self.source.setText(text)
        self.source.setToolTip(
            hide_secrets(player.source) + (f"\n{info.detail}" if info is not None and info.detail else "")
        )

    def _position_changed(self, t: float) -> None:
        if self._player.are_pictures:
            self._source_changed(t)

    def _recording_changed(self, path: Path | None) -> None:
        self._began = time.monotonic()
        self.recording.setVisible(path is not None)
        self.recording.setToolTip("" if path is None else str(path))
        self._show_recording()

    def _show_recording(self) -> None:
        if self._player.recording is not None:
            self.recording.setText(f"●  REC {clock(time.monotonic() - self._began)}")
            self.recording.setStyleSheet(f"color: {theme.DANGER}; font-weight: 600")

    def _rates_changed(self, rates: Rates) -> None:
        self._show_recording()
        gave_up = f" ({rates.gave_up})" if rates.gave_up else ""
        self.numbers["age"].setToolTip(
            f"{_AGE}; its boxes are by a detection {age_text(rates.boxes_age_ms)} old"
        )
        for name, text in (
            ("capture", f"capture {rates.capture_fps:.1f}"),
            ("inference", f"inference {rates.inference_fps:.1f}{gave_up}"),
            ("display", f"display {rates.display_fps:.1f} fps"),
            ("age", f"age {age_text(rates.age_ms)}"),
            ("objects", f"{rates.objects} object{'' if rates.objects == 1 else 's'}"),
            ("dropped", f"{rates.dropped} dropped"),
        ):
            self.numbers[name].setText(text)
        self._fit()

    def resizeEvent(self, _event: QResizeEvent | None) -> None:
        self._fit()

    def _fit(self) -> None:
        """Hides the last numbers in a narrow window, so that the others fit; only the source's name may be cut."""
        row = self.layout()
        assert row is not None
        for label in self.numbers.values():
            label.setVisible(self._player.is_open)
        for name in ("dropped", "objects"):
            if row.totalSizeHint().width() + self.source.sizeHint().width() <= self.width():
                break
            self.numbers[name].hide()


def describe_source(info: SourceInfo, source: str, queue: Sequence[str] = ()) -> str:
    """street.mp4   1280 × 720   25 fps   h264 (software)   then beach.mp4 and 2 more"""
    name = short_name(info.name or source)
    name = name if len(name) <= 40 else f"{name[:37]}…"
    size = f"{info.width} \N{MULTIPLICATION SIGN} {info.height}"
    rate = f"{info.fps:.4g} fps" if info.fps else "variable rate"
    return "   ".join((name, size, rate, *filter(None, [info.decoder]), *_what_comes(queue)))


def _what_comes(queue: Sequence[str]) -> list[str]:
    more = f" and {len(queue) - 1} more" if len(queue) > 1 else ""
    return [f"then {short_name(one)}{more}" for one in queue[:1]]


def describe_picture(player: PlayerState) -> str:
    """IMG_1.jpg   1 / 5   holiday"""
    info = player.source_info
    assert info is not None
    folder = short_name(info.name or player.source)
    names = (player.file_name, f"{player.picture_number} / {info.frame_count}", folder)
    return "   ".join([name for name in dict.fromkeys(names) if name] + _what_comes(player.queue))


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setIconSize(QSize(22, 22))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(action.iconText())
    KeyKeeper(button, (Qt.Key.Key_Space,))
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    return button


def show_play_state(action: QAction, phase: Phase) -> None:
    """Gives the play button the icon and text of what a press would do."""
    name, text = {
        Phase.PLAYING: ("pause", "Pause"),
        Phase.ENDED: ("replay", "Play again"),
    }.get(phase, ("play", "Play"))
    action.setIcon(icon(name))
    action.setText(text)
    action.setToolTip(f"{text} (Space)")
    action.setEnabled(phase in (Phase.PLAYING, Phase.PAUSED, Phase.ENDED))
