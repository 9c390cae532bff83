"""Lines and zones in the window: connects the panel, the mouse in the picture, the menus and what counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PyQt6.QtCore import QObject, QPoint
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QColorDialog, QMenu, QToolButton, QWidget

from rtdet.ui import dialogs
from rtdet.ui.actions import Actions
from rtdet.ui.ground_dialog import PerPixelDialog, PointsDialog
from rtdet.ui.video_view import VideoView
from rtdet.ui.zone_painting import color_of_shape
from rtdet.ui.zone_tools import ZoneTools
from rtdet.ui.zones_panel import ZonesPanel
from rtdet.viewer.names import dated_path, videos_folder
from rtdet.viewer.session import Session
from rtdet.viewer.zone_editor import COLORS, GROUND, LINE, ZONE

ZONES_FILES = "Lines and zones (*.json *.geojson);;All files (*)"
COUNTS_FILES = "CSV table (*.csv);;JSON (*.json);;Parquet table (*.parquet)"
_BESIDE = 12  # pixels from the edge of the picture


class Zoning(QObject):
    """panel: to be put beside the picture. tools: what works in the picture."""

    def __init__(self, window: QWidget, session: Session, actions: Actions, view: VideoView) -> None:
        super().__init__(window)
        self._parent, self._session, self._view = window, session, view
        self._counting, self._state = session.counting, session.window
        self._editor = editor = self._counting.editor
        self.tools = ZoneTools(view, self._counting, session.window)
        self.scale = self._scale_button()
        self.panel = ZonesPanel(
            self._counting,
            pick_color=self.pick_color,
            scale=self.scale,
            open_file=self.open_file,
            save_file=self.save_file,
            save_counts=self.save_counts,
            close=lambda: setattr(self._state, "zones_open", False),
        )
        session.timeline.watch("is_drawing", self._box_drawn)
        actions.connect(
            draw_line=lambda: self.draw(LINE), draw_zone=lambda: self.draw(ZONE), open_zones=self.open_file,
            save_zones=self.save_file, save_counts=self.save_counts, delete_zone=lambda: editor.delete(),
        )  # fmt: skip
        self._delete, self._save = actions["delete_zone"], actions["save_zones"]
        self._save_counts = actions["save_counts"]
        self.tools.ground_set.connect(self._ask_metres)
        editor.watch("zones", self._zones_changed, now=True)
        editor.watch("selected", self._selected, now=True)
        editor.watch("fault", self._say)

    # What the states say

    def _zones_changed(self, _zones: object) -> None:
        ground = self._editor.zones.ground
        self._save.setEnabled(len(self._editor.zones) > 0 or ground is not None)
        self._save_counts.setEnabled(len(self._editor.zones) > 0)
        self._no_scale.setEnabled(ground is not None)
        if ground is None:
            text = "Scale of the ground…"
        elif "metres_per_pixel" in ground:
            text = f"Scale: {ground['metres_per_pixel']:g} m a pixel"
        else:
            text = f"Scale: {len(ground.get('points', ()))} points"
        self.scale.setText(text)

    def _box_drawn(self, is_drawing: bool) -> None:
        if is_drawing:
            self._editor.stop()

    def _selected(self, name: str | None) -> None:
        self._delete.setEnabled(name is not None)

    def _say(self, fault: str) -> None:
        if fault and not self.panel.isVisible():
            self._session.player.say(fault)

    # What the user does

    def draw(self, tool: str) -> None:
        """Opens the panel and begins to draw."""
        if self._view.frame is None:
            self._session.player.say("Open something first: lines and zones are drawn over its picture.")
            return
        self._state.zones_open = True
        self._session.timeline.is_drawing = False
        self._editor.draw(tool)
        self._view.setFocus()

    def escape(self) -> bool:
        """Ends what is under way. Returns whether there was something."""
        return self._state.zones_open and self._editor.escape()

    def pick_color(self) -> None:
        name = self._editor.selected
        if name is None:
            return
        dialog = QColorDialog(color_of_shape(self._editor, name), self._parent)
        dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        for place, color in enumerate(COLORS):
            QColorDialog.setCustomColor(place, QColor(color))
        dialog.setWindowTitle(f"Colour of {name}")
        dialog.colorSelected.connect(lambda color: self._editor.color(name, color.name()))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def open_file(self) -> None:
        folder = self._session.window.last_folder or str(videos_folder())
        dialogs.ask_open(self._parent, "Open lines and zones", folder, ZONES_FILES, self._open)

    def _open(self, paths: list[str]) -> None:
        self._session.window.zones_open = True
        self._counting.keeping.open_file(Path(paths[0]), self._counting.picture)

    def save_file(self) -> None:
        folder = Path(self._session.window.last_folder or videos_folder())
        dialogs.ask_save(
            self._parent, "Save lines and zones", folder / "zones.json", ZONES_FILES,
            lambda name: self._counting.keeping.save_file(Path(name)),
        )  # fmt: skip

    def save_counts(self) -> None:
        path = dated_path(videos_folder(), self._session.player.source, ".csv")
        dialogs.ask_save(
            self._parent, "Save counts", path, COUNTS_FILES, lambda name: self._counting.save_counts(Path(name))
        )  # fmt: skip

    # The scale of the ground

    def _scale_button(self) -> QToolButton:
        button = QToolButton()
        button.setObjectName("choice")
        button.setToolTip("Metres for pixels: speeds and distances are measured where there is a scale")
        button.setAccessibleName("Scale of the ground")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        for text, act in (
            ("Click four points of the ground…", lambda: self.draw(GROUND)),
            ("Metres per pixel…", self._ask_per_pixel),
        ):
            action = menu.addAction(text)
            assert action is not None
            action.triggered.connect(lambda _checked=False, act=act: act())
        no_scale = menu.addAction("No scale")
        assert no_scale is not None
        no_scale.triggered.connect(lambda _checked=False: self._set_ground(None))
        self._no_scale = no_scale
        button.setMenu(menu)
        return button

    def _ask_metres(self) -> None:
        points, view = self._editor.draft, self._view
        dialog = PointsDialog(self._parent, points, self._set_ground)
        dialog.finished.connect(lambda _result: self._editor.stop())
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        # Where it does not hide the points.
        are_left = sum(x for x, _ in points) < len(points) / 2
        x = view.width() - dialog.width() - _BESIDE if are_left else _BESIDE
        dialog.move(view.mapToGlobal(QPoint(max(x, 0), _BESIDE)))

    def _ask_per_pixel(self) -> None:
        ground = self._editor.zones.ground or {}
        now = ground.get("metres_per_pixel")
        dialog = PerPixelDialog(self._parent, now if isinstance(now, float) else None, self._set_ground)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _set_ground(self, ground: dict[str, Any] | None) -> None:
        self._editor.change(self._editor.zones.with_ground(ground))
