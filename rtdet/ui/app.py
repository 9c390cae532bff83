"""Starts the viewer and ends it: the application, its look, its signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType

from PyQt6.QtCore import QEvent
from PyQt6.QtWidgets import QApplication

from rtdet.config import RunConfig
from rtdet.protocols import Detector
from rtdet.shared_detectors import SharedDetectors
from rtdet.signals import ending
from rtdet.source_list import NamedRun
from rtdet.ui.icons import window_icon
from rtdet.ui.main_window import MainWindow
from rtdet.ui.settings import Settings
from rtdet.ui.theme import apply_theme
from rtdet.viewer.names import short_name
from rtdet.viewer.player import PlayerState, fields_given
from rtdet.viewer.services import Services
from rtdet.viewer.session import Session
from rtdet.viewer.sources import Sources
from rtdet.viewer.window import WindowState
from rtdet.viewer.zone_store import ZoneStore

INTERRUPTED = 130
# The application that was made here lives as long as the process: Qt crashes where one goes before its widgets.
_ours: list[QApplication] = []


def _use_own_plugins() -> None:
    """OpenCV's wheel points every Qt of the process at the plugins of its own, older Qt."""
    for name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
        if "cv2" in Path(os.environ.get(name, "")).parts:
            del os.environ[name]


def run_viewer(
    config: RunConfig,
    services: Services,
    *,
    given: Collection[str] | None = None,
    others: Sequence[str] = (),
    beside: Sequence[NamedRun] = (),
    settings_path: Path | None = None,
) -> int:
    """Shows the window, opens `config.source` at once, and returns the exit code when it is closed: 0, or
    130 after Ctrl-C.

    `others` are played after `config.source`. `beside`: several sources that are shown side by side; the first of
    them is that of `config`.

    `given`: names of the RunConfig fields that the user set on purpose ("model", "conf", ...); they win over
    what the last viewer remembered. Without it, these are the fields that differ from the defaults.
    """
    _use_own_plugins()
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(["rtdet"])
    if existing is None:
        _ours.append(app)
    app.setApplicationName("rtdet")
    app.setApplicationDisplayName("")
    app.setDesktopFileName("rtdet")
    app.setWindowIcon(window_icon())
    apply_theme(app)
    window = make_window(config, services, given=given, beside=beside, settings_path=settings_path)
    configs = [run.config for run in beside] or [config]
    for one, session in zip(configs, window.sources.sessions, strict=True):
        session.player.loading = f"Opening {short_name(one.source)}…"
    window.show()
    interrupted: list[int] = []

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        interrupted.append(INTERRUPTED)
        window.end()

    with Guards(window, interrupt):
        app.processEvents()  # painted, before the work of opening can hold it up
        if window.isVisible():  # else it was closed already, and no event would end the loop
            window.sources.sessions[0].queue = others
            for one, session in zip(configs, window.sources.sessions, strict=True):
                session.open(one.source, start=one.start)
            app.exec()
        window.end()  # in case the application was asked to quit some other way
    code = interrupted[0] if interrupted else 0
    if existing is None and any(session.jobs.is_busy for session in window.sources.sessions):
        # A model that is being loaded cannot be interrupted, and Python would wait seconds for it to end.
        # What was recorded is complete: closing the window has seen to that.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    if existing is None:  # now, while there is an application, not when Python gets to it
        window.deleteLater()
        app.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)
    return code


def make_window(
    config: RunConfig,
    services: Services,
    *,
    given: Collection[str] | None = None,
    beside: Sequence[NamedRun] = (),
    settings_path: Path | None = None,
) -> MainWindow:
    """The window, not yet shown, with nothing open; settings of the last time restored. `beside`: the sources, the
    first one too, where several are shown side by side."""
    window, settings = WindowState(), Settings(settings_path)
    settings.recall_window_state(window)
    detectors = SharedDetectors(services.make_detector, ends_with_clients=True)

    def make_session(config: RunConfig, given: Collection[str] | None) -> Session:
        player = PlayerState()
        player.take_over(config)
        settings.recall(
            player,
            keep=fields_given(config, given),
            models=services.model_names(),
            trackers=services.tracker_names(),
        )

        def make_detector(config: RunConfig) -> Detector:
            if window.has_several:
                return detectors.share(config, short_name(config.source))
            return services.make_detector(config)

        session = Session(player, window, replace(services, make_detector=make_detector), config)
        session.counting.keeping.store = ZoneStore(settings.path.parent / "zones")
        return session

    sources = Sources(window, make_session, config, given)
    for run in beside or [NamedRun("", config)]:
        sources.add(run.config, run.name, run.given if beside else given)
    return MainWindow(sources, window, settings)


class Guards:
    """While the window is open, errors in slots are shown in it (PyQt6 would abort), and Ctrl-C closes it."""

    def __init__(self, window: MainWindow, interrupt: signal._HANDLER) -> None:
        self._window = window
        self._interrupt = interrupt

    def __enter__(self) -> None:
        self._hook, sys.excepthook = sys.excepthook, self._report
        self._handlers = {}
        for number in ending():
            try:
                self._handlers[number] = signal.signal(number, self._interrupt)
            except ValueError:  # not in the main thread
                break

    def __exit__(self, *_: object) -> None:
        sys.excepthook = self._hook
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _report(
        self, _kind: type[BaseException], error: BaseException, _traceback: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            self._window.end()
        else:
            self._window.report(error)
