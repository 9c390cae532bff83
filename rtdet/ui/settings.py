"""What the viewer remembers between two starts: an INI file in the user's configuration folder."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from PyQt6.QtCore import QByteArray, QSettings
from PyQt6.QtWidgets import QMainWindow

from rtdet.address import hide_secrets
from rtdet.viewer.player import PlayerState
from rtdet.viewer.window import WindowState


def default_path() -> Path:
    import platformdirs

    return Path(platformdirs.user_config_dir("rtdet", appauthor=False)) / "viewer.ini"


class Settings:
    """The remembered settings. A file that cannot be read or written is ignored: the defaults hold."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()
        self._ini = QSettings(str(self.path), QSettings.Format.IniFormat)
        self._for_now: dict[str, object] = {}

    def recall_window_state(self, window: WindowState) -> None:
        """Restores the state of the window."""
        window.recall(self._values())
        shown = tuple(map(hide_secrets, window.recent))
        if shown != window.recent:  # an older viewer kept them
            window.recent = shown
            self._ini.setValue("state/recent", list(shown))
            self._sync()

    def recall(
        self,
        player: PlayerState,
        *,
        keep: Collection[str] = (),
        models: Collection[str] = (),
        trackers: Collection[str] = (),
    ) -> None:
        """Restores the state of a source, except for the fields in `keep`, and for a model or tracker that no longer
        exists."""
        values = self._values()
        model = str(values.get("model", ""))
        if model not in models and not Path(model).is_file():
            values.pop("model", None)
        if (values.get("model", player.model) != player.model and "model" in keep) or "model" not in values:
            values.pop("imgsz", None)  # which was that other model's
        if values.get("tracker") not in trackers:
            values.pop("tracker", None)
        player.recall(values, keep=keep)
        self._for_now = {name: getattr(player, name) for name in keep}

    def _values(self) -> dict[str, object]:
        self._ini.beginGroup("state")
        values = {name: self._ini.value(name) for name in self._ini.childKeys()}
        self._ini.endGroup()
        return values

    def remember(self, player: PlayerState | None, window: WindowState) -> None:
        """Writes both states; without a player the settings of sources stay what they were."""
        self._ini.beginGroup("state")
        # What was asked for from outside holds for this time only, unless it was changed in the window.
        for_now = {
            name
            for name, value in self._for_now.items()
            if player is not None and getattr(player, name) == value
        }
        if "model" in for_now:
            for_now.add("imgsz")  # which is that model's
        of_source = {} if player is None else player.remembered()
        for name, value in {**of_source, **window.remembered()}.items():
            if name not in for_now:
                self._ini.setValue(name, value)
        self._ini.endGroup()
        self._sync()

    def _sync(self) -> None:
        """Writes; the file is for its owner alone."""
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
            self.path.chmod(self.path.stat().st_mode & 0o700)
        self._ini.sync()

    def recall_window(self, window: QMainWindow) -> bool:
        geometry = self._ini.value("window/geometry")
        return isinstance(geometry, QByteArray) and window.restoreGeometry(geometry)

    def remember_window(self, window: QMainWindow) -> None:
        self._ini.setValue("window/geometry", window.saveGeometry())
        self._sync()
