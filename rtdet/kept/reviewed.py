"""The tracks of a kept run as they stand: tracked by its settings, with the edits that were made of them."""

from __future__ import annotations

import logging
from pathlib import Path

from rtdet.ground import scale_in_text, with_speeds
from rtdet.kept.reading import KeptRun, is_named_kept
from rtdet.kept.retrack import Tracking, retracked
from rtdet.tracks.offline import EditLog
from rtdet.tracks.offline.edit_log import Replayed
from rtdet.tracks.opening import open_tracks
from rtdet.tracks.read_write import USUAL_FPS
from rtdet.tracks.table import TrackTable

log = logging.getLogger("rtdet.kept")

EDITS = "edits"


def edits_of(run: KeptRun) -> EditLog:
    """The edits that are kept with the run; none where there are none. Raises SourceError for damaged ones."""
    text = run.document(EDITS)
    return EditLog() if text is None else EditLog.from_text(text, f"the edits of {run.path}")


def keep_edits(run: KeptRun, edits: EditLog) -> None:
    """Keeps the edits with the run, in place of those before. Raises OutputError."""
    run.set_document(EDITS, edits.to_text())


def reviewed_tracks(run: KeptRun, tracking: Tracking | None = None, *, warns: bool = True) -> TrackTable:
    """The tracks by the run's own settings, or others, with its edits and the speeds of the mended tracks; a
    warning says which edits do not fit. Raises UsageError where nothing was tracked, and SourceError for damaged
    edits."""
    return reviewed(run, tracking, warns=warns).table


def reviewed(run: KeptRun, tracking: Tracking | None = None, *, warns: bool = True) -> Replayed:
    """The same, and the edits that were left out."""
    edits = edits_of(run)
    table, unfitting = edits.replayed(retracked(run, tracking))
    if unfitting and warns:
        others = f" and {len(unfitting) - 1} more" if len(unfitting) > 1 else ""
        log.warning(
            "an edit of %s does not fit these tracks and is left out: %s (%s)%s",
            run.path, unfitting[0].edit, unfitting[0].why, others,
        )  # fmt: skip
    return Replayed(with_speeds_of(run, table) if edits.position else table, unfitting)


def with_speeds_of(run: KeptRun, table: TrackTable) -> TrackTable:
    """The table with speeds of its own, as after a mend, where the run has a scale of the ground."""
    text = run.document("zones")
    scale = None if text is None else scale_in_text(text, f"the zones of {run.path}")
    return table if scale is None else with_speeds(table, scale)


def tracks_in(path: str | Path, fps: float | None = None) -> TrackTable:
    """The tracks of a track file of any format or of a kept run, as they stand. `fps` gives the times of a file that
    has none. Raises RtdetError, one line, for a file that is missing or broken."""
    if is_named_kept(path):
        with KeptRun(path) as run:
            return reviewed_tracks(run)
    return open_tracks(path, USUAL_FPS if fps is None else fps)
