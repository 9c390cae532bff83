"""Reads a kept run, a damaged one as far as it is whole."""

from __future__ import annotations

import logging
import sqlite3
import struct
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rtdet.errors import OutputError, SourceError
from rtdet.kept.about import About
from rtdet.kept.checks import FARTHEST_STEP, check_schema, fetched, sound_candidates, sound_frames
from rtdet.kept.salvage import Salvaged, salvage
from rtdet.kept.schema import APPLICATION_ID, FORMAT, HEADER, KEPT_SUFFIX, MOST
from rtdet.pipeline.grid import A_PIXEL, FULL_SCORE
from rtdet.pipeline.kept_frame import CARRIED, KeptFrame
from rtdet.types import BoolArray, Detections, FloatArray, IntArray

log = logging.getLogger("rtdet.kept")

# Candidates are read for so many frame numbers at once, and so many of them stay in memory, 100 MB.
_PIECE = 256
_MOST_IN_MEMORY = 3_000_000
_MOST_CLASSES = 100_000
_FRAME_COLUMNS = ("frame", "time_s", "pts", "width", "height", "name", "dropped", "camera", "found")
_COLUMNS = ("id", "x1", "y1", "x2", "y2", "score", "class")
_STEPS = np.array([A_PIXEL, A_PIXEL, FULL_SCORE])


class FrameTable(NamedTuple):
    """The frames of a kept run, in order of number: numbers (F,) from 1; times_s (F,), NaN where nobody knows;
    pts (F,), -1 where there is none; sizes (F, 2); names; dropped: why a frame was not looked at, "" where it was,
    CARRIED where it has tracks nevertheless; found (F,): how many candidates there were."""

    numbers: IntArray
    times_s: FloatArray
    pts: IntArray
    sizes: IntArray
    names: Sequence[str]
    dropped: Sequence[str]
    cameras: Sequence[bytes | None]
    found: IntArray

    @property
    def is_processed(self) -> BoolArray:
        """(F,) which frames the detector looked at."""
        return np.array([not reason for reason in self.dropped], dtype=bool)

    @property
    def has_tracks(self) -> BoolArray:
        """(F,) which frames the detector looked at, or had tracks carried to them."""
        return np.array([reason in ("", CARRIED) for reason in self.dropped], dtype=bool)


class _Piece(NamedTuple):
    ids: IntArray
    values: npt.NDArray[np.int32]  # x1, y1, x2, y2, score, class
    points: dict[int, bytes]


def is_kept_run(path: str | Path) -> bool:
    """Whether the file is a kept run, by its first bytes; False where it cannot be read."""
    try:
        with open(path, "rb") as file:
            head = file.read(100)
    except (OSError, ValueError):
        return False
    return _id_of(head) == APPLICATION_ID


def is_named_kept(path: str | Path) -> bool:
    """Whether the file is a kept run, or is called one (RUN.rtdet): `KeptRun` says what is wrong with such a file."""
    return Path(path).suffix.lower() == KEPT_SUFFIX or is_kept_run(path)


def _id_of(head: bytes) -> int | None:
    whole = len(head) == 100 and head.startswith(HEADER)
    return int(struct.unpack(">I", head[68:72])[0]) if whole else None


class KeptRun:
    """A kept run that is open to be read; from several threads too. `damage` says what is missing of it, or nothing.

    Raises SourceError, one line: there is no such file, it is no kept run, it is of a newer format, or nothing can be
    read of it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.damage = ""
        self._lock = threading.RLock()
        self._pieces: OrderedDict[int, _Piece] = OrderedDict()
        self._in_memory = 0
        self._salvaged: Salvaged | None = None
        _check_head(self.path)
        self._database = _connect(self.path)
        try:
            check_schema(self._database)
            self.about = self._about()
            self.class_names = self._class_names()
            self.frames = self._read_frames()
        except (sqlite3.Error, ValueError) as error:
            self._database.close()
            raise SourceError(f"{self.path} is damaged, and nothing of it can be read: {error}") from error

    @classmethod
    def open(cls, path: str | Path) -> KeptRun:
        """See the class."""
        return cls(path)

    def close(self) -> None:
        """May be called twice."""
        with self._lock:
            self._database.close()

    def __enter__(self) -> KeptRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def candidates(self, number: int) -> Detections:
        """All that the detector found in the frame, by falling score; nothing where it was not looked at."""
        piece = self._piece(number // _PIECE)
        start, end = np.searchsorted(piece.ids, (number * MOST, (number + 1) * MOST))
        values = piece.values[start:end]
        points = (
            _points([piece.points.get(one) for one in piece.ids[start:end].tolist()])
            if piece.points
            else None
        )
        labels = values[:, 5].astype(np.int64)
        scores = values[:, 4] / FULL_SCORE
        return Detections(values[:, :4] / A_PIXEL, scores, labels, self.class_names, points)

    def walk(self, first: int = 1, end: int | None = None) -> Iterator[KeptFrame]:
        """The frames that have tracks, of the numbers from `first` to before `end`, in order: those that the detector
        looked at, with candidates, and those between that were carried, without."""
        frames = self.frames
        for i in np.flatnonzero(frames.has_tracks & (frames.numbers >= first)).tolist():
            number, is_carried = int(frames.numbers[i]), bool(frames.dropped[i])
            if end is not None and number >= end:
                return
            candidates = None if is_carried else self.candidates(number)
            is_whole = candidates is None or len(candidates) == frames.found[i]
            if not is_whole or not np.isfinite(frames.times_s[i]):
                self._note_damage()
                continue
            pts = int(frames.pts[i])
            size = (int(frames.sizes[i, 0]), int(frames.sizes[i, 1]))
            yield KeptFrame(
                number, float(frames.times_s[i]), None if pts < 0 else pts, size, frames.names[i], candidates,
                dropped=frames.dropped[i], camera_step=self.camera_step(i),
            )  # fmt: skip

    def camera_step(self, row: int) -> FloatArray | None:
        """The camera's transform (2, 3) to the frame of that row of `frames`; None where the tracker had none."""
        blob = self.frames.cameras[row]
        if blob is None or len(blob) != 48:
            return None
        step = np.frombuffer(blob, dtype="<f8").reshape(2, 3)
        return step if (np.abs(step) <= FARTHEST_STEP).all() else None

    def reread(self) -> None:
        """Takes in what was written to the file since."""
        with self._lock:
            self.class_names = self._class_names()
            self.frames = self._read_frames()
            self._pieces.clear()
            self._in_memory = 0

    # What was made of it since

    def document(self, name: str) -> str | None:
        """What `set_document` kept under this name."""
        with self._lock:
            try:
                row = self._database.execute("SELECT text FROM documents WHERE name = ?", (name,)).fetchone()
            except sqlite3.Error as error:
                raise SourceError(f"{self.path} is damaged: its {name} cannot be read ({error})") from error
        return None if row is None else str(row[0])

    def set_document(self, name: str, text: str | None) -> None:
        """Keeps a text in the file under a name, or nothing any more (None). Raises OutputError."""
        keep_document(self.path, name, text)

    # The tables

    def _about(self) -> About:
        rows = self._database.execute("SELECT key, value FROM about LIMIT 100").fetchall()
        return About.from_texts({str(key): str(value) for key, value in rows})

    def _class_names(self) -> tuple[str, ...]:
        asked = "SELECT id, name FROM classes ORDER BY id LIMIT ?"
        rows = self._database.execute(asked, (_MOST_CLASSES + 1,)).fetchall()
        if len(rows) > _MOST_CLASSES:
            raise ValueError(f"it has more than {_MOST_CLASSES} classes")
        if [number for number, _ in rows] != list(range(len(rows))):
            raise ValueError("its classes are not numbered from 0")
        return tuple(str(name) for _, name in rows)

    def _read_frames(self) -> FrameTable:
        asked = f"SELECT {', '.join(_FRAME_COLUMNS)} FROM frames ORDER BY frame"
        try:
            found = fetched(self._database.execute(asked))
        except sqlite3.Error:
            found = [row for _, row in sorted(self._rest().frames.items())]
        rows = sound_frames(found)
        if len(rows) < len(found):
            self._note_damage()
        width, height = self.about.size
        return FrameTable(
            np.array([row[0] for row in rows], dtype=np.int64),
            np.array([np.nan if row[1] is None else row[1] for row in rows], dtype=np.float64),
            np.array([-1 if row[2] is None else row[2] for row in rows], dtype=np.int64),
            np.array([(row[3] or width, row[4] or height) for row in rows], dtype=np.int64).reshape(-1, 2),
            [row[5] or "" for row in rows],
            [row[6] or "" for row in rows],
            [row[7] for row in rows],
            np.array([row[8] or 0 for row in rows], dtype=np.int64),
        )

    def _rest(self) -> Salvaged:
        """The rows of a damaged file."""
        if self._salvaged is None:
            self._note_damage()
            self._salvaged = salvage(self.path, len(_FRAME_COLUMNS), len(_COLUMNS))
        return self._salvaged

    def _note_damage(self) -> None:
        if not self.damage:
            self.damage = f"{self.path} is damaged: what was found in some of its frames is lost"
            log.warning("%s", self.damage)

    def _piece(self, place: int) -> _Piece:
        with self._lock:
            piece = self._pieces.get(place)
            if piece is None:
                piece = self._pieces[place] = self._read_piece(place * _PIECE, (place + 1) * _PIECE)
                self._in_memory += len(piece.ids)
                while self._in_memory > _MOST_IN_MEMORY and len(self._pieces) > 1:
                    self._in_memory -= len(self._pieces.popitem(last=False)[1].ids)
            else:
                self._pieces.move_to_end(place)
            return piece

    def _read_piece(self, first: int, end: int) -> _Piece:
        keys = (first * MOST, end * MOST)
        asked = f"SELECT {', '.join(_COLUMNS)} FROM candidates WHERE id >= ? AND id < ? ORDER BY id"
        try:
            rows: Sequence[tuple[int, ...]] = fetched(self._database.execute(asked, keys))
        except sqlite3.Error:
            rows = self._salvaged_candidates(keys)
        try:
            asked = "SELECT id, points FROM points WHERE id >= ? AND id < ?"
            points: dict[int, bytes] = dict(fetched(self._database.execute(asked, keys)))
        except sqlite3.Error:
            points = {}
        table = sound_candidates(rows, len(self.class_names))
        return _Piece(table[:, 0], table[:, 1:].astype(np.int32), points)

    def _salvaged_candidates(self, keys: tuple[int, int]) -> list[tuple[int, ...]]:
        """What is left of those with keys from the first to before the second; of a frame that was seen again not
        what there was more of the first time."""
        known = self._rest().candidates
        table = known[slice(*np.searchsorted(known[:, 0], keys))]
        if not len(self.frames.numbers):
            return []
        numbers, places = table[:, 0] // MOST, table[:, 0] % MOST
        rows = np.minimum(np.searchsorted(self.frames.numbers, numbers), len(self.frames.numbers) - 1)
        is_there = (self.frames.numbers[rows] == numbers) & (places < self.frames.found[rows])
        return [tuple(row) for row in table[is_there].tolist()]


def keep_document(path: str | Path, name: str, text: str | None) -> None:
    """`KeptRun.set_document` for a kept run that nobody needs to read, and that may still be written. Raises
    OutputError."""
    try:
        with closing(sqlite3.connect(path, timeout=10)) as database, database:
            if text is None:
                database.execute("DELETE FROM documents WHERE name = ?", (name,))
            else:
                database.execute("REPLACE INTO documents VALUES (?, ?)", (name, text))
    except sqlite3.Error as error:
        raise OutputError(f"cannot write {path}: {error}") from error


def is_malformed(error: BaseException | None) -> bool:
    """Whether a file could not be read or written because it is damaged, by an error of the database or one that was
    raised from it."""
    while error is not None:
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            return True
        error = error.__cause__
    return False


def _points(blobs: Sequence[bytes | None]) -> FloatArray | None:
    """(N, K, 3) the key points of a frame's candidates; None where not all have as many."""
    whole = [blob for blob in blobs if isinstance(blob, bytes) and blob and len(blob) % 12 == 0]
    if not whole or len(whole) < len(blobs) or len(set(map(len, whole))) > 1:
        return None
    points: FloatArray = np.frombuffer(b"".join(whole), dtype="<i4").reshape(len(whole), -1, 3) / _STEPS
    return points


def _check_head(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    if _id_of(head) != APPLICATION_ID:
        raise SourceError(f"{path} is not a kept run of rtdet; rtdet --keep RUN.rtdet makes one")
    number = struct.unpack(">I", head[60:64])[0]
    if number > FORMAT:
        raise SourceError(
            f"{path} was kept by a newer rtdet (format {number}; this one reads {FORMAT}); update rtdet to open it"
        )


def _connect(path: Path) -> sqlite3.Connection:
    """Opens the database to be read, also one that was cut off. One whose last commit was interrupted is rolled back,
    for which the folder must be writable; else it is read as it stands."""
    uri = path.resolve().as_uri()
    if not uri.startswith("file:///"):  # a share on Windows; SQLite knows no hosts
        uri = f"file:////{uri.removeprefix('file://')}"
    for options in ("mode=rw", "mode=ro", "mode=ro&immutable=1"):
        try:
            database = sqlite3.connect(f"{uri}?{options}", uri=True, check_same_thread=False, timeout=10)
        except sqlite3.Error:
            continue
        try:
            # Else a file that is shorter than it says is refused as a whole.
            database.execute("PRAGMA writable_schema = ON")
            database.execute("PRAGMA query_only = ON")
            database.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.OperationalError:
            database.close()
            continue
        except sqlite3.Error:
            pass
        return database
    raise SourceError(f"{path} is damaged, and nothing of it can be read: it does not open as a database")
