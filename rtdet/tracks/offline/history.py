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
    """An edit as text ("merge 3 and 7"), and the table before or after it."""

    what: str
    table: TrackTable


class Edits:
    """A table that is being edited. `table` is its newest value; a refused edit (UsageError) changes nothing.

    The last 100 steps can be undone, fewer where the steps of a very long table would take more than 256 MiB.
    """

    def __init__(self, table: TrackTable) -> None:
        self.table = table
        most = max(1, min(MOST_STEPS, MOST_BYTES // max(1, table.ids.nbytes)))
        self._done: deque[_Step] = deque(maxlen=most)
        self._undone: list[_Step] = []

    @property
    def undo_text(self) -> str:
        """The edit that `undo` would undo, as text; empty if there is none."""
        return self._done[-1].what if self._done else ""

    @property
    def redo_text(self) -> str:
        """The edit that `redo` would redo, as text; empty if there is none."""
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
        """Undoes the last edit and returns its text. Raises UsageError if there is none."""
        if not self._done:
            raise UsageError("there is nothing to undo")
        what, before = self._done.pop()
        self._undone.append(_Step(what, self.table))
        self.table = before
        return what

    def redo(self) -> str:
        """Redoes the edit that was undone last and returns its text. Raises UsageError if there is none."""
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
