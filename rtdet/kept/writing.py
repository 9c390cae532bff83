"""Writes a kept run as it goes."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtdet.errors import OutputError, SourceError
from rtdet.kept.about import About
from rtdet.kept.reading import KeptRun, is_kept_run
from rtdet.kept.schema import KEPT_SUFFIX, MOST, TABLES
from rtdet.output_file import check_output, is_stream, suffix_of
from rtdet.output_lock import OutputLock
from rtdet.pipeline.grid import A_PIXEL, FULL_SCORE
from rtdet.pipeline.kept_frame import KeptFrame
from rtdet.types import Detections

log = logging.getLogger("rtdet.kept")

# What is lost at kill -9 is what came since the last flush.
_FLUSH_EVERY_S = 0.8
_MOST_WAITING = 500
# Whoever copies the file meanwhile, perhaps to a slow disk, holds it for as long.
_PATIENCE_S = 120.0
# So much of a file that is too long is forgotten at once.
_FORGOTTEN = 0.05
_FRAME = "INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
# In place of one that was only dropped; one that was looked at stays.
_CARRIED = """INSERT INTO frames (frame, time_s, pts, width, height, name, dropped) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (frame) DO UPDATE SET time_s = excluded.time_s, pts = excluded.pts, width = excluded.width,
height = excluded.height, name = excluded.name, dropped = excluded.dropped WHERE frames.dropped IS NOT NULL"""
_STEPS = np.array([A_PIXEL, A_PIXEL, FULL_SCORE])


@dataclass(frozen=True)
class KeepPlace:
    """Where a run is kept. goes_on: in the file that is there, if it is of the same source and classes. most_bytes:
    see KeptRunWriter. is_wanted: somebody asked for it, so that a failure is the run's; else it is a warning."""

    path: Path
    goes_on: bool = False
    most_bytes: int | None = None
    is_wanted: bool = True


class KeptRunWriter:
    """A kept run at `path`, for a pipeline to write to (pipeline.keeping.Keeper).

    The file is made at the first frame, in place of an older one. Frames are written together, every second or so, in
    one short transaction, so that whoever reads the file or puts something in it is not kept waiting; between two of
    them it is whole. A file system that loses power may lose some seconds more. `about` is asked once, at the first
    frame; `documents` are there from then on, by name. most_bytes: the oldest frames are forgotten where the file
    would become longer. goes_on, is_wanted: see KeepPlace. Raises OutputError: the path cannot be written, another
    run writes it, the disk is full.
    """

    def __init__(
        self,
        path: str | Path,
        about: Callable[[], About],
        documents: Mapping[str, str] = {},
        *,
        most_bytes: int | None = None,
        goes_on: bool = False,
        is_wanted: bool = True,
    ) -> None:
        self.path = check_output(path)
        if is_stream(self.path):
            raise OutputError(f"{self.path} is a pipe or a device, but a kept run is a database; name a file")
        suffix_of(path, "kept run", (KEPT_SUFFIX,))
        self._about, self._most_bytes = about, most_bytes
        self._documents = dict(documents)
        self._goes_on, self._is_wanted, self._has_failed = goes_on, is_wanted, False
        self._lock: OutputLock | None = OutputLock(self.path)
        self._database: sqlite3.Connection | None = None
        self._classes: dict[str, int] = {}
        self._labels: dict[tuple[str, ...], np.ndarray] = {}
        self._size = (0, 0)
        self._waiting: list[KeptFrame] = []
        self._flushed_at = 0.0

    def write(self, frame: KeptFrame) -> None:
        """Adds a frame, in place of an earlier one of its number unless it was only dropped this time."""
        if self._lock is None:
            raise OutputError(f"{self.path} is already closed")
        self._waiting.append(frame)
        if len(self._waiting) >= _MOST_WAITING or time.monotonic() - self._flushed_at >= _FLUSH_EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Has everything in the file that was written so far."""
        if not self._waiting or self._has_failed:
            self._waiting.clear()
            return
        frames, self._waiting = self._waiting, []
        try:
            self._write_all(frames)
        except OutputError as error:
            if self._is_wanted:
                raise
            self._has_failed = True
            log.warning("what is watched is no longer kept: %s", error)
        self._flushed_at = time.monotonic()

    def _write_all(self, frames: Sequence[KeptFrame]) -> None:
        with self._errors():
            database = self._open()
            self._check_in_place()
            with database:
                for frame in frames:
                    if frame.candidates is None:
                        self._write_dropped(database, frame)
                    else:
                        self._write_frame(database, frame, frame.candidates)
                self._forget(database)

    def close(self) -> None:
        """Completes the file; may be called twice."""
        try:
            self.flush()
        finally:
            database, self._database = self._database, None
            if database is not None:
                with suppress(sqlite3.Error):
                    database.close()
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def _open(self) -> sqlite3.Connection:
        if self._database is None and self._goes_on and self._reopen():
            self._goes_on = False
        if self._database is None:
            for old in (self.path, self.path.with_name(f"{self.path.name}-journal")):
                old.unlink(missing_ok=True)
            # Each commit brings the file itself up to date: there is never a second one that a copy would miss.
            self._database = sqlite3.connect(
                self.path, check_same_thread=False, isolation_level="DEFERRED", timeout=_PATIENCE_S
            )
            # Small pages: each table takes one at least, also for a run of a few seconds.
            self._database.execute("PRAGMA page_size = 1024")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.executescript(TABLES)
            about = self._about()
            self._size = about.size
            self._database.executemany("INSERT INTO about VALUES (?, ?)", about.as_texts().items())
            self._database.executemany("INSERT INTO documents VALUES (?, ?)", self._documents.items())
            self._class_ids(about.class_names)
            self._database.commit()
        return self._database

    def _reopen(self) -> bool:
        """Opens what is there, if it can be gone on with."""
        if not is_kept_run(self.path):
            return False
        try:
            with KeptRun(self.path) as run:
                before, about = run.about, self._about()
                fits = (
                    before.source == about.source
                    and before.fingerprint == about.fingerprint
                    and not run.damage
                )
                if not fits or before.class_names != about.class_names:
                    return False
                self._classes = {name: i for i, name in enumerate(run.class_names)}
                self._size = before.size
        except SourceError:
            return False
        self._database = sqlite3.connect(self.path, check_same_thread=False, timeout=_PATIENCE_S)
        self._database.execute("PRAGMA synchronous = NORMAL")
        return True

    def _write_dropped(self, database: sqlite3.Connection, frame: KeptFrame) -> None:
        time_s = None if np.isnan(frame.t) else frame.t
        if frame.is_carried:
            width, height = (None, None) if frame.size == self._size else frame.size
            values = (frame.number, time_s, frame.pts, width, height, frame.name or None, frame.dropped)
            database.execute(_CARRIED, values)
            return
        rows = (
            (number, time_s, frame.pts, frame.name or None, frame.dropped)
            for number in range(frame.number, frame.number + 1 + frame.and_more)
        )
        database.executemany(
            "INSERT OR IGNORE INTO frames (frame, time_s, pts, name, dropped) VALUES (?, ?, ?, ?, ?)", rows
        )

    def _write_frame(self, database: sqlite3.Connection, frame: KeptFrame, candidates: Detections) -> None:
        candidates = candidates[:MOST]
        width, height = (None, None) if frame.size == self._size else frame.size
        camera = None if frame.camera_step is None else frame.camera_step.astype("<f8").tobytes()
        values = (
            frame.number,
            frame.t,
            frame.pts,
            width,
            height,
            frame.name or None,
            None,
            camera,
            len(candidates),
        )
        is_new = database.execute(f"INSERT OR IGNORE {_FRAME}", values).rowcount
        first = frame.number * MOST
        if not is_new:
            database.execute(f"REPLACE {_FRAME}", values)
            for table in ("candidates", "points"):
                database.execute(f"DELETE FROM {table} WHERE id >= ? AND id < ?", (first, first + MOST))
        if len(candidates):
            database.executemany(
                "INSERT INTO candidates VALUES (?, ?, ?, ?, ?, ?, ?)", self._rows(first, candidates)
            )
            database.executemany("INSERT INTO points VALUES (?, ?)", _points(first, candidates))

    def _rows(self, first: int, candidates: Detections) -> Iterator[tuple[Any, ...]]:
        boxes = np.rint(candidates.boxes * A_PIXEL).astype(np.int64).tolist()
        scores = np.rint(candidates.scores * FULL_SCORE).astype(np.int64).tolist()
        names = tuple(candidates.class_names)
        unnamed = range(len(names), int(candidates.labels.max()) + 1)
        classes = self._class_ids((*names, *map(str, unnamed)), candidates.labels)
        for i, (box, score, label) in enumerate(zip(boxes, scores, classes, strict=True)):
            yield first + i, *box, score, label

    def _class_ids(self, names: tuple[str, ...], labels: np.ndarray | None = None) -> list[int]:
        """The numbers of the labels' classes in the file: of the first model its own, of others behind them."""
        if labels is None or names not in self._labels:
            for name in names:
                if name not in self._classes:
                    self._classes[name] = len(self._classes)
                    assert self._database is not None
                    self._database.execute("INSERT INTO classes VALUES (?, ?)", (self._classes[name], name))
            self._labels[names] = np.array([self._classes[name] for name in names], dtype=np.int64)
        if labels is None:
            return []
        numbers: list[int] = self._labels[names][labels].tolist()
        return numbers

    def _forget(self, database: sqlite3.Connection) -> None:
        """Deletes the oldest frames of a file that has grown too long; their place is used again."""
        if self._most_bytes is None:
            return
        pages, free, size = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        used = (pages - free) * size
        if used <= self._most_bytes:
            return
        first, last = database.execute("SELECT min(frame), max(frame) FROM frames").fetchone()
        share = _FORGOTTEN + (used - self._most_bytes) / used
        end = first + max(1, int((last - first) * share))
        database.execute("DELETE FROM frames WHERE frame < ?", (end,))
        for table in ("candidates", "points"):
            database.execute(f"DELETE FROM {table} WHERE id < ?", (end * MOST,))

    def _check_in_place(self) -> None:
        if not os.path.exists(self.path):
            raise OutputError(
                f"{self.path} was deleted or moved while it was being written; what comes after is lost"
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            reason = str(error)
            if "full" in reason:
                raise OutputError(
                    f"the disk is full: {self.path} is incomplete; free some space or choose another folder"
                ) from error
            raise OutputError(f"cannot write {self.path}: {reason}") from error
        except OSError as error:
            raise OutputError(
                f"cannot write {self.path}: {(error.strerror or str(error)).lower()}"
            ) from error


def _points(first: int, candidates: Detections) -> Iterator[tuple[int, bytes]]:
    """The rows of the candidates' key points."""
    if candidates.points is not None:
        whole = np.rint(candidates.points * _STEPS).astype("<i4")
        for i, of_one in enumerate(whole):
            yield first + i, of_one.tobytes()
