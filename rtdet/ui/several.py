"""What can be done with several sources in one window: opened beside each other, closed, played, recorded and saved
all at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QBuffer, QIODevice, QObject
from PyQt6.QtGui import QKeySequence, QShortcut

from rtdet.ui.actions import OF_SEVERAL
from rtdet.ui.open_several import OpenSeveralDialog
from rtdet.ui.source_page import SourcePage
from rtdet.ui.watching import watch
from rtdet.viewer.names import dated_path, pictures_folder
from rtdet.viewer.notices import line_about
from rtdet.viewer.player import Message, Phase, Severity
from rtdet.viewer.viewer_sink import write_png

if TYPE_CHECKING:
    from rtdet.ui.main_window import MainWindow

CLOSE_S = 2.0
# What one more recording may take until its file is whole, where all of them are finished at once.
_EACH_RECORDING_S = 0.5


class SeveralSources(QObject):
    """Works for a window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._pages, self._sources = window, window.pages, window.sources
        self._actions, self._state = window.own_actions, window.state
        self._settled: set[SourcePage] = set()
        self._saved: list[Path] = []  # the recordings that the notice on screen, `_said`, names
        self._said: Message | None = None
        self._actions.connect(
            open_several=lambda: OpenSeveralDialog(window, window.state, self.open).open(),
            close_source=lambda: self.close(self._pages.current),
            snapshot_all=self.snapshot, record_all=self.record, play_all=self.play,
            all_sources=self._pages.show_grid,
        )  # fmt: skip
        for number in range(1, 10):
            key = QShortcut(QKeySequence(str(number)), window)
            key.activated.connect(lambda number=number: self._enlarge(number))
        self._pages.close_wanted.connect(self.close)
        watch(self, window.state, "source_count", self._count_changed, now=True)
        for page in self._pages.pages:
            self._attend(page)

    # More and fewer

    def open(self, sources: Sequence[str]) -> None:
        """Opens each of these beside what is open."""
        for source in sources:
            self.add((source,))

    def add(self, sources: Sequence[str]) -> None:
        """One more source, which plays these one after the other. It takes the place of one that shows nothing."""
        page = self._pages.current
        if self._state.has_several or page.player.phase is not Phase.EMPTY or page.player.loading:
            session = self._sources.add_as_started(sources[0])
            page = self._window.made_page(session)
            self._attend(page)
            self._pages.add(page)
            self._pages.show_grid()
        page.session.play(*sources)

    def close(self, page: SourcePage) -> None:
        """Closes a source, after asking where edits would be lost. The last one stays."""
        if not self._pages.are_several or page not in self._pages.pages:
            return
        if page.session.review.unsaved:
            self._pages.enlarge(page)
            page.session.ask_unsaved(lambda: self._close(page))
        else:
            self._close(page)

    def _close(self, page: SourcePage) -> None:
        self._pages.remove(page)
        self._sources.remove(page.session, CLOSE_S, page.discard)

    def ask_unsaved(self, then: Callable[[], None]) -> bool:
        """Shows the first source whose edits would be lost and asks what is to become of them, and so on; `then` is
        called after the last one. False, and nothing is asked, where there is none."""
        left = [
            page for page in self._pages.pages if page.session.review.unsaved and page not in self._settled
        ]
        if not left:
            self._settled.clear()
            return False
        page = left[0]

        def go_on() -> None:
            self._settled.add(page)
            if not self.ask_unsaved(then):
                then()

        if self._pages.current is not page or self._pages.is_grid:
            self._pages.enlarge(page)
        page.session.ask_unsaved(go_on)
        return True

    @property
    def close_limit_s(self) -> float:
        """How long the end of everything may take."""
        recordings = sum(page.player.recording is not None for page in self._pages.pages)
        return CLOSE_S + _EACH_RECORDING_S * max(recordings - 1, 0)

    # All at once

    def play(self) -> None:
        """Pauses all of them, or, where none plays, has all of them play."""
        is_playing = self._is_any_playing
        for page in self._pages.pages:
            wanted = Phase.PLAYING if is_playing else Phase.PAUSED
            if page.player.phase is wanted:
                page.session.toggle_play()

    def record(self) -> None:
        """Records all of them, or, where any is recorded, ends that."""
        recorded = [page for page in self._pages.pages if page.player.recording is not None]
        for page in recorded or self._pages.pages:
            if recorded or page.player.phase in (Phase.PLAYING, Phase.PAUSED):
                page.session.toggle_recording()

    def snapshot(self) -> None:
        """Saves what the grid shows as a picture."""
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        self._pages.grid.grab().save(buffer, "PNG")
        png, path = bytes(buffer.data().data()), dated_path(pictures_folder(), "all", ".png")
        state = self._state
        self._pages.current.session.jobs.run(
            lambda: write_png(path, png),
            done=lambda _none: state.say(f"Snapshot saved: {path}"),
            failed=lambda error: state.say(line_about(error), Severity.ERROR),
        )

    def _enlarge(self, number: int) -> None:
        if self._pages.are_several and number <= len(self._pages.pages):
            self._pages.enlarge(self._pages.pages[number - 1])

    # What the states say

    def _attend(self, page: SourcePage) -> None:
        page.player.watch("phase", self._changed)
        page.player.watch("recording", self._changed)
        page.player.watch("message", lambda message: self._say_of_tile(page, message))

    def _say_of_tile(self, page: SourcePage, message: Message | None) -> None:
        """Says above the tiles what a source says, but for why it does not play, which is in its tile."""
        if message is None or not self._pages.is_grid:
            return
        if message.recording is not None:
            self._say_saved(page, message, message.recording)
        elif not message.retry and message.text != page.player.trouble:
            self._state.say(f"{page.name}: {message.text}", message.severity)

    def _say_saved(self, page: SourcePage, message: Message, recording: Path) -> None:
        """A notice names all recordings that were saved while it was on screen: those that end at once."""
        is_alone = self._said is None or self._state.message is not self._said
        self._saved = [recording] if is_alone else [*self._saved, recording]
        text = f"{page.name}: {message.text}" if is_alone else saved_line(self._saved)
        self._state.say(text, message.severity, recording=recording)
        self._said = self._state.message

    def _count_changed(self, count: int) -> None:
        for name in OF_SEVERAL:
            self._actions[name].setEnabled(count > 1)
        self._changed()

    @property
    def _is_any_playing(self) -> bool:
        return any(page.player.phase is Phase.PLAYING for page in self._pages.pages)

    def _changed(self, _value: object = None) -> None:
        is_recording = any(page.player.recording is not None for page in self._pages.pages)
        self._actions["play_all"].setText(f"{'Pause' if self._is_any_playing else 'Play'} all sources")
        self._actions["record_all"].setText(
            "Stop recording all sources" if is_recording else "Record all sources"
        )


def saved_line(recordings: Sequence[Path]) -> str:
    """`2 recordings saved in Videos: door.mp4, yard.mp4`; with their folders where they are in several."""
    folders = {path.parent for path in recordings}
    where = f" in {recordings[0].parent}" if len(folders) == 1 else ""
    names = ", ".join(path.name if where else str(path) for path in recordings)
    return f"{len(recordings)} recordings saved{where}: {names}"
