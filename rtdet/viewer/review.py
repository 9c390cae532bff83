"""The tracks of what was watched, as the window reviews them: what it shows, and what it asks for.

The window knows a `Review` only. `FixedReview` has the table of a track file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rtdet.errors import UsageError
from rtdet.tracks import read_table, write_table
from rtdet.tracks.offline import Edit, EditLog, Edits, Unfitting
from rtdet.tracks.table import TrackTable
from rtdet.types import Frame, Tracks
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.watched import WatchedState

# Frames of a trail.
_MOST_BEFORE = 128


@dataclass(eq=False)
class Review(WatchedState):
    """Finished tracks of the source that is open. Belongs to the GUI's thread; every field can be watched.

    table:    the tracks as they are now; None: there are none (yet).
    name:     what they are of, for the window ("street.csv"); "" where nothing needs to be said.
    progress: 0 to 1 while a newer table is being made; None else.
    zones:    the IDs of the tracks that were in each zone, by its name, for the filter of the lanes.
    looked_at: what of the list of doubts is ticked off (`worklist.key_of`), to be kept with the run.
    undo_text, redo_text: the edit that each would undo or redo; "" where there is none.
    """

    table: TrackTable | None = None
    name: str = ""
    progress: float | None = None
    zones: dict[str, frozenset[int]] = field(default_factory=dict)
    looked_at: frozenset[str] = frozenset()
    undo_text: str = ""
    redo_text: str = ""

    def __post_init__(self) -> None:
        self._edits: Edits | None = None
        self._taking = 0

    # The tracks and what was mended in them

    @property
    def log(self) -> EditLog:
        """All edits, to be kept with the run."""
        return EditLog() if self._edits is None else self._edits.log

    @property
    def unfitting(self) -> tuple[Unfitting, ...]:
        """The edits that these tracks do not have the objects for."""
        return () if self._edits is None else self._edits.unfitting

    def take(self, base: TrackTable | None, log: EditLog | None = None) -> None:
        """Shows other tracks, as they are before all edits, with the edits of `log` done on them; without one, with
        those that were made here, as after tracking again. None: there are no tracks, and no edits."""
        self._taking += 1
        if base is None:
            self._edits, self.looked_at = None, frozenset()
        elif log is None and self._edits is not None:
            self._edits.rebase(base)
        else:
            self._edits = Edits(base, log)
        self._show()

    def take_later(
        self, base: TrackTable, log: EditLog | None, jobs: Jobs, taken: Callable[[], None] = lambda: None
    ) -> None:
        """As `take`, with the edits done in a worker thread: many of them, on long tracks, take seconds. `taken` is
        called once the tracks are shown; never, where others were taken meanwhile."""
        known = self.log if log is None else log
        if not known.position:
            self.take(base, log)
            taken()
            return
        self._taking += 1
        number, of = self._taking, (known.edits, known.position)

        def done(edits: Edits) -> None:
            if number != self._taking:
                return
            if log is None and (self.log.edits, self.log.position) != of:  # something was mended meanwhile
                self.take_later(base, None, jobs, taken)
                return
            self._edits = edits
            self._show()
            taken()

        jobs.run(lambda: Edits(base, EditLog(*of)), done=done, lane="edits again", is_awaited=False)

    def apply(self, edit: Edit) -> None:
        """Does an edit. Raises UsageError, and changes nothing, where it cannot be done."""
        self._editing().add(edit)
        self._mended()

    def undo(self) -> str:
        """Undoes the last edit and returns what it was. Raises UsageError where there is none."""
        text = self._editing().undo()
        self._mended()
        return text

    def redo(self) -> str:
        """Does again what was undone last. Raises UsageError where there is nothing."""
        text = self._editing().redo()
        self._mended()
        return text

    def on_mended(self) -> None:
        """Called after each edit, undo and redo: where the log is kept with a run, this is when to do it."""

    def on_looked_at(self) -> None:
        """Called after something was ticked off, or no longer is: likewise."""

    def _editing(self) -> Edits:
        if self._edits is None:
            raise UsageError("there are no tracks to mend yet")
        return self._edits

    def _mended(self) -> None:
        self._show()
        self.on_mended()

    def _show(self) -> None:
        edits = self._edits
        self.undo_text, self.redo_text = ("", "") if edits is None else (edits.undo_text, edits.redo_text)
        self.table = None if edits is None else edits.table

    # What of them is on screen

    def tracks_of(self, frame: Frame) -> Tracks | None:
        """What is shown over a picture; None where there is no table: then the live tracks are."""
        return None if self.table is None else self.table.at(frame.index + 1)

    def before(self, frame: Frame, seconds: float) -> Iterator[tuple[float, Tracks]]:
        """Times and tracks of the frames of the last seconds before that one, oldest first."""
        if self.table is None:
            return
        listed = self.table.frame_list
        last = int(np.searchsorted(listed.numbers, frame.index + 1))
        times_s = listed.times_s[:last]
        for place in range(max(last - _MOST_BEFORE, 0), last):
            if frame.t - seconds <= times_s[place] < frame.t:
                yield float(times_s[place]), self.table.at(int(listed.numbers[place]))

    def write(self, path: Path) -> None:
        """Writes the table as a track file; called from a worker thread. Raises OutputError."""
        if self.table is not None:
            write_table(self.table, path)


@dataclass(eq=False)
class FixedReview(Review):
    """The review of a table that somebody made."""

    def show(self, table: TrackTable | None, name: str = "") -> None:
        """Takes another table; None: nothing is reviewed any more."""
        self.name, self.looked_at = name, frozenset()
        self.take(table, EditLog())


def read_tracks_of(path: Path, fps: float | None) -> TrackTable:
    """The table of a track file; `fps` is that of the film, for files without times. Raises RtdetError."""
    return read_table(path, fps) if fps else read_table(path)
