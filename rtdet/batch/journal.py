"""What is done of a batch: a database that survives whatever happens to the processes that write it.

Only the driver writes it, and an entry is made after what it tells of is in its place: whoever goes on after a kill
does the work again that the journal does not know of, and puts it in the same place.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rtdet.batch.keys import key_of
from rtdet.batch.manifest import Listed
from rtdet.errors import OutputError, SourceError, UsageError
from rtdet.tracks.rows import well_formed

FORMAT = 1
WAITING, IN_PIECES, DONE, FAILED = "waiting", "in pieces", "done", "failed"

# What is known of a source when it is done, and the type of each in the `sources` table.
FACTS: Mapping[str, type] = {
    "hash": str, "bytes": int, "duration_s": float, "frames": int, "width": int, "height": int, "fps": float,
    "rows": int, "warning": str, "model": str, "model_hash": str, "version": str,
    "pieces": int, "seconds": float, "machine": str,
}  # fmt: skip

_SQL_TYPES = {str: "TEXT", int: "INTEGER", float: "REAL"}
_TABLES = f"""
PRAGMA user_version = {FORMAT};
CREATE TABLE batch (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sources (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, source TEXT NOT NULL, settings TEXT,
    state TEXT NOT NULL DEFAULT '{WAITING}', attempts INTEGER NOT NULL DEFAULT 0, error TEXT, is_one INTEGER,
    {", ".join(f"{name} {_SQL_TYPES[kind]}" for name, kind in FACTS.items())}
);
CREATE INDEX by_state ON sources (state, attempts, number);
CREATE TABLE pieces (
    number INTEGER NOT NULL, piece INTEGER NOT NULL, begins INTEGER, ends INTEGER, is_done INTEGER NOT NULL DEFAULT 0,
    seconds REAL, PRIMARY KEY (number, piece)
) WITHOUT ROWID;
CREATE INDEX pieces_left ON pieces (is_done, number, piece);
"""
_TOGETHER = 5_000
# Of a source that was not looked at to its end, the seconds that were, by its frames.
_LOOKED_AT_S = "CASE WHEN frames > 0 AND fps > 0 THEN min(duration_s, frames / fps) ELSE duration_s END"


@dataclass(frozen=True)
class Source:
    """A source as the journal has it."""

    number: int
    key: str
    source: str
    settings: Mapping[str, Any] | None
    state: str
    attempts: int
    error: str
    is_one: bool


@dataclass(frozen=True)
class Piece:
    """A piece of a source that is still to be done."""

    source: Source
    piece: int
    begin: int | None
    end: int | None


@dataclass(frozen=True)
class Counts:
    """How much of a batch is done. duration_s: of the video that was looked at, pieces with it. pieces, pieces_done:
    of the sources that are being done in pieces, and left_in_pieces_s the seconds of video in those that are left.
    known, known_s, known_bytes: how many sources there are whose length is known, and all seconds and bytes of them.
    first_waiting: the number of a source."""

    waiting: int = 0
    in_pieces: int = 0
    done: int = 0
    failed: int = 0
    frames: int = 0
    duration_s: float = 0.0
    seconds: float = 0.0
    pieces: int = 0
    pieces_done: int = 0
    left_in_pieces_s: float = 0.0
    known: int = 0
    known_s: float = 0.0
    known_bytes: int = 0
    first_waiting: int = 0

    @property
    def total(self) -> int:
        return self.waiting + self.in_pieces + self.done + self.failed


_SOURCE = "number, key, source, settings, state, attempts, error, is_one"


def _source(row: Sequence[Any]) -> Source:
    number, key, source, settings, state, attempts, error, is_one = row
    return Source(
        number,
        key,
        _loaded(source),
        json.loads(settings) if settings else None,
        state,
        attempts,
        error or "",
        bool(is_one),
    )


class Journal:
    """The journal at `path`, made where there is none; `path` None: one for this process alone, on the disk.

    Raises OutputError where it cannot be written, SourceError where it is damaged."""

    def __init__(self, path: Path | None, *, reads_only: bool = False) -> None:
        self._path = path
        with self._errors():
            if reads_only and path is not None:
                # Not mode=ro: what a kill left of a change is taken back by whoever opens the journal next.
                self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=30)
            else:
                self._db = sqlite3.connect(path or "", timeout=30, isolation_level="DEFERRED")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and not reads_only:
                # In one transaction: a kill leaves all tables or none.
                self._db.executescript(f"BEGIN; {_TABLES} COMMIT;")
            elif version != FORMAT:
                raise SourceError(f"{path} is no journal of a batch that this version of rtdet can read")

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._db.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # What the batch is

    def about(self) -> dict[str, Any]:
        """What was noted of the batch as a whole."""
        with self._errors():
            return {
                name: json.loads(text) for name, text in self._db.execute("SELECT name, value FROM batch")
            }

    def note(self, **values: Any) -> None:
        with self._errors(), self._db:
            texts = [
                (name, json.dumps(value, sort_keys=True, default=list)) for name, value in values.items()
            ]
            self._db.executemany("INSERT OR REPLACE INTO batch VALUES (?, ?)", texts)

    # Listing

    def add(self, sources: Iterable[Listed]) -> int:
        """Adds the sources that it does not know; gives how many those were. What is listed twice is one. Raises
        UsageError where two sources have the same name."""
        before = self._number_of_sources()
        iterator = iter(sources)
        while part := list(islice(iterator, _TOGETHER)):
            rows = [(key_of(one), _stored(one.source), _settings_text(one)) for one in part]
            with self._errors(), self._db:
                self._db.executemany(
                    "INSERT OR IGNORE INTO sources (key, source, settings) VALUES (?, ?, ?)", rows
                )
                if any(one.name for one in part):
                    self._refuse_same_names(rows)
        return self._number_of_sources() - before

    def _refuse_same_names(self, rows: Sequence[tuple[str, str | bytes, str | None]]) -> None:
        for key, source, settings in rows:
            known = self._db.execute("SELECT source, settings FROM sources WHERE key = ?", (key,)).fetchone()
            if known != (source, settings):
                raise UsageError(
                    f"two sources have the name {key}: {_loaded(known[0])} and {_loaded(source)}; give each its own"
                )

    def _number_of_sources(self) -> int:
        with self._errors():
            count: int = self._db.execute("SELECT count(*) FROM sources").fetchone()[0]
        return count

    # What is next

    def waiting(self, without: Collection[int], most: int) -> list[Source]:
        """Some sources that wait, those that were tried less often first; none of the numbers `without`."""
        with self._errors():
            rows = self._db.execute(
                f"SELECT {_SOURCE} FROM sources WHERE state = ? ORDER BY attempts, number LIMIT ?",
                (WAITING, most + len(without)),
            )
            return [one for one in map(_source, rows) if one.number not in without][:most]

    def waiting_pieces(self, without: Collection[tuple[int, int]], most: int) -> list[Piece]:
        """Some pieces that wait, in order."""
        with self._errors():
            rows = self._db.execute(
                f"SELECT pieces.piece, begins, ends, {_qualified()} FROM pieces JOIN sources USING (number) "
                "WHERE is_done = 0 ORDER BY pieces.number, pieces.piece LIMIT ?",
                (most + len(without),),
            )
            found = [Piece(_source(row[3:]), *row[:3]) for row in rows]
            return [one for one in found if (one.source.number, one.piece) not in without][:most]

    def joinable(self, without: Collection[int]) -> list[Source]:
        """Sources all of whose pieces are done."""
        with self._errors():
            rows = self._db.execute(
                f"SELECT {_SOURCE} FROM sources WHERE state = ? AND number NOT IN "
                "(SELECT number FROM pieces WHERE is_done = 0)",
                (IN_PIECES,),
            )
            return [one for one in map(_source, rows) if one.number not in without]

    def is_begun(self) -> bool:
        """Whether anything came of any source yet, if only a failure."""
        with self._errors():
            found = self._db.execute(
                "SELECT 1 FROM sources WHERE state != ? OR attempts > 0 LIMIT 1", (WAITING,)
            )
            return found.fetchone() is not None

    def is_left(self) -> bool:
        """Whether anything is still to be done."""
        with self._errors():
            found = self._db.execute(
                "SELECT 1 FROM sources WHERE state IN (?, ?) LIMIT 1", (WAITING, IN_PIECES)
            )
            return found.fetchone() is not None

    def source(self, number: int) -> Source:
        """The source of this number."""
        with self._errors():
            row = self._db.execute(f"SELECT {_SOURCE} FROM sources WHERE number = ?", (number,)).fetchone()
        return _source(row)

    def is_waiting_piece(self, number: int, piece: int) -> bool:
        """Whether a piece is still to be done."""
        with self._errors():
            row = self._db.execute(
                "SELECT is_done FROM pieces WHERE number = ? AND piece = ?", (number, piece)
            ).fetchone()
        return row is not None and not row[0]

    def pieces_of(self, number: int) -> int:
        with self._errors():
            count: int = self._db.execute(
                "SELECT count(*) FROM pieces WHERE number = ?", (number,)
            ).fetchone()[0]
        return count

    # What has happened

    def cut(self, number: int, cuts: Sequence[int], facts: Mapping[str, Any]) -> None:
        """The source is to be done in pieces that begin and end at these times."""
        edges = [None, *cuts, None]
        rows = [(number, piece, edges[piece], edges[piece + 1]) for piece in range(len(cuts) + 1)]
        with self._errors(), self._db:
            self._db.execute("DELETE FROM pieces WHERE number = ?", (number,))
            self._db.executemany("INSERT INTO pieces (number, piece, begins, ends) VALUES (?, ?, ?, ?)", rows)
            self._set(number, facts, state=IN_PIECES)

    def piece_done(self, number: int, piece: int, seconds: float) -> None:
        with self._errors(), self._db:
            self._db.execute(
                "UPDATE pieces SET is_done = 1, seconds = ? WHERE number = ? AND piece = ?",
                (seconds, number, piece),
            )

    def seconds_of_pieces(self, number: int) -> float:
        """How long workers were busy with the pieces of a source."""
        with self._errors():
            seconds = self._db.execute(
                "SELECT sum(seconds) FROM pieces WHERE number = ?", (number,)
            ).fetchone()[0]
        return float(seconds or 0.0)

    def make_one(self, number: int, *, is_one: bool = True) -> None:
        """The source waits again, without pieces, and is not to be cut again if it `is_one`."""
        with self._errors(), self._db:
            self._db.execute("DELETE FROM pieces WHERE number = ?", (number,))
            self._set(number, {}, state=WAITING, is_one=int(is_one))

    def done(self, number: int, facts: Mapping[str, Any]) -> None:
        with self._errors(), self._db:
            self._db.execute("DELETE FROM pieces WHERE number = ?", (number,))
            self._set(number, facts, state=DONE, error=None)

    def failed(self, number: int, error: str, facts: Mapping[str, Any], *, is_final: bool) -> None:
        """An attempt failed; the source waits again unless that was final."""
        with self._errors(), self._db:
            if is_final:
                self._db.execute("DELETE FROM pieces WHERE number = ?", (number,))
            count = "UPDATE sources SET attempts = attempts + 1 WHERE number = ?"
            self._db.execute(count, (number,))
            self._set(number, facts, error=error, **({"state": FAILED} if is_final else {}))

    def retry(self) -> int:
        """Has all failed sources wait again, as if they had not been tried; gives how many."""
        with self._errors(), self._db:
            return self._db.execute(
                "UPDATE sources SET state = ?, attempts = 0, is_one = NULL WHERE state = ?", (WAITING, FAILED)
            ).rowcount

    def _set(self, number: int, facts: Mapping[str, Any], **more: Any) -> None:
        values = {name: value for name, value in facts.items() if name in FACTS} | more
        if not values:
            return
        # An error or a warning may name a file whose name is no UTF-8.
        values = {
            name: well_formed(value) if isinstance(value, str) else value for name, value in values.items()
        }
        names = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"UPDATE sources SET {names} WHERE number = ?", (*values.values(), number))

    def take_over(self, path: Path, *, with_failures: bool) -> None:
        """Takes what is done from the journal at `path`, what failed there where that is asked for, and the sources
        that it has and this one does not."""
        states = (DONE, FAILED) if with_failures else (DONE,)
        with self._errors():
            self._db.execute("ATTACH DATABASE ? AS other", (str(path),))
            with self._db:
                self._db.execute(
                    "INSERT OR IGNORE INTO sources (key, source, settings) SELECT key, source, settings "
                    "FROM other.sources ORDER BY number"
                )
                for state in states:
                    self._db.execute(
                        "UPDATE sources SET state = ? WHERE key IN (SELECT key FROM other.sources WHERE state = ?)",
                        (state, state),
                    )
            self._db.execute("DETACH DATABASE other")

    # What came of it

    def counts(self) -> Counts:
        with self._errors():
            rows = self._db.execute(
                f"SELECT state, count(*), sum(frames), sum({_LOOKED_AT_S}), sum(seconds), count(duration_s), "
                "sum(CASE WHEN duration_s IS NOT NULL THEN bytes END) FROM sources GROUP BY state"
            ).fetchall()
            pieces, pieces_done = self._db.execute("SELECT count(*), sum(is_done) FROM pieces").fetchone()
            (left_in_pieces_s,) = self._db.execute(
                "SELECT sum(duration_s * left_ / total) FROM sources JOIN (SELECT number, count(*) AS total, "
                "sum(1 - is_done) AS left_ FROM pieces GROUP BY number) USING (number)"
            ).fetchone()
            (first_waiting,) = self._db.execute(
                "SELECT number FROM sources WHERE state = ? ORDER BY attempts, number LIMIT 1", (WAITING,)
            ).fetchone() or (0,)
        by_state = {state: [value or 0 for value in sums] for state, *sums in rows}
        count, frames, duration_s, seconds, *_ = by_state.get(DONE, [0] * 6)
        known = [by_state.get(state, [0] * 6) for state in (DONE, IN_PIECES)]
        number = {state: sums[0] for state, sums in by_state.items()}
        left_in_pieces_s = left_in_pieces_s or 0.0
        duration_s += known[1][2] - left_in_pieces_s
        return Counts(
            number.get(WAITING, 0), number.get(IN_PIECES, 0), count, number.get(FAILED, 0),
            frames, duration_s, seconds, pieces, pieces_done or 0, left_in_pieces_s,
            sum(one[4] for one in known), sum(one[2] for one in known), sum(one[5] for one in known), first_waiting,
        )  # fmt: skip

    def some_waiting(self, most: int) -> list[Source]:
        """Sources that wait, from the first to the last at equal distances."""
        with self._errors():
            first, last = self._db.execute(
                "SELECT min(number), max(number) FROM sources WHERE state = ?", (WAITING,)
            ).fetchone()
            if first is None:
                return []
            step = max(1, (last - first + 1) // most)
            numbers = range(first, last + 1, step)
            rows = self._db.execute(
                f"SELECT {_SOURCE} FROM sources WHERE state = '{WAITING}' AND number IN "
                f"({', '.join(map(str, numbers))}) ORDER BY number"
            )
            return [_source(row) for row in rows]

    def count_of_warnings(self) -> int:
        """How many sources are done and had something that they were warned of."""
        with self._errors():
            found = self._db.execute(
                "SELECT count(*) FROM sources WHERE state = ? AND warning != ''", (DONE,)
            ).fetchone()
        return int(found[0])

    def failures(self, most: int = 1_000_000) -> Iterator[Source]:
        with self._errors():
            rows = self._db.execute(
                f"SELECT {_SOURCE} FROM sources WHERE state = ? ORDER BY number LIMIT ?", (FAILED, most)
            )
            yield from map(_source, rows)

    def by_machine(self) -> list[tuple[str, int, int, float]]:
        """(machine, sources done, frames, seconds of work) of each."""
        with self._errors():
            return self._db.execute(
                "SELECT machine, count(*), sum(frames), sum(seconds) FROM sources WHERE state = ? "
                "GROUP BY machine ORDER BY machine",
                (DONE,),
            ).fetchall()

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """For the `sources` table, in order: key, source, state, attempts, error, and the facts."""
        with self._errors():
            for key, source, *more in self._db.execute(
                f"SELECT key, source, state, attempts, error, {', '.join(FACTS)} FROM sources ORDER BY number"
            ):
                yield key, _loaded(source), *more

    def keys_done(self) -> Iterator[str]:
        """The names of the sources that are done, in order."""
        with self._errors():
            for (key,) in self._db.execute(
                "SELECT key FROM sources WHERE state = ? ORDER BY number", (DONE,)
            ):
                yield key

    def all(self) -> Iterator[Source]:
        """Every source, in order."""
        with self._errors():
            yield from map(_source, self._db.execute(f"SELECT {_SOURCE} FROM sources ORDER BY number"))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            reason = str(error)
            if "full" in reason:
                raise OutputError(
                    f"the disk is full: {self._path} could not be brought up to date; free some space, and go on: "
                    f"rtdet batch --out {self._path.parent if self._path else 'DIR'}"
                ) from error
            if "malformed" in reason or "not a database" in reason:
                raise SourceError(f"{self._path} is damaged: {reason}") from error
            raise OutputError(f"cannot use {self._path}: {reason}") from error


def _stored(source: str) -> str | bytes:
    """A source as the database holds it: a file's name that is no UTF-8 by its bytes."""
    return source if source.isascii() or well_formed(source) == source else os.fsencode(source)


def _loaded(source: str | bytes) -> str:
    return source if isinstance(source, str) else os.fsdecode(source)


def _settings_text(listed: Listed) -> str | None:
    if not listed.settings.run and not listed.settings.files:
        return None
    return json.dumps(listed.settings.as_dict(), sort_keys=True, default=list)


def _qualified() -> str:
    return ", ".join(f"sources.{name}" for name in _SOURCE.split(", "))
