"""The kept run: every candidate of a run in one file, RUN.rtdet, to be tracked again without the network.

The file is an SQLite database, because anybody can open one (Python's sqlite3, the sqlite3 shell, DuckDB, a browser
of databases), what was committed survives the end of the process, and edits and zones have their place beside the
rows. `schema.py` says what is in it. `KeptRunWriter` writes it as the run goes; `KeptRun` reads it; `retrack` runs a
tracker over it.
"""

from __future__ import annotations

from rtdet.kept.about import About, fingerprint
from rtdet.kept.reading import KeptRun, is_kept_run, is_named_kept
from rtdet.kept.retrack import Tracking, records, retrack, retracked
from rtdet.kept.reviewed import edits_of, keep_edits, reviewed_tracks, tracks_in
from rtdet.kept.writing import KeptRunWriter

__all__ = [
    "About",
    "KeptRun",
    "KeptRunWriter",
    "Tracking",
    "edits_of",
    "fingerprint",
    "is_kept_run",
    "is_named_kept",
    "keep_edits",
    "records",
    "retrack",
    "retracked",
    "reviewed_tracks",
    "tracks_in",
]
