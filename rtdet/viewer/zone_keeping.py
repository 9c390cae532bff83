"""Where the lines and zones of what is open come from, and where they are kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rtdet.config import RunConfig
from rtdet.counting import Zones, read_zones, write_zones, zones_from_text, zones_to_text
from rtdet.errors import RtdetError
from rtdet.ground import scale_in_text
from rtdet.kept import KeptRun, is_kept_run
from rtdet.kept.reading import keep_document
from rtdet.video.sources.inputs import file_of
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.notices import line_about
from rtdet.viewer.player import PlayerState, Severity
from rtdet.viewer.zone_editor import ZoneEditor
from rtdet.viewer.zone_store import ZoneStore
from rtdet.viewer.zone_units import in_fractions

# A change is written once the hand rests; a run that is not there yet is waited for.
_SAVE_AFTER_S, _RUN_AFTER_S = 0.4, 1.5
_MOST_TRIES = 20


class ZoneKeeping:
    """They come from the file that the run was started with, from the kept run that is the source, or from what was
    remembered of the source; they are remembered, and written into the kept run of what is watched.

    Belongs to the GUI's thread. current_run: where the run is kept, None: nowhere. on_loaded is called once those of
    a source are known. is_loading: they are not yet.
    """

    def __init__(
        self,
        editor: ZoneEditor,
        player: PlayerState,
        jobs: Jobs,
        current_run: Callable[[], Path | None],
        on_loaded: Callable[[], None],
    ) -> None:
        self.store = ZoneStore(None)
        self.is_loading = False
        self._editor, self._player, self._jobs = editor, player, jobs
        self._current_run, self._on_loaded = current_run, on_loaded
        self._source = ""
        self._given: tuple[str, frozenset[str]] | None = None
        self._is_unsaved, self._is_unkept = False, False
        self._changed_at = self._kept_at = 0.0
        self._tries = 0
        editor.watch("zones", self._changed)

    @property
    def is_kept(self) -> bool:
        """Whether everything is where it belongs."""
        return not (self.is_loading or self._is_unsaved or self._is_unkept)

    def opened(self, config: RunConfig, picture: tuple[int, int] | None) -> None:
        """A source is open from now on, perhaps the one of before again. picture: its size."""
        if self._given is None:
            sources = frozenset({config.source, *self._player.queue})
            self._given = config.zones or "", sources
        self._tries = 0
        if config.source == self._source:
            self._is_unkept = self._is_something
            return
        self.save_now()
        self.is_loading = True  # nothing of what comes now is a change of the user's
        self._editor.load(Zones())
        self._source = config.source
        self._load(config.source, picture)

    def _load(self, source: str, picture: tuple[int, int] | None) -> None:
        given, sources = self._given or ("", frozenset())
        path = given if source in sources else ""
        store = self.store

        def load() -> Zones:
            zones = read_zones(path) if path else _of_kept_run(source)
            zones = store.load(source) if zones is None else zones
            return Zones() if zones is None else in_fractions(zones, picture)

        def loaded(zones: Zones) -> None:
            if source != self._source:
                return
            self._editor.load(zones)
            self.is_loading = False
            self._is_unkept = self._is_something
            self._on_loaded()

        def failed(error: Exception) -> None:
            self.is_loading = self.is_loading and source != self._source
            self._player.say(line_about(error), Severity.ERROR)

        self._jobs.run(load, done=loaded, failed=failed, lane="zones", is_awaited=False)

    def _changed(self, _zones: Zones) -> None:
        if not self.is_loading and self._source:
            self._is_unsaved = self._is_unkept = True
            self._changed_at, self._tries = time.monotonic(), 0

    @property
    def _is_something(self) -> bool:
        return len(self._editor.zones) > 0 or self._editor.zones.ground is not None

    def poll(self) -> None:
        """Called some twenty times a second."""
        now = time.monotonic()
        if self._is_unsaved and now - self._changed_at >= _SAVE_AFTER_S:
            self.save_now()
        if self._is_unkept and now - max(self._kept_at, self._changed_at) >= _RUN_AFTER_S:
            self._keep()

    def save_now(self) -> None:
        """Remembers what was changed for the next time that this source is opened."""
        if not self._is_unsaved:
            return
        self._is_unsaved = False
        store, source, zones = self.store, self._source, self._editor.zones
        self._jobs.run(lambda: store.save(source, zones), lane="zones")

    def _keep(self) -> None:
        """Writes them into the kept run of what is watched, once there is one."""
        run = self._current_run()
        self._kept_at, self._is_unkept = time.monotonic(), False
        if run is None:
            return
        text = zones_to_text(self._editor.zones) if self._is_something else None
        self._tries += 1
        is_last = self._tries >= _MOST_TRIES

        def keep() -> bool:
            """Whether it is done; a run that has only begun has no room for it yet."""
            if not is_kept_run(run):
                return False
            try:
                keep_document(run, "zones", text)
            except RtdetError:
                if is_last:
                    raise
                return False
            return True

        def kept(done: bool) -> None:
            if not done and not is_last and self._current_run() == run:
                self._is_unkept = True

        self._jobs.run(keep, done=kept, lane="zones")

    def close(self) -> None:
        """Nothing that was drawn is lost."""
        self.save_now()
        if self._is_unkept:
            self._keep()

    # Files

    def open_file(self, path: Path, picture: tuple[int, int] | None) -> None:
        """Takes the lines and zones of a file, in place of those that are there; this can be undone."""

        def read() -> Zones:
            zones = read_zones(path)
            scale_in_text(zones_to_text(zones), str(path))
            return in_fractions(zones, picture)

        def taken(zones: Zones) -> None:
            if self._editor.change(zones):
                self._player.say(f"{_number(zones)} from {path.name}")

        self._jobs.run(read, done=taken, lane="zones", is_awaited=False)

    def save_file(self, path: Path) -> None:
        """Writes them to a file of the user's, as fractions: it fits every camera."""
        zones = self._editor.zones
        self._jobs.run(
            lambda: write_zones(path, zones),
            done=lambda _written: self._player.say(f"Saved to {path}"),
            lane="zones",
        )


def _number(zones: Zones) -> str:
    lines, areas = len(zones.lines), len(zones.zones)
    texts = [f"{n} {word}{'s' if n != 1 else ''}" for n, word in ((lines, "line"), (areas, "zone")) if n]
    return " and ".join(texts) or "No lines or zones"


def _of_kept_run(source: str) -> Zones | None:
    """Those that were kept with a run; None for another source."""
    path = file_of(source)
    if path is None or not is_kept_run(path):
        return None
    try:
        with KeptRun(path) as run:
            text = run.document("zones")
    except RtdetError:  # it is said where it is opened
        return None
    return None if text is None else zones_from_text(text, f"the zones of {path}")
