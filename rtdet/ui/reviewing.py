"""Reviewing finished tracks in the window: connects the timeline, the picture and the menus."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QObject, Qt
from PyQt6.QtWidgets import QFileDialog, QWidget

from rtdet.kept.schema import KEPT_SUFFIX
from rtdet.tracks import FORMATS
from rtdet.types import SourceInfo
from rtdet.ui import dialogs
from rtdet.ui.actions import Actions
from rtdet.ui.going_through import GoingThrough
from rtdet.ui.mending import MendingActions
from rtdet.ui.picture_tools import PictureTools
from rtdet.ui.timeline.panel import TimelinePanel
from rtdet.ui.video_view import VideoView
from rtdet.viewer.names import dated_path, videos_folder
from rtdet.viewer.player import Phase, Severity
from rtdet.viewer.session import Session

TRACKS = f"Tracks ({' '.join('*' + suffix for suffix in FORMATS)});;All files (*)"


class Reviewing(QObject):
    """panel: the timeline, to be put under the picture."""

    def __init__(self, window: QWidget, session: Session, actions: Actions, view: VideoView) -> None:
        super().__init__(window)
        self._parent, self._session, self._actions, self._view = window, session, actions, view
        self._player, self._review, self._timeline = session.player, session.review, session.timeline
        self.panel = TimelinePanel(
            self._timeline, self._review, session.worklist, session.window, actions.by_name
        )
        self.tools = view.tools = PictureTools(view, self._timeline, self._review, session.window)
        self.mending = MendingActions(window, session, actions, view)
        self.doubts = GoingThrough(window, session, actions, self.panel.worklist)
        self._connect()

    def _connect(self) -> None:
        lanes, timeline = self.panel.view, self._timeline
        lanes.sought.connect(self.go_to)
        lanes.follow_wanted.connect(self.follow)
        self.panel.filter.found.connect(self.go_to_track)
        lanes.menu_wanted.connect(self.mending.show_menu)
        self.tools.follow_wanted.connect(self.follow)
        self.tools.menu_wanted.connect(self.mending.show_menu)
        self.tools.drawn.connect(self.mending.draw)
        self.tools.corrected.connect(self.mending.correct)
        self._actions.connect(
            open_tracks=self.open_tracks, export_tracks=lambda: self.export(), save_run=lambda: self.save_run(),
            fit_time=timeline.fit,
            follow=self.toggle_follow, find=self.find,
        )  # fmt: skip
        in_view = self._actions["in_view"]
        in_view.setCheckable(True)
        in_view.setChecked(timeline.filter.in_view)
        in_view.toggled.connect(self._in_view_toggled)
        self._player.watch("position_s", self._moved, now=True)
        self._player.watch("source", self._source_changed)
        self._player.watch("source_info", self._length_changed, now=True)
        self._review.watch("table", self._table_changed, now=True)
        self._review.on_near = self._view.take_again
        timeline.watch("selected", self._selection_changed, now=True)
        timeline.watch("following", self._following_changed, now=True)
        timeline.watch("is_drawing", self._drawing_changed)
        self._player.watch("phase", self._phase_changed)

    # What the states say

    def _moved(self, seconds: float) -> None:
        self._timeline.move_to(seconds, is_playing=self._player.phase is Phase.PLAYING)

    def _length_changed(self, info: SourceInfo | None) -> None:
        is_film = info is not None and not info.is_live and not info.are_pictures
        self._timeline.length_s = (info.duration_s or 0.0) if info is not None and is_film else 0.0

    def _source_changed(self, _source: str) -> None:
        self._timeline.following = None
        self._timeline.select(None)

    def _table_changed(self, table: object) -> None:
        self._actions["export_tracks"].setEnabled(table is not None)

    def _selection_changed(self, selected: tuple[int, ...]) -> None:
        self._actions["follow"].setEnabled(bool(selected) or self._timeline.following is not None)

    def _following_changed(self, track_id: int | None) -> None:
        self._actions["follow"].setText("Follow" if track_id is None else "Stop following")
        self._selection_changed(self._timeline.selected)

    def _drawing_changed(self, is_drawing: bool) -> None:
        if is_drawing:
            self._session.window.lanes_open = True
            self._player.say("Draw the missing box around its object. Esc ends it.")
        elif self._player.message is not None and self._player.message.severity is Severity.INFO:
            self._player.message = None

    def _phase_changed(self, phase: Phase) -> None:
        if phase is Phase.PLAYING:
            self._timeline.is_drawing = False
            self.tools.let_go()
        self._view.update()

    def _in_view_toggled(self, is_on: bool) -> None:
        self._timeline.sift(in_view=is_on)

    # What the user does

    def go_to(self, seconds: float) -> None:
        """Shows the picture of a time."""
        seconds = self._timeline.spans.sought(seconds)
        self._session.seek(seconds)

    def go_to_track(self, track_id: int) -> None:
        """Selects a track and shows its first picture."""
        place = self._timeline.spans.place_of(track_id)
        if place is not None:
            self._timeline.select(track_id)
            self._timeline.bring_into_view(track_id)
            self.go_to(float(self._timeline.spans.first_s[place]))

    def follow(self, track_id: int) -> None:
        """Keeps the picture on a track from now on."""
        self._timeline.select(track_id)
        self._timeline.following = track_id
        self._player.say(f"Following #{track_id}. Esc ends it.")

    def toggle_follow(self) -> None:
        if self._timeline.following is not None:
            self.stop_following()
        elif self._timeline.chosen is not None:
            self.follow(self._timeline.chosen)

    def stop_following(self) -> None:
        """Ends it, and shows the whole picture again."""
        if self._timeline.following is not None:
            self._timeline.following = None
            self._player.message = None
            self._view.fit()

    def escape(self) -> bool:
        """Ends what is under way. Returns whether there was something."""
        if self._timeline.is_drawing or self.tools.is_dragging:
            self._timeline.is_drawing = False
            self.tools.let_go()
            return True
        if self._timeline.following is not None:
            self.stop_following()
            return True
        if self._session.window.lanes_open and self._timeline.selected:
            self._timeline.select(None)
            return True
        return False

    def find(self) -> None:
        self._session.window.lanes_open = True
        self.panel.filter.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.panel.filter.search.selectAll()

    def open_tracks(self) -> None:
        folder = self._session.window.last_folder or str(videos_folder())
        dialogs.ask_open(self._parent, "Open tracks", folder, TRACKS, self._tracks_chosen)

    def _tracks_chosen(self, paths: list[str]) -> None:
        self.show_tracks(Path(paths[0]))

    def show_tracks(self, path: Path) -> None:
        """Opens a track file beside what plays."""
        self._session.window.last_folder = str(path.parent)
        self._session.window.lanes_open = True
        self._session.files.open_tracks(path)

    def export(self, then: Callable[[], None] = lambda: None) -> None:
        """Asks where to, and calls `then` once they are there."""
        path = dated_path(videos_folder(), self._player.source, ".csv")
        filters = ";;".join(f"{_NAMES.get(suffix, suffix[1:])} (*{suffix})" for suffix in FORMATS)
        dialog = dialogs.ask_save(
            self._parent, "Export tracks", path, filters, partial(self._export_to, then)
        )
        dialog.filterSelected.connect(partial(_use_suffix_of, dialog))

    def save_run(self, then: Callable[[], None] = lambda: None) -> None:
        """Asks where to, and calls `then` once it is there."""
        path = dated_path(videos_folder(), self._player.source, KEPT_SUFFIX)
        filters = f"Kept runs (*{KEPT_SUFFIX})"
        dialogs.ask_save(self._parent, "Save run", path, filters, partial(self._save_run_to, then))

    def _save_run_to(self, then: Callable[[], None], name: str) -> None:
        self._session.files.save_run(Path(name), then)

    def _export_to(self, then: Callable[[], None], name: str) -> None:
        self._session.files.export_tracks(Path(name), then)


def _use_suffix_of(dialog: QFileDialog, chosen: str) -> None:
    """The format that was chosen in the list is that of the name too."""
    suffix = chosen.rpartition("*")[2].rstrip(")")
    named = dialog.selectedFiles()
    if named:
        dialog.setDefaultSuffix(suffix.lstrip("."))
        dialog.selectFile(Path(named[0]).with_suffix(suffix).name)


_NAMES = {
    ".csv": "CSV table", ".txt": "MOTChallenge", ".jsonl": "JSON lines", ".json": "COCO JSON",
    ".parquet": "Parquet table",
}  # fmt: skip
