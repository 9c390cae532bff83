"""The main window: its menus, its page, what is dropped on it, and its end. What one source has is in the page."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QPointF, Qt, QTimer
from PyQt6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QShowEvent,
)
from PyQt6.QtWidgets import QMainWindow

from rtdet.ui import dialogs
from rtdet.ui.actions import Actions, Menus, fill_menu
from rtdet.ui.controls import Panel
from rtdet.ui.drops import dropped
from rtdet.ui.icons import window_icon
from rtdet.ui.pages import Pages
from rtdet.ui.reviewing import Reviewing
from rtdet.ui.screens import fit_to_screen
from rtdet.ui.settings import Settings
from rtdet.ui.several import SeveralSources
from rtdet.ui.single_view import SingleView
from rtdet.ui.source_page import Asking, SourcePage
from rtdet.ui.stage import Stage
from rtdet.ui.this_computer import ThisComputerDialog
from rtdet.ui.transport import StatusLine, Transport
from rtdet.ui.zoning import Zoning
from rtdet.viewer.names import short_name, videos_folder
from rtdet.viewer.notices import line_about
from rtdet.viewer.player import Phase, PlayerState, Severity
from rtdet.viewer.returning import can_return
from rtdet.viewer.session import Session
from rtdet.viewer.sources import Sources
from rtdet.viewer.window import WindowState

FRAME_POLL_MS = 8
SESSION_POLL_MS = 40
RATES_MS = 250
BARS_LEAVE_MS = 2500
_AT_ONCE = 2

# What nobody else holds, Python's collector takes apart in whichever thread it runs just then, and Qt crashes where
# it calls a slot of that before it hears of its end. So a window is held for as long as it is open.
_open: set[MainWindow] = set()


class MainWindow(QMainWindow):
    """The main window. It owns the sessions of its sources: closing the window stops them.

    pages: all of each source; state is the window's own.
    """

    def __init__(self, sources: Sources, state: WindowState, settings: Settings) -> None:
        super().__init__()
        self.settings, self.state, self.sources = settings, state, sources
        self._is_ending = self._was_full_alone = False
        self._turn = 0
        self.setWindowIcon(window_icon())
        self.setAcceptDrops(True)
        self.own_actions = self._own_actions()
        self.pages = Pages(state, [self.made_page(session) for session in sources.sessions])
        self.several = SeveralSources(self)
        self.menus = Menus(self)
        self.setCentralWidget(self.pages)
        self._connect()
        self._timers = [
            self._timer(FRAME_POLL_MS, self._tick, precise=True),
            self._timer(SESSION_POLL_MS, sources.poll),
            self._timer(RATES_MS, self.pages.look),
        ]
        self._bars = QTimer(self, singleShot=True, interval=BARS_LEAVE_MS)  # type: ignore[call-arg]
        self._bars.timeout.connect(self._hide_bars)
        self._page_changed()
        fit_to_screen(self, is_remembered=settings.recall_window(self))

    def made_page(self, session: Session) -> SourcePage:
        asking = Asking(self.open_file, self.open_address, self.toggle_full_screen)
        page = SourcePage(self, session, self.own_actions, asking)
        page.player.watch("source", self._title_changed)
        page.player.watch("name", self._title_changed)
        return page

    def _own_actions(self) -> Actions:
        actions = Actions(self, self.state)
        actions.connect(
            open_file=self.open_file, open_address=self.open_address, open_demo=lambda: self.play("demo"),
            quit=self.close, full_screen=self.toggle_full_screen,
            shortcuts=lambda: dialogs.ShortcutsDialog(self).open(), this_computer=self.open_this_computer,
            about=lambda: dialogs.AboutDialog(self).open(),
        )  # fmt: skip
        actions.work_in(self)
        return actions

    def _connect(self) -> None:
        self.menus.cameras.aboutToShow.connect(self._look_for_cameras)
        self.state.watch("recent", self._fill_recent, now=True)
        self.pages.changed.connect(self._page_changed)
        self.state.watch("panel_open", lambda is_open: self._one_panel(is_open, "zones_open"))
        self.state.watch("zones_open", lambda is_open: self._one_panel(is_open, "panel_open"))

    # The page that is shown: what the menus and keys act on

    @property
    def page(self) -> SourcePage:
        return self.pages.current

    @property
    def session(self) -> Session:
        return self.page.session

    @property
    def player(self) -> PlayerState:
        return self.page.player

    @property
    def actions_(self) -> Actions:
        return self.page.actions

    @property
    def stage(self) -> Stage:
        return self.page.stage

    @property
    def single(self) -> SingleView:
        return self.page.enlarge()

    @property
    def panel(self) -> Panel:
        return self.single.panel

    @property
    def transport(self) -> Transport:
        return self.single.transport

    @property
    def status(self) -> StatusLine:
        return self.single.status

    @property
    def reviewing(self) -> Reviewing:
        return self.single.reviewing

    @property
    def zoning(self) -> Zoning:
        return self.single.zoning

    def _timer(self, interval_ms: int, slot: object, *, precise: bool = False) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(interval_ms)
        timer.setTimerType(Qt.TimerType.PreciseTimer if precise else Qt.TimerType.CoarseTimer)
        timer.timeout.connect(slot)  # type: ignore[arg-type]
        return timer

    # Time passes

    def _tick(self) -> None:
        """New pictures of two sources at most: those of all at once would hold up the keys and the mouse. The next
        ones have their turn at once, so that none starves."""
        pages, taken = self.pages.seen, 0
        for place in range(self._turn, self._turn + len(pages)):
            taken += pages[place % len(pages)].tick()
            self._turn = (place + 1) % len(pages)
            if taken == _AT_ONCE:
                return

    def report(self, error: BaseException) -> None:
        """Shows an unexpected error."""
        (self.state if self.state.has_several else self.player).say(line_about(error), Severity.ERROR)

    def showEvent(self, _event: QShowEvent | None) -> None:
        _open.add(self)
        for timer in self._timers:
            timer.start()
        if self.pages.is_grid:
            self.pages.grid.tile_of(self.page).setFocus()
            return
        self.single.size_timeline()
        self.stage.view.setFocus()  # else Space would open the first chooser instead of playing

    # What the state says

    def _page_changed(self) -> None:
        """Another source is current, or it is shown otherwise."""
        self.menus.show(self.actions_, is_grid=self.pages.is_grid)
        for page in self.pages.pages:
            page.actions.work_in_grid(self.pages.grid, page is self.page)
        self._title_changed()
        self.unsetCursor()

    def _title_changed(self, _name: str = "") -> None:
        count = len(self.pages.pages)
        what = (
            f"{count} sources" if self.pages.is_grid else self.player.name or short_name(self.player.source)
        )
        self.setWindowTitle(f"{what} - rtdet" if what else "rtdet")

    def _fill_recent(self, recent: tuple[str, ...]) -> None:
        rows = [(source if "://" in source else Path(source).name, source) for source in recent]
        fill_menu(self.menus.recent, rows, self.play, "Nothing yet")

    def _look_for_cameras(self) -> None:
        menu = self.menus.cameras
        fill_menu(menu, (), self.play, "Looking for cameras…")
        self.session.jobs.run(
            self.session.services.list_cameras,
            done=lambda cameras: fill_menu(
                menu,
                [(f"{camera.name} ({camera.index})", f"webcam:{camera.index}") for camera in cameras],
                self.play,
                "No camera found",
            ),
            failed=self.report,
        )

    # What the user does

    def play(self, *sources: str) -> None:
        """Opens the first source, and the others one after the other after it: in place of what is open, or, where
        there are several already, beside them."""
        is_free = self.player.phase is Phase.EMPTY and not self.pages.is_grid
        if self.state.has_several and not is_free:
            self.several.add(sources)
        else:
            self.session.play(*sources)

    def open_file(self) -> None:
        def chosen(paths: list[str]) -> None:
            self.state.last_folder = str(Path(paths[0]).parent)
            self.play(*paths)

        folder = self.state.last_folder or str(videos_folder())
        dialogs.ask_open(self, "Open videos or pictures", folder, dialogs.VIDEOS, chosen, several=True)

    def open_address(self) -> None:
        dialogs.AddressDialog(self, self.state.recent, self.play).open()

    def open_this_computer(self) -> None:
        ThisComputerDialog(self, self.session.services.examine, self.session.jobs.run).open()

    # Full screen

    def toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        self._was_full_alone = not self.pages.is_grid  # then Esc ends it before it leads back to the grid
        self._show_parts()
        if self.isFullScreen():
            self._bars.start()

    def _show_parts(self) -> None:
        full = bool(self.windowState() & Qt.WindowState.WindowFullScreen)
        bar = self.menuBar()
        assert bar is not None
        bar.setVisible(not full)
        self.pages.show_full(full)
        self.unsetCursor()

    def _one_panel(self, is_open: bool, other: str) -> None:
        """There is room for one panel at the side."""
        if is_open:
            setattr(self.state, other, False)

    def _hide_bars(self) -> None:
        if self.isFullScreen() and not self.pages.is_grid and not self.transport.underMouse():
            self.transport.hide()
            self.setCursor(Qt.CursorShape.BlankCursor)

    def mouseMoveEvent(self, _event: QMouseEvent | None) -> None:
        if self.isFullScreen() and not self.pages.is_grid:
            self.transport.show()
            self.unsetCursor()
            self._bars.start()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None or event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        else:
            self._escape()

    def _escape(self) -> None:
        """Ends the innermost of what is under way."""
        pages = self.pages
        if not pages.is_grid and self.single.escape():
            return
        if self.isFullScreen() and (pages.is_grid or self._was_full_alone or not pages.are_several):
            self.toggle_full_screen()
        elif self.state.message is not None:
            self.state.message = None
        elif not pages.is_grid and self.player.message is not None:
            self.stage.banner.dismiss()
        else:
            pages.show_grid()

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
            self._page_at(event.position()).use_model(model)
        if sources:
            self._drop(sources, event.modifiers())
        if tracks and self.pages.is_grid:
            self.state.say("Tracks are opened for a source that is seen alone: click it first.")
        elif tracks:
            self.reviewing.show_tracks(Path(tracks))

    def _drop(self, sources: tuple[str, ...], modifiers: Qt.KeyboardModifier) -> None:
        held = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        if modifiers & held or (len(sources) > 1 and all(map(can_return, sources))):
            self.several.open(sources)
        else:
            self.play(*sources)

    def _page_at(self, at: QPointF) -> SourcePage:
        """The page whose tile is there; else the current one."""
        grid = self.pages.grid
        inside = grid.mapFrom(self, at.toPoint())
        tiles = grid.tiles if self.pages.is_grid else []
        return next((tile.page for tile in tiles if tile.geometry().contains(inside)), self.page)

    # The end

    def end(self) -> None:
        """Closes the window without asking."""
        self._is_ending = True
        self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        if event is not None and not self._is_ending and self.several.ask_unsaved(self.end):
            event.ignore()
            return
        for timer in (*self._timers, self._bars):
            timer.stop()
        _open.discard(self)
        if not self.isFullScreen():
            self.settings.remember_window(self)
        self.settings.remember(None if self.state.has_several else self.player, self.state)
        # Gone from the screen at once; what may take a moment is done after that.
        self.hide()
        QGuiApplication.sync()
        self.sources.close(self.several.close_limit_s)
        if event is not None:
            event.accept()
