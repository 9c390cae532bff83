"""Finished tracks made better: smoothed, filled, linked; merged, split and renamed by hand, with undo.

All of it takes and gives a `TrackTable`; `rtdet.tracks` reads and writes them.
"""

from __future__ import annotations

from rtdet.tracks.offline.edits import merge, rename, renumber, split
from rtdet.tracks.offline.filling import fill
from rtdet.tracks.offline.history import Edits
from rtdet.tracks.offline.linking import link
from rtdet.tracks.offline.smoothing import smooth

__all__ = ["Edits", "fill", "link", "merge", "rename", "renumber", "smooth", "split"]
