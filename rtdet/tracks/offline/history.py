"""Edits of a table with undo and redo."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from rtdet.errors import UsageError
from rtdet.tracks.offline import edits
from rtdet.tracks.table import TrackTable

MOST_STEPS = 100
# A step keeps the column of IDs before it, 8 bytes a row; all other columns are shared.
MOST_BYTES = 256 * 2**20


class _Step(NamedTuple):
    """What was done, for people ("merge 3 and 7"), and the table on its other side."""

    what: str
    table: TrackTable


class Edits:
    """A table as it is edited. `table` is the newest value; an edit that is refused (UsageError) changes nothing.

    The last 100 steps can be undone, fewer where the steps of a very long table would take more than 256 MiB.
    """

    def __init__(self, table: TrackTable) -> None:
        self.table = table
        most = max(1, min(MOST_STEPS, MOST_BYTES // max(1, table.ids.nbytes)))
        self._done: deque[_Step] = deque(maxlen=most)
        self._undone: list[_Step] = []

    @property
    def undo_text(self) -> str:
        """What `undo` would take back; empty where there is nothing."""
        return self._done[-1].what if self._done else ""

    @property
    def redo_text(self) -> str:
        """What `redo` would do again; empty where there is nothing."""
        return self._undone[-1].what if self._undone else ""

    def merge(self, first: int, second: int) -> None:
        """See `edits.merge`."""
        self._step(f"merge {first} and {second}", edits.merge(self.table, first, second))

    def split(self, track_id: int, frame: int) -> None:
        """See `edits.split`."""
        self._step(f"split {track_id} at frame {frame}", edits.split(self.table, track_id, frame))

    def rename(self, old: int, new: int) -> None:
        """See `edits.rename`."""
        self._step(f"rename {old} to {new}", edits.rename(self.table, old, new))

    def renumber(self) -> None:
        """See `edits.renumber`."""
        self._step("renumber", edits.renumber(self.table))

    def undo(self) -> str:
        """Takes the last edit back and says which it was. Raises UsageError where there is none."""
        if not self._done:
            raise UsageError("there is nothing to undo")
        what, before = self._done.pop()
        self._undone.append(_Step(what, self.table))
        self.table = before
        return what

    def redo(self) -> str:
        """Does again what was undone last and says what it was. Raises UsageError where there is nothing."""
        if not self._undone:
            raise UsageError("there is nothing to redo")
        what, after = self._undone.pop()
        self._done.append(_Step(what, self.table))
        self.table = after
        return what

    def _step(self, what: str, after: TrackTable) -> None:
        self._done.append(_Step(what, self.table))
        self._undone.clear()
        self.table = after
