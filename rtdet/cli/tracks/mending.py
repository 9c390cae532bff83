"""What the commands that mend tracks share: edits of a track file are written, those of a kept run are kept in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rtdet.cli.tracks.files import check_fps, check_track_file, count, read, write
from rtdet.errors import SourceError, UsageError
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.tracks.offline import Edit
    from rtdet.tracks.table import TrackTable


def mend(
    file: str,
    out: str | None,
    fps: float,
    quiet: bool,
    edits: Sequence[Edit],
    said: Callable[[TrackTable], str],
) -> None:
    """Does the edits on the tracks of `file`, all or none, and prints what `said` makes of the tracks after.

    Those of a track file are written to `out`, which it needs. A kept run keeps the edits, and its tracks are
    written to `out` too where that is given.
    """
    if is_run(file):
        _mend_run(file, out, fps, quiet, edits, said)
        return
    from rtdet.tracks.offline import apply

    if not os.path.exists(file):
        raise SourceError(f"cannot read {file}: there is no such file")
    if out is None:
        raise UsageError("--out is missing: where the tracks are to be written, which may be FILE itself")
    table = read(file, out, fps)
    for edit in edits:
        table = apply(table, edit)
    write(table, out, quiet, said(table))


def _mend_run(
    file: str,
    out: str | None,
    fps: float,
    quiet: bool,
    edits: Sequence[Edit],
    said: Callable[[TrackTable], str],
) -> None:
    from rtdet.kept import KeptRun, retracked
    from rtdet.kept.reviewed import edits_of, keep_edits, with_speeds_of
    from rtdet.tracks.offline import Edits

    check_fps(fps)
    if out is not None:
        check_track_file(out)
    with KeptRun(file) as run:
        of_run = Edits(retracked(run), edits_of(run))
        for edit in edits:
            of_run.add(edit)
        keep_edits(run, of_run.log)
        say(f"kept in {file}: {said(of_run.table)}", err=True)
        warn_of_unfitting(len(of_run.unfitting), file)
        if out is not None:
            write(with_speeds_of(run, of_run.table), out, quiet, count(len(of_run.table.tracks()), "track"))


def is_run(file: str) -> bool:
    """Whether FILE is a kept run, by its content, or is called one."""
    from rtdet.kept import is_named_kept

    return is_named_kept(file)


def warn_of_unfitting(edits: int, file: str) -> None:
    """One line where edits of the run do not fit its tracks."""
    if edits:
        say(f"{count(edits, 'edit')} of {file} left out: see rtdet tracks log {file}", err=True)
