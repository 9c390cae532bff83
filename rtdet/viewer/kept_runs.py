"""Where the viewer keeps what is watched: in the cache, until it is closed or the run is saved."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from rtdet.cache import writable_cache
from rtdet.config import RunConfig
from rtdet.errors import OutputError, SourceError
from rtdet.kept import KeptRun, KeptRunWriter, is_kept_run
from rtdet.kept.reading import is_malformed, keep_document
from rtdet.kept.schema import KEPT_SUFFIX
from rtdet.kept.writing import KeepPlace
from rtdet.output_file import check_output, replacing
from rtdet.video.sources.inputs import file_of

log = logging.getLogger("rtdet.viewer")

# Five hours of a camera at 30 frames a second with 30 candidates in each.
MOST_BYTES = 512 * 2**20
_STALE_S = 7 * 24 * 3600.0
_numbers = itertools.count(1)  # of the runs of this process


class KeptRuns:
    """The kept run of what is watched. `place_for` is called from worker threads, one at a time.

    A file that is opened again goes on with its run, so that going back into it loses nothing; anything else begins a
    new one, in place of the last. current: the run of what is watched; is_old: it is a file that was kept at another
    time. folder: where runs are, None where nothing can be kept. most_bytes: how large one may become.
    """

    def __init__(
        self,
        folder: Callable[[], Path | None] = lambda: writable_cache("runs"),
        most_bytes: Callable[[], int] = lambda: MOST_BYTES,
    ) -> None:
        self._folder_of, self._is_looked_for = folder, False
        self._folder: Path | None = None
        self._most_bytes = most_bytes
        self._of: tuple[str, str] | None = None
        self._own: set[Path] = set()
        self.current: Path | None = None
        self.is_old = False

    def place_for(self, config: RunConfig) -> KeepPlace | None:
        """Where the run of this source is to be kept; None: nowhere. Of a kept run nothing is kept again."""
        path = file_of(config.source)
        if path is not None and is_kept_run(path):
            self.current, self._of, self.is_old = path, None, True
            return None
        self.is_old = False
        of = _what_is_watched(config)
        if self.goes_on(config) and self.current is not None:
            return KeepPlace(self.current, goes_on=True, most_bytes=self._most(self.current), is_wanted=False)
        self._of = of
        if config.keep is not None:
            self.current = Path(config.keep)
            return KeepPlace(self.current)
        folder = self._folder_with_room()
        if folder is None:
            self.current = None
            return None
        self.current = folder / f"{os.getpid()}-{next(_numbers)}{KEPT_SUFFIX}"
        self._own.add(self.current)
        return KeepPlace(self.current, most_bytes=self._most_bytes(), is_wanted=False)

    @property
    def watched(self) -> tuple[Path | None, tuple[str, str] | None, bool]:
        """What `place_for` has noted, for `go_back`."""
        return self.current, self._of, self.is_old

    def go_back(self, watched: tuple[Path | None, tuple[str, str] | None, bool]) -> None:
        """The source that a place was asked for could not be opened: what was watched before still is."""
        self.current, self._of, self.is_old = watched

    def goes_on(self, config: RunConfig) -> bool:
        """Whether opening this goes on with the run of what is watched now."""
        path = file_of(config.source)
        if path is not None and is_kept_run(path):
            return path == self.current
        can_be_again = path is not None or config.source.partition(":")[0] == "demo"
        is_the_same = can_be_again and _what_is_watched(config) == self._of
        return is_the_same and self.current is not None and config.keep is None

    @property
    def is_own(self) -> bool:
        """Whether the run of what is watched is removed at the end, as nobody has asked for it."""
        return self.current in self._own

    def clear(self) -> None:
        """Removes the runs that nobody looks at any more."""
        self._remove(self._own - {self.current} if self.current is not None else self._own)

    def close(self) -> None:
        """Removes all runs that were not asked for; saved ones are copies."""
        self._remove(self._own)

    def _most(self, path: Path) -> int | None:
        return self._most_bytes() if path in self._own else None

    def _remove(self, paths: set[Path]) -> None:
        for path in set(paths):
            for one in (path, path.with_name(f"{path.name}-journal")):
                with suppress(OSError):
                    one.unlink(missing_ok=True)
            if not path.exists():
                self._own.discard(path)

    def _folder_with_room(self) -> Path | None:
        if not self._is_looked_for:
            self._is_looked_for = True
            self._folder = self._folder_of()
            if self._folder is not None:
                _remove_stale(self._folder)
        folder = self._folder
        try:
            is_room = folder is not None and shutil.disk_usage(folder).free > 2 * MOST_BYTES
        except OSError:
            is_room = False
        return folder if is_room else None


def _what_is_watched(config: RunConfig) -> tuple[str, str]:
    """The source and the model that a run is of."""
    path = file_of(config.source)
    return str(path.resolve()) if path is not None else config.source, config.model


def save_run(run: Path, path: Path, documents: Mapping[str, str] = {}) -> None:
    """Copies a kept run as it is now, which may still be written, to a file of the user's; of a damaged one what
    can be read. `documents` are put into it besides. Raises OutputError; SourceError, where nothing can be read."""
    try:
        _copy(run, path)
    except OutputError as error:
        if not is_malformed(error):
            raise
        _save_what_is_left(run, path)
    for name, text in documents.items():
        keep_document(path, name, text)


def _save_what_is_left(run: Path, path: Path) -> None:
    with KeptRun(run) as damaged:
        about = replace(damaged.about, class_names=damaged.class_names)
        documents = {}
        for name in ("edits", "looked_at", "zones"):
            with suppress(SourceError):  # it is what was lost
                text = damaged.document(name)
                if text is not None:
                    documents[name] = text
        with replacing(path) as part:
            whole = part.with_name(f"{part.name}{KEPT_SUFFIX}")  # no other name is written to
            writer = KeptRunWriter(whole, lambda: about, documents)
            try:
                for one in damaged.walk():
                    writer.write(one)
                writer.close()
                if not whole.exists():
                    raise SourceError(f"{run} is damaged, and none of its frames can be read")
                whole.replace(part)
            finally:
                writer.close()
                whole.unlink(missing_ok=True)


def _copy(run: Path, path: Path) -> None:
    check_output(path)
    with replacing(path) as part:
        part.unlink(missing_ok=True)
        try:
            with (
                closing(sqlite3.connect(run, timeout=10)) as source,
                closing(sqlite3.connect(part)) as target,
            ):
                source.backup(target)
        except sqlite3.Error as error:
            raise OutputError(f"cannot write {path}: {error}") from error


def _remove_stale(folder: Path) -> None:
    """Removes what a viewer left that was killed."""
    for path in folder.glob(f"*{KEPT_SUFFIX}*"):
        owner = path.name.partition("-")[0]
        with suppress(OSError):
            is_old = time.time() - path.stat().st_mtime > _STALE_S
            if is_old or (owner.isdecimal() and not _is_running(int(owner))):
                path.unlink()


def _is_running(process: int) -> bool:
    """Whether there is such a process; True where that cannot be told."""
    if os.name == "nt":
        return True  # os.kill would end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
