"""Improves finished tracks: smooths, fills and links them; merges, splits and renames them by hand, with undo.

Every function takes and returns a `TrackTable`; `rtdet.tracks` reads and writes them.
"""

from __future__ import annotations

from rtdet.tracks.offline.edits import merge, rename, renumber, split
from rtdet.tracks.offline.filling import fill
from rtdet.tracks.offline.history import Edits
from rtdet.tracks.offline.linking import link
from rtdet.tracks.offline.smoothing import smooth

__all__ = ["Edits", "fill", "link", "merge", "rename", "renumber", "smooth", "split"]
