"""All of one source in the window: its picture, its commands, and, once somebody looks at it alone, the view with its
panels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import QObject, Qt
from PyQt6.QtWidgets import QWidget

from rtdet.ui import dialogs
from rtdet.ui.actions import Actions
from rtdet.ui.go_to import GoToDialog
from rtdet.ui.icons import icon
from rtdet.ui.input_size import IS_KEPT_RUN
from rtdet.ui.single_view import SingleView
from rtdet.ui.stage import Stage
from rtdet.ui.theme import DANGER
from rtdet.ui.transport import show_play_state
from rtdet.viewer.names import dated_path, pictures_folder, videos_folder
from rtdet.viewer.player import Phase
from rtdet.viewer.rates import rates_of
from rtdet.viewer.session import Session


@dataclass(frozen=True)
class Asking:
    """What a page asks of its window: to choose a file or an address to be opened, and the whole screen."""

    open_file: Callable[[], None]
    open_address: Callable[[], None]
    full_screen: Callable[[], None]


class SourcePage(QObject):
    """Holds the session of one source and what shows it.

    stage: the picture with what lies over it, in the single view or in a tile. actions: the commands of the source,
    and beyond them those of the window. single: the view of this source alone, None until it is wanted first.
    """

    def __init__(self, window: QWidget, session: Session, of_window: Actions, asking: Asking) -> None:
        super().__init__(window)
        self.session, self.player, self.state = session, session.player, session.window
        self._window = window
        self.actions = Actions(self, self.player, beyond=of_window)
        self.stage = Stage(
            self.player,
            self.state,
            open_file=asking.open_file,
            open_address=asking.open_address,
            open_source=session.play,
            replay=session.replay,
            retry=session.retry,
        )
        self.single: SingleView | None = None
        self._left: list[QWidget] = []
        session.sign_in.ask = lambda address, given: dialogs.SignInDialog(window, address, given).open()
        self._connect()
        self.stage.view.full_screen_wanted.connect(asking.full_screen)

    def _connect(self) -> None:
        session, player, view = self.session, self.player, self.stage.view
        self.actions.connect(
            snapshot=self.snapshot, snapshot_as=self.snapshot_as,
            record=session.toggle_recording, record_as=self.record_as,
            play=session.toggle_play, step=session.step, step_back=self._step_back,
            forward=lambda: session.seek(player.position_s + 5),
            back=lambda: session.seek(player.position_s - 5), start=lambda: session.seek(0.0),
            go_to=self.go_to, next_source=session.play_next,
            slower=lambda: player.change_speed(-1), faster=lambda: player.change_speed(1),
            normal_speed=lambda: setattr(player, "speed", 1.0),
            fit=view.fit, actual_size=view.actual_size,
            zoom_in=lambda: view.zoom(1.25), zoom_out=lambda: view.zoom(0.8),
        )  # fmt: skip
        player.watch("phase", self._phase_changed, now=True)
        player.watch("source_info", lambda _info: self._phase_changed(player.phase))
        player.watch("queue", self._queue_changed, now=True)
        player.watch("recording", self._recording_changed)

    @property
    def name(self) -> str:
        """For titles and the names of new files."""
        return self.player.name or self.player.source

    def enlarge(self) -> SingleView:
        """The view of this source alone, which is built when it is wanted first."""
        if self.single is None:
            self.single = SingleView(self.session, self.actions, self.stage, self.browse_model)
        return self.single

    def leave_with(self, widget: QWidget) -> None:
        """A widget of the source is shown no longer. It lives until the session has ended, which tells it things."""
        widget.hide()
        widget.setParent(None)
        self._left.append(widget)

    def discard(self) -> None:
        """Lets go of all that showed the source, once its session has ended."""
        for widget in self._left:
            widget.deleteLater()
        self._left.clear()
        self.deleteLater()

    # Time passes

    def tick(self) -> bool:
        """Takes what is new. Returns whether there was a picture."""
        return self.stage.view.tick(self.session.pipeline)

    def measure(self, *, is_seen: bool = True) -> None:
        """Renews the numbers on screen, and the picture of a source that is not on screen."""
        if not is_seen:
            self.tick()
        if self.single is not None:
            self.single.zoning.tools.look_at_picture()
        pipeline, view = self.session.pipeline, self.stage.view
        if pipeline is None:
            return
        playing = self.player.phase is Phase.PLAYING
        stats, objects = pipeline.stats(percentiles=False), len(view.visible_tracks)
        self.player.rates = rates_of(stats, stalled_ms=view.stalled_ms, objects=objects, playing=playing)

    # What the state says

    def _phase_changed(self, phase: Phase) -> None:
        show_play_state(self.actions["play"], phase)
        running = phase in (Phase.PLAYING, Phase.PAUSED)
        self.actions["step"].setEnabled(running)
        what = "picture" if self.player.are_pictures else "frame"
        self.actions["step"].setText(f"Next {what}")
        self.actions["step_back"].setText(f"Previous {what}")
        for name in ("record", "record_as"):
            self.actions[name].setEnabled(running or self.player.recording is not None)
        for name in ("snapshot", "snapshot_as"):
            self.actions[name].setEnabled(phase is not Phase.EMPTY)
        for name in ("step_back", "forward", "back", "start", "go_to"):
            self.actions[name].setEnabled(self.player.can_seek)
        for name in ("slower", "faster", "normal_speed"):
            self.actions[name].setEnabled(self.player.can_change_speed)

    def _queue_changed(self, queue: tuple[str, ...]) -> None:
        self.actions["next_source"].setEnabled(bool(queue))

    def _recording_changed(self, path: Path | None) -> None:
        action = self.actions["record"]
        action.setText("Stop recording" if path else "Record")
        action.setToolTip(f"Stop recording to {path} (R)" if path else "Record what is shown (R)")
        action.setIcon(icon("stop", DANGER) if path else icon("record"))
        self._phase_changed(self.player.phase)

    # What the user does

    def go_to(self) -> None:
        info = self.player.source_info
        if info is not None and self.player.can_seek:
            dialog = GoToDialog(self._window, info, self.session.go_to)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()

    def browse_model(self) -> None:
        def chosen(paths: list[str]) -> None:
            self.use_model(paths[0])

        dialogs.ask_open(self._window, "Open a model", self.state.last_folder, dialogs.MODELS, chosen)

    def use_model(self, path: str) -> None:
        if self.player.is_kept_run:
            self.player.say(f"{IS_KEPT_RUN}; open its video to use another model.")
        else:
            self.player.model = path

    def snapshot(self, path: str = "") -> None:
        view = self.stage.view
        self.session.recorder.snapshot(view.frame, view.marks, Path(path) if path else None)

    def snapshot_as(self) -> None:
        path = dated_path(pictures_folder(), self.name, ".png")
        dialogs.ask_save(self._window, "Save snapshot", path, "Pictures (*.png)", self.snapshot)

    def record_as(self) -> None:
        path = dated_path(videos_folder(), self.name, ".mp4")
        dialogs.ask_save(
            self._window,
            "Record to",
            path,
            "Videos (*.mp4 *.mkv)",
            lambda name: self.session.record(Path(name)),
        )

    def _step_back(self) -> None:
        frame = self.stage.view.frame
        if frame is not None:
            self.session.step_back(frame.t)
