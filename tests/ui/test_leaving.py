"""The viewer's process ends, whatever it is busy with."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

PROGRAM = """
import os, signal, sys, threading
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from rtdet.ui import run_viewer
from viewer_on_demo import DemoStage, RunConfig
class Stuck(DemoStage):
    def _open_source(self, config):
        print("opening", flush=True)
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()
        threading.Event().wait()
services = Stuck().services()
sys.exit(run_viewer(RunConfig(model="truth"), services, settings_path=Path(sys.argv[2])))
"""


def test_a_source_that_never_opens_does_not_keep_the_process_alive(
    tmp_path: Path, viewer_script: Path
) -> None:
    arguments = [str(viewer_script.parent), str(tmp_path / "viewer.ini")]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 130, ended.stderr
    assert ended.stdout == "opening\n"
    assert (tmp_path / "viewer.ini").exists(), "the settings are kept all the same"


def test_a_window_lies_within_the_screen_whatever_it_was_like_when_it_was_left(
    qtbot, open_window, qapp
) -> None:
    from rtdet.ui.screens import fit_to_screen

    room = qapp.primaryScreen().availableGeometry()
    window = open_window(None)
    fit_to_screen(window, is_remembered=False)
    assert room.contains(window.geometry())
    window.setGeometry(room.width() - 100, room.height() - 50, 900, 600)
    fit_to_screen(window, is_remembered=True)
    assert room.contains(window.geometry())
    assert window.minimumSizeHint().width() <= 910, "a screen of 1366x768 at scale 1.5"
    assert window.minimumSizeHint().height() <= 470


def _collect_in_a_worker() -> None:
    """As it happens while the threads of a pipeline allocate."""
    collector = threading.Thread(target=gc.collect)
    collector.start()
    collector.join()


def test_a_window_that_nobody_holds_is_not_collected_by_a_worker_while_it_is_open(
    qtbot, stage, tmp_path
) -> None:
    from rtdet.config import RunConfig
    from rtdet.ui import make_window

    window = make_window(RunConfig(model="truth"), stage.services(), settings_path=tmp_path / "viewer.ini")
    window.show()
    left = weakref.ref(window)
    del window
    _collect_in_a_worker()
    assert left() is not None, "Qt still calls its slots"
    qtbot.wait(50)
    left().close()
    qtbot.wait(50)
    _collect_in_a_worker()
    assert left() is None, "and after that it is let go"


def test_nothing_ticks_in_a_window_that_is_not_shown_or_was_closed(qtbot, stage, tmp_path) -> None:
    from PyQt6.QtCore import QTimer

    from rtdet.config import RunConfig
    from rtdet.ui import make_window

    window = make_window(RunConfig(model="truth"), stage.services(), settings_path=tmp_path / "viewer.ini")

    def ticking() -> int:
        return sum(timer.isActive() for timer in window.findChildren(QTimer))

    assert ticking() == 0
    window.show()
    window.toggle_full_screen()
    assert ticking() == 4
    window.close()
    assert ticking() == 0
