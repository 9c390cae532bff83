"""All edits of a run's tracks: what is kept with the run, undone, redone, and done again on other tracks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from rtdet.errors import SourceError, UsageError
from rtdet.tracks.offline.anchors import anchored, correction_between, fitted
from rtdet.tracks.offline.edit import Anchor, Edit, apply
from rtdet.tracks.offline.verbs import next_id
from rtdet.tracks.table import TrackTable

_FORMAT, _VERSION = "rtdet-edits", 1


class Unfitting(NamedTuple):
    """An edit that could not be done again: its place in the log from 0, and why, in one line."""

    place: int
    edit: Edit
    why: str


class Replayed(NamedTuple):
    """The table after all edits that could be done, and those that could not."""

    table: TrackTable
    unfitting: tuple[Unfitting, ...]


class EditLog:
    """Edits and a position among them: those before it are done, those behind it undone.

    Nothing else is kept, so their number has no bound. `replay` does them on a table; `history.Edits` keeps a table
    beside the log.
    """

    def __init__(self, edits: Iterable[Edit] = (), position: int | None = None) -> None:
        self._edits = list(edits)
        self._position = len(self._edits) if position is None else position
        if not 0 <= self._position <= len(self._edits):
            raise ValueError(f"position {position} is not among {len(self._edits)} edits")

    @property
    def edits(self) -> tuple[Edit, ...]:
        """All edits, also those that are undone."""
        return tuple(self._edits)

    @property
    def position(self) -> int:
        """How many of them are done."""
        return self._position

    @property
    def done(self) -> tuple[Edit, ...]:
        """The edits that are done, the oldest first."""
        return tuple(self._edits[: self._position])

    @property
    def undo_text(self) -> str:
        """The edit that `undo` would undo, for a person; empty if there is none."""
        return str(self._edits[self._position - 1]) if self._position else ""

    @property
    def redo_text(self) -> str:
        """The edit that `redo` would redo, for a person; empty if there is none."""
        return str(self._edits[self._position]) if self._position < len(self._edits) else ""

    def do(self, table: TrackTable, edit: Edit) -> TrackTable:
        """Does the edit on the table, as it is after all that is done, and adds it, with all that doing it again
        needs. What was undone is forgotten. Raises UsageError, and changes nothing, where it cannot be done."""
        if edit.verb == "correct":
            edit = correction_between(table, edit, self.done)
        if edit.verb == "split" and "new" not in edit.arguments:
            edit = edit.with_arguments(new=next_id(table))
        after = apply(table, edit)
        self._edits[self._position :] = [anchored(table, edit)]
        self._position += 1
        return after

    def undo(self) -> Edit:
        """Goes one edit back and returns it. Raises UsageError if there is none."""
        if self._position == 0:
            raise UsageError("there is nothing to undo")
        self._position -= 1
        return self._edits[self._position]

    def redo(self) -> Edit:
        """Goes one edit on and returns it. Raises UsageError if there is none."""
        if self._position == len(self._edits):
            raise UsageError("there is nothing to redo")
        self._position += 1
        return self._edits[self._position - 1]

    def replay(self, base: TrackTable) -> TrackTable:
        """The table with all edits that are done and that fit it; see `replayed`."""
        return self.replayed(base).table

    def replayed(self, base: TrackTable, start: int = 0) -> Replayed:
        """The table `base` with the edits from `start` to the position, and those that were left out.

        On the tracks that were edited the result is the same to the byte. Where the run was tracked again meanwhile,
        tracks are found by their places (see `anchors.fitted`); an edit whose tracks are not there any more, or that
        cannot be done, is left out.
        """
        table, unfitting = base, []
        for place in range(start, self._position):
            edit = self._edits[place]
            try:
                table = apply(table, fitted(table, edit))
            except (UsageError, ValueError) as error:
                unfitting.append(Unfitting(place, edit, str(error)))
        return Replayed(table, tuple(unfitting))

    def to_text(self) -> str:
        """The log as JSON, an edit a line."""
        lines = ",\n".join("  " + json.dumps(_as_json(edit), ensure_ascii=False) for edit in self._edits)
        edits = f"[\n{lines}\n ]" if lines else "[]"
        return f'{{"format": "{_FORMAT}", "version": {_VERSION}, "position": {self._position}, "edits": {edits}}}\n'

    @classmethod
    def from_text(cls, text: str, name: str = "the edits") -> EditLog:
        """The log that `to_text` wrote. Raises SourceError, one line that begins with `name`, for anything else."""
        try:
            read = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{name} cannot be read: not JSON ({' '.join(str(error).split())})") from error
        if not isinstance(read, dict) or read.get("format") != _FORMAT:
            raise SourceError(f'{name} cannot be read: JSON with "format": "{_FORMAT}" is expected')
        if read.get("version") != _VERSION:
            raise SourceError(
                f"{name} cannot be read: version {read.get('version')!r} of their format, and this rtdet knows "
                f"version {_VERSION}; a newer rtdet may have written them"
            )
        edits, position = read.get("edits"), read.get("position")
        if not isinstance(edits, list):
            raise SourceError(f"{name} cannot be read: they have no list of edits")
        known = [_from_json(edit, f"{name} cannot be read: edit {i + 1}") for i, edit in enumerate(edits)]
        if type(position) is not int or not 0 <= position <= len(known):
            raise SourceError(f"{name} cannot be read: position {position!r} is not among {len(known)} edits")
        return cls(known, position)


def _as_json(edit: Edit) -> dict[str, Any]:
    at = [[anchor.track_id, anchor.frame, list(anchor.box)] for anchor in edit.anchors]
    return {"verb": edit.verb, **edit.arguments, **({"at": at} if at else {})}


def _from_json(read: Any, where: str) -> Edit:
    try:
        if not isinstance(read, dict) or not isinstance(read.get("verb"), str):
            raise ValueError("it has no verb")
        arguments = {key: value for key, value in read.items() if key not in ("verb", "at")}
        anchors = tuple(Anchor.checked(*place) for place in read.get("at", ()))
        return Edit(read["verb"], arguments, anchors)
    except UsageError as error:
        raise SourceError(f"{where}: {error}") from error
    except (ValueError, TypeError) as error:
        raise SourceError(f"{where} is damaged: {error}") from error
