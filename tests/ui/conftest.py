"""A real window (offscreen) over the real pipeline, on the rendered street with a detector that knows it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("viewer_on_demo.py")


def _load_script():
    spec = importlib.util.spec_from_file_location("viewer_on_demo", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


viewer_on_demo = _load_script()


@pytest.fixture(scope="session")
def viewer_script() -> Path:
    return SCRIPT


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings, snapshots and settings go nowhere but into the test's folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("VIDEOS", "PICTURES"):
        monkeypatch.delenv(f"XDG_{name}_DIR", raising=False)


@pytest.fixture
def stage():
    return viewer_on_demo.DemoStage()


@pytest.fixture
def open_window(qtbot, qapp, stage, tmp_path) -> Iterator[Callable]:
    """open_window(source="demo", **config) shows a window; every one is closed at the end."""
    from PyQt6.QtCore import QEvent

    from rtdet.config import RunConfig
    from rtdet.ui import make_window
    from rtdet.ui.theme import apply_theme

    apply_theme(qapp)
    windows = []

    def make(source: str | None = "demo", *, wait: bool = True, **settings):
        config = RunConfig(source=source or "demo", model=settings.pop("model", "truth"), **settings)
        window = make_window(config, stage.services(), settings_path=tmp_path / "viewer.ini")
        windows.append(window)
        window.resize(900, 600)
        window.show()
        if source is not None:
            window.session.open(source, start=config.start)
            if wait:
                qtbot.waitUntil(lambda: window.stage.view.frame is not None, timeout=5000)
        return window

    yield make
    for window in windows:
        window.end()
        window.deleteLater()
        qapp.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)  # now: no event loop runs that would
    qapp.processEvents()
