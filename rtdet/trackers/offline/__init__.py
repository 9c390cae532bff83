"""Finished tracks made better: smoothed, filled, linked; merged, split and renamed by hand, with undo.

All of it takes and gives a `TrackTable`; `rtdet.video.sinks` reads and writes them.
"""

from __future__ import annotations

from rtdet.trackers.offline.edits import merge, rename, renumber, split
from rtdet.trackers.offline.filling import fill
from rtdet.trackers.offline.history import Edits
from rtdet.trackers.offline.linking import link
from rtdet.trackers.offline.smoothing import smooth

__all__ = ["Edits", "fill", "link", "merge", "rename", "renumber", "smooth", "split"]
