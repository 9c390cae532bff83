"""OpenCV's wheel points every Qt of the process at its own, older plugins: the window opens all the same, whichever
of the two is imported first, and without OpenCV's windows altogether."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ORDERS = {
    "opencv_then_qt": "import cv2, PyQt6.QtWidgets",
    "qt_then_opencv": "import PyQt6.QtWidgets, cv2",
    "application_then_opencv": "from PyQt6.QtWidgets import QApplication; app = QApplication(['x']); import cv2",
    "opencv_in_a_thread": (
        "import threading, importlib; t = threading.Thread(target=importlib.import_module, args=['cv2']);"
        " t.start(); t.join()"
    ),
    "rtdet_alone": "pass",
}
WINDOW = """
import os, sys
{order}
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication
from rtdet.ui import run_viewer
from viewer_on_demo import DemoStage, RunConfig
def look():
    windows = [w for w in QApplication.topLevelWidgets() if w.isVisible() and w.windowTitle()]
    if windows:
        print(QApplication.platformName(), len(windows), flush=True)
        windows[0].close()
    else:
        QTimer.singleShot(20, look)
import rtdet.ui.app
make_window = rtdet.ui.app.make_window
def made_window(*args, **settings):
    QTimer.singleShot(0, look)
    return make_window(*args, **settings)
rtdet.ui.app.make_window = made_window
sys.exit(run_viewer(RunConfig(model="truth"), DemoStage().services(), settings_path=Path(sys.argv[2])))
"""


@pytest.mark.parametrize("order", sorted(ORDERS))
@pytest.mark.parametrize("platform", ["offscreen", pytest.param("xcb", marks=pytest.mark.x11)])
def test_the_window_opens_whichever_is_imported_first(order, platform, tmp_path, viewer_script):
    code = WINDOW.format(order=ORDERS[order])
    command = [sys.executable, "-c", code, str(viewer_script.parent), str(tmp_path / "viewer.ini")]
    if platform == "xcb":
        if shutil.which("xvfb-run") is None:
            pytest.skip("needs xvfb-run")
        command = ["xvfb-run", "-a", *command]
    environment = {**os.environ, "QT_QPA_PLATFORM": platform, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{platform} 1\n"
    assert "Could not" not in done.stderr


def test_nothing_asks_opencv_for_a_window():
    """So that opencv-python-headless will do."""
    highgui = re.compile(
        r"cv2\.(imshow|waitKey|namedWindow|destroy\w+|createTrackbar|selectROI|setMouseCallback)"
    )
    for path in (ROOT / "rtdet").rglob("*.py"):
        assert not highgui.search(path.read_text(encoding="utf-8")), path
