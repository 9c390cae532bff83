"""Improves finished tracks: smooths, fills and links them; mends them by hand, with undo of everything.

Every function takes and returns a `TrackTable`; `rtdet.tracks` reads and writes them. An `Edit` is such a function
with its arguments, as a value; an `EditLog` is what is kept of them with a run; `Edits` is a table beside its log.
"""

from __future__ import annotations

from rtdet.tracks.offline.boxes import correct, draw
from rtdet.tracks.offline.edit import VERBS, Edit, apply
from rtdet.tracks.offline.edit_log import EditLog, Replayed, Unfitting
from rtdet.tracks.offline.filling import fill
from rtdet.tracks.offline.history import Edits
from rtdet.tracks.offline.linking import link
from rtdet.tracks.offline.smoothing import smooth
from rtdet.tracks.offline.verbs import delete, merge, rename, renumber, set_class, split, swap

__all__ = [
    "VERBS",
    "Edit",
    "EditLog",
    "Edits",
    "Replayed",
    "Unfitting",
    "apply",
    "correct",
    "delete",
    "draw",
    "fill",
    "link",
    "merge",
    "rename",
    "renumber",
    "set_class",
    "smooth",
    "split",
    "swap",
]
