"""A table that is being edited, with undo and redo of everything."""

from __future__ import annotations

from typing import Any

import numpy as np

from rtdet.tracks.offline.edit import Edit
from rtdet.tracks.offline.edit_log import EditLog, Unfitting
from rtdet.tracks.table import TrackTable

# Tables that are kept so that undo need not do all edits again, and bytes for those of them that share nothing.
MOST_TABLES = 100
MOST_BYTES = 256 * 2**20


class Edits:
    """A table that is being edited. `table` is its newest value; a refused edit (UsageError) changes nothing.

    base: the table before all edits. log: the edits, those of an earlier time included; what can be undone is bounded
    by nothing. unfitting: edits of the log that do not fit these tracks. Up to 100 of the tables in between are kept,
    fewer of very long ones, closer together the newer they are; others are made again from the one before.
    """

    def __init__(self, base: TrackTable, log: EditLog | None = None) -> None:
        self.base = base
        self.log = EditLog() if log is None else log
        self._kept: dict[int, TrackTable] = {0: base}
        self._unfitting: dict[int, Unfitting] = {}
        self.table = base
        self._go()

    @property
    def unfitting(self) -> tuple[Unfitting, ...]:
        """The edits that are done in the log, but cannot be on these tracks."""
        return tuple(self._unfitting[place] for place in sorted(self._unfitting) if place < self.log.position)

    @property
    def undo_text(self) -> str:
        """The edit that `undo` would undo, as text; empty if there is none."""
        return self.log.undo_text

    @property
    def redo_text(self) -> str:
        """The edit that `redo` would redo, as text; empty if there is none."""
        return self.log.redo_text

    def do(self, verb: str, **arguments: Any) -> None:
        """Does an edit of `edit.VERBS`; arguments that are None are left out."""
        self.add(Edit.of(verb, **arguments))

    def add(self, edit: Edit) -> None:
        """Does an edit."""
        after = self.log.do(self.table, edit)
        place = self.log.position
        for forgotten in [old for old in self._kept if old >= place]:
            del self._kept[forgotten]
        for forgotten in [old for old in self._unfitting if old >= place - 1]:
            del self._unfitting[forgotten]
        self._keep(after)

    def undo(self) -> str:
        """Undoes the last edit and returns its text. Raises UsageError if there is none."""
        edit = self.log.undo()
        self._go()
        return str(edit)

    def redo(self) -> str:
        """Redoes the edit that was undone last and returns its text. Raises UsageError if there is none."""
        edit = self.log.redo()
        self._go()
        return str(edit)

    def rebase(self, base: TrackTable) -> None:
        """Goes over to other tracks of the same run, on which the edits are done again."""
        self.base = base
        self._kept, self._unfitting = {0: base}, {}
        self._go()

    def _go(self) -> None:
        """Makes `table` what it is at the log's position, from the kept table before it."""
        at = max(place for place in self._kept if place <= self.log.position)
        table, unfitting = self.log.replayed(self._kept[at], at)
        self._unfitting.update({one.place: one for one in unfitting})
        self._keep(table)

    def _keep(self, table: TrackTable) -> None:
        self.table = table
        self._kept[self.log.position] = table
        while len(self._kept) > max(2, min(MOST_TABLES, MOST_BYTES // max(1, _bytes(self.base)))):
            places = np.array(sorted(self._kept))
            # The one whose absence leaves the smallest gap for its age; neither the first nor the newest.
            gap = (places[2:] - places[:-2]) / (1 + np.abs(self.log.position - places[1:-1]))
            candidates = places[1:-1][places[1:-1] != self.log.position]
            gap = gap[places[1:-1] != self.log.position]
            if len(candidates) == 0:
                break
            del self._kept[int(candidates[gap.argmin()])]


def _bytes(table: TrackTable) -> int:
    columns = (table.frames, table.ids, table.boxes, table.scores, table.labels, *table.values.values())
    return sum(column.nbytes for column in columns)
