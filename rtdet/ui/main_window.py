"""The main window: lays out the parts and connects them to the session and the two states, which do the work."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QShowEvent,
)
from PyQt6.QtWidgets import QHBoxLayout, QMainWindow, QSplitter, QVBoxLayout, QWidget

from rtdet.ui import dialogs
from rtdet.ui.actions import Actions, fill_menu
from rtdet.ui.controls import Panel
from rtdet.ui.drops import dropped
from rtdet.ui.go_to import GoToDialog
from rtdet.ui.icons import icon, window_icon
from rtdet.ui.input_size import IS_KEPT_RUN
from rtdet.ui.leaving import Leaving
from rtdet.ui.reviewing import Reviewing
from rtdet.ui.screens import fit_to_screen
from rtdet.ui.settings import Settings
from rtdet.ui.stage import Stage
from rtdet.ui.theme import DANGER
from rtdet.ui.transport import StatusLine, Transport, show_play_state
from rtdet.ui.zoning import Zoning
from rtdet.viewer.names import dated_path, pictures_folder, short_name, videos_folder
from rtdet.viewer.notices import line_about
from rtdet.viewer.player import Phase, Severity
from rtdet.viewer.rates import rates_of
from rtdet.viewer.session import Session

FRAME_POLL_MS = 8
SESSION_POLL_MS = 40
RATES_MS = 250
BARS_LEAVE_MS = 2500
CLOSE_S = 2.0

# What nobody else holds, Python's collector takes apart in whichever thread it runs just then, and Qt crashes where
# it calls a slot of that before it hears of its end. So a window is held for as long as it is open.
_open: set[MainWindow] = set()


class MainWindow(QMainWindow):
    """The main window. It owns the session: closing the window stops it.

    player is the state of the source that is shown; state is the window's own.
    """

    def __init__(self, session: Session, settings: Settings) -> None:
        super().__init__()
        self.session, self.settings = session, settings
        self.player, self.state = session.player, session.window
        self._is_ending = False
        self.setWindowIcon(window_icon())
        self.setAcceptDrops(True)
        self.actions_ = Actions(self, self.state, self.player)
        self.menus = self.actions_.build_menus(self)
        self._lay_out()
        self._connect()
        self.leaving = Leaving(self, session.review, self.reviewing.save_run, self.reviewing.export)
        session.ask_unsaved = self.leaving.ask
        session.sign_in.ask = lambda address, given: dialogs.SignInDialog(self, address, given).open()
        self._timers = [
            self._timer(FRAME_POLL_MS, self._tick, precise=True),
            self._timer(SESSION_POLL_MS, session.poll),
            self._timer(RATES_MS, self._measure),
        ]
        self._bars = QTimer(self, singleShot=True, interval=BARS_LEAVE_MS)  # type: ignore[call-arg]
        self._bars.timeout.connect(self._hide_bars)
        fit_to_screen(self, is_remembered=settings.recall_window(self))

    def _lay_out(self) -> None:
        session, player, state = self.session, self.player, self.state
        self.stage = Stage(
            player,
            state,
            open_file=self.open_file,
            open_address=self.open_address,
            open_source=session.play,
            replay=session.replay,
            retry=session.retry,
        )
        services = session.services
        self.panel = Panel(player, state, services.model_names(), services.tracker_names(), self.browse_model)
        self.transport = Transport(player, self.actions_.by_name, session.seek)
        self.status = StatusLine(player)
        self.reviewing = Reviewing(self, session, self.actions_, self.stage.view)
        self.zoning = Zoning(self, session, self.actions_, self.stage.view)
        self.reviewing.tools.zones = self.zoning.tools
        center, upper = QWidget(), QWidget()
        column, row = QVBoxLayout(center), QHBoxLayout(upper)
        for layout in (column, row):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
        row.addWidget(self.stage, 1)
        row.addWidget(self.zoning.panel)
        row.addWidget(self.panel)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(upper)
        self.split.addWidget(self.reviewing.panel)
        self.split.setStretchFactor(0, 1)
        self.split.splitterMoved.connect(self._split_moved)
        column.addWidget(self.split, 1)
        column.addWidget(self.transport)
        column.addWidget(self.status)
        self.setCentralWidget(center)

    def _connect(self) -> None:
        session, player, view = self.session, self.player, self.stage.view
        self.actions_.connect(
            open_file=self.open_file, open_address=self.open_address, open_demo=lambda: session.play("demo"),
            snapshot=self.snapshot, snapshot_as=self.snapshot_as,
            record=session.toggle_recording, record_as=self.record_as, quit=self.close,
            play=session.toggle_play, step=session.step, step_back=self._step_back,
            forward=lambda: session.seek(player.position_s + 5),
            back=lambda: session.seek(player.position_s - 5), start=lambda: session.seek(0.0),
            go_to=self.go_to, next_source=session.play_next,
            slower=lambda: player.change_speed(-1), faster=lambda: player.change_speed(1),
            normal_speed=lambda: setattr(player, "speed", 1.0),
            fit=view.fit, actual_size=view.actual_size,
            zoom_in=lambda: view.zoom(1.25), zoom_out=lambda: view.zoom(0.8),
            full_screen=self.toggle_full_screen,
            shortcuts=lambda: dialogs.ShortcutsDialog(self).open(),
            about=lambda: dialogs.AboutDialog(self).open(),
        )  # fmt: skip
        view.full_screen_wanted.connect(self.toggle_full_screen)
        self.menus["Open camera"].aboutToShow.connect(self._look_for_cameras)
        self.state.watch("recent", self._fill_recent, now=True)
        player.watch("phase", self._phase_changed, now=True)
        player.watch("source_info", lambda _info: self._phase_changed(player.phase))
        player.watch("source", self._title_changed, now=True)
        player.watch("queue", self._queue_changed, now=True)
        player.watch("recording", self._recording_changed)
        self.state.watch("panel_open", self._show_parts, now=True)
        self.state.watch("lanes_open", self._show_parts)
        self.state.watch("zones_open", self._show_parts)
        self.state.watch("zones_open", lambda is_open: self._one_panel(is_open, "panel_open"))
        self.state.watch("panel_open", lambda is_open: self._one_panel(is_open, "zones_open"))

    def _timer(self, interval_ms: int, slot: object, *, precise: bool = False) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(interval_ms)
        timer.setTimerType(Qt.TimerType.PreciseTimer if precise else Qt.TimerType.CoarseTimer)
        timer.timeout.connect(slot)  # type: ignore[arg-type]
        return timer

    # Time passes

    def _tick(self) -> None:
        self.stage.view.tick(self.session.pipeline)

    def _measure(self) -> None:
        self.zoning.tools.look_at_picture()
        pipeline, view = self.session.pipeline, self.stage.view
        if pipeline is None:
            return
        playing = self.player.phase is Phase.PLAYING
        self.player.rates = rates_of(
            pipeline.stats(), stalled_ms=view.stalled_ms, objects=len(view.visible_tracks), playing=playing
        )

    def report(self, error: BaseException) -> None:
        """Shows an unexpected error."""
        self.player.say(line_about(error), Severity.ERROR)

    def showEvent(self, _event: QShowEvent | None) -> None:
        _open.add(self)
        for timer in self._timers:
            timer.start()
        layout = self.layout()
        if layout is not None and self.state.lanes_open:
            layout.activate()  # else nothing has its size yet
            self._size_timeline()
        self.stage.view.setFocus()  # else Space would open the first chooser instead of playing

    # What the state says

    def _phase_changed(self, phase: Phase) -> None:
        show_play_state(self.actions_["play"], phase)
        running = phase in (Phase.PLAYING, Phase.PAUSED)
        self.actions_["step"].setEnabled(running)
        what = "picture" if self.player.are_pictures else "frame"
        self.actions_["step"].setText(f"Next {what}")
        self.actions_["step_back"].setText(f"Previous {what}")
        for name in ("record", "record_as"):
            self.actions_[name].setEnabled(running or self.player.recording is not None)
        for name in ("snapshot", "snapshot_as"):
            self.actions_[name].setEnabled(phase is not Phase.EMPTY)
        for name in ("step_back", "forward", "back", "start", "go_to"):
            self.actions_[name].setEnabled(self.player.can_seek)
        for name in ("slower", "faster", "normal_speed"):
            self.actions_[name].setEnabled(self.player.can_change_speed)

    def _queue_changed(self, queue: tuple[str, ...]) -> None:
        self.actions_["next_source"].setEnabled(bool(queue))

    def _title_changed(self, source: str) -> None:
        self.setWindowTitle(f"{short_name(source)} - rtdet" if source else "rtdet")

    def _recording_changed(self, path: Path | None) -> None:
        action = self.actions_["record"]
        action.setText("Stop recording" if path else "Record")
        action.setToolTip(f"Stop recording to {path} (R)" if path else "Record what is shown (R)")
        action.setIcon(icon("stop", DANGER) if path else icon("record"))
        self._phase_changed(self.player.phase)

    def _fill_recent(self, recent: tuple[str, ...]) -> None:
        rows = [(source if "://" in source else Path(source).name, source) for source in recent]
        fill_menu(self.menus["Open recent"], rows, self.session.play, "Nothing yet")

    def _look_for_cameras(self) -> None:
        menu = self.menus["Open camera"]
        fill_menu(menu, (), self.session.play, "Looking for cameras…")
        self.session.jobs.run(
            self.session.services.list_cameras,
            done=lambda cameras: fill_menu(
                menu,
                [(f"{camera.name} ({camera.index})", f"webcam:{camera.index}") for camera in cameras],
                self.session.play,
                "No camera found",
            ),
            failed=self.report,
        )

    # What the user does

    def open_file(self) -> None:
        def chosen(paths: list[str]) -> None:
            self.state.last_folder = str(Path(paths[0]).parent)
            self.session.play(*paths)

        folder = self.state.last_folder or str(videos_folder())
        dialogs.ask_open(self, "Open videos or pictures", folder, dialogs.VIDEOS, chosen, several=True)

    def open_address(self) -> None:
        dialogs.AddressDialog(self, self.state.recent, self.session.play).open()

    def go_to(self) -> None:
        info = self.player.source_info
        if info is not None and self.player.can_seek:
            dialog = GoToDialog(self, info, self.session.go_to)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()

    def browse_model(self) -> None:
        def chosen(paths: list[str]) -> None:
            self._use_model(paths[0])

        dialogs.ask_open(self, "Open a model", self.state.last_folder, dialogs.MODELS, chosen)

    def _use_model(self, path: str) -> None:
        if self.player.is_kept_run:
            self.player.say(f"{IS_KEPT_RUN}; open its video to use another model.")
        else:
            self.player.model = path

    def snapshot(self, path: str = "") -> None:
        view = self.stage.view
        self.session.recorder.snapshot(view.frame, view.marks, Path(path) if path else None)

    def snapshot_as(self) -> None:
        path = dated_path(pictures_folder(), self.player.source, ".png")
        dialogs.ask_save(self, "Save snapshot", path, "Pictures (*.png)", self.snapshot)

    def record_as(self) -> None:
        path = dated_path(videos_folder(), self.player.source, ".mp4")
        dialogs.ask_save(
            self, "Record to", path, "Videos (*.mp4 *.mkv)", lambda name: self.session.record(Path(name))
        )

    def _step_back(self) -> None:
        frame = self.stage.view.frame
        if frame is not None:
            self.session.step_back(frame.t)

    # Full screen

    def toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        self._show_parts()
        if self.isFullScreen():
            self._bars.start()

    def _show_parts(self, _value: object = None) -> None:
        full = bool(self.windowState() & Qt.WindowState.WindowFullScreen)
        bar = self.menuBar()
        assert bar is not None
        bar.setVisible(not full)
        self.status.setVisible(not full)
        self.panel.setVisible(self.state.panel_open and not full)
        self.zoning.panel.setVisible(self.state.zones_open and not full)
        self._show_timeline(self.state.lanes_open and not full)
        self.transport.setVisible(True)
        self.unsetCursor()

    def _one_panel(self, is_open: bool, other: str) -> None:
        """There is room for one panel at the side."""
        if is_open:
            setattr(self.state, other, False)

    def _show_timeline(self, is_shown: bool) -> None:
        panel = self.reviewing.panel
        is_new = is_shown and not panel.isVisibleTo(self)
        panel.setVisible(is_shown)
        if is_new:
            self._size_timeline()

    def _size_timeline(self) -> None:
        """As high as it was left, at most half of what there is."""
        room = self.split.height()
        height = min(self.state.lanes_height, room // 2)
        self.split.setSizes([room - height, height])

    def _split_moved(self, _place: int, _index: int) -> None:
        self.state.lanes_height = max(self.split.sizes()[1], 1)

    def _hide_bars(self) -> None:
        if self.isFullScreen() and not self.transport.underMouse():
            self.transport.hide()
            self.setCursor(Qt.CursorShape.BlankCursor)

    def mouseMoveEvent(self, _event: QMouseEvent | None) -> None:
        if self.isFullScreen():
            self.transport.show()
            self.unsetCursor()
            self._bars.start()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None or event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self.zoning.escape() or self.reviewing.escape():
            pass
        elif self.isFullScreen():
            self.toggle_full_screen()
        else:
            self.stage.banner.dismiss()

    # Drag and drop

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        if event is not None and any(dropped(event.mimeData())):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        if event is None:
            return
        sources, model, tracks = dropped(event.mimeData())
        event.acceptProposedAction()
        if model:
            self._use_model(model)
        if sources:
            self.session.play(*sources)
        if tracks:
            self.reviewing.show_tracks(Path(tracks))

    # The end

    def end(self) -> None:
        """Closes the window without asking."""
        self._is_ending = True
        self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        if event is not None and self.session.review.unsaved and not self._is_ending:
            event.ignore()
            self.leaving.ask(self.end)
            return
        for timer in (*self._timers, self._bars):
            timer.stop()
        _open.discard(self)
        if not self.isFullScreen():
            self.settings.remember_window(self)
        self.settings.remember(self.player, self.state)
        # Gone from the screen at once; what may take a moment is done after that.
        self.hide()
        QGuiApplication.sync()
        self.session.close(CLOSE_S)
        if event is not None:
            event.accept()
