"""`rtdet tracks undo|redo|log RUN` and `rtdet tracks export FILE|RUN --out OUT`: the edits that a kept run keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rtdet.cli import completion
from rtdet.cli.options import CONTEXT
from rtdet.cli.tracks.files import check_fps, check_track_file, count, file_options, write
from rtdet.cli.tracks.mending import is_run
from rtdet.errors import UsageError
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.kept import KeptRun

_run = click.argument("file", metavar="RUN.rtdet", shell_complete=completion.files)


@click.command(context_settings=CONTEXT)
@_run
def undo(file: str) -> None:
    """Undo the last edit of a kept run.

    Again and again, back to the tracks as they were.
    """
    from rtdet.kept.reviewed import edits_of, keep_edits

    with _open(file) as run:
        log = edits_of(run)
        edit = log.undo()
        keep_edits(run, log)
    say(f"undone in {file}: {edit}", err=True)


@click.command(context_settings=CONTEXT)
@_run
def redo(file: str) -> None:
    """Redo the edit of a kept run that was undone last."""
    from rtdet.kept.reviewed import edits_of, keep_edits

    with _open(file) as run:
        log = edits_of(run)
        edit = log.redo()
        keep_edits(run, log)
    say(f"redone in {file}: {edit}", err=True)


@click.command(context_settings=CONTEXT)
@_run
def log(file: str) -> None:
    """List the edits of a kept run.

    Those that were undone are marked, and so are those that do not fit its tracks any more, with the reason.
    """
    from rtdet.kept import retracked
    from rtdet.kept.reviewed import edits_of

    with _open(file) as run:
        its_log = edits_of(run)
        unfitting = its_log.replayed(retracked(run)).unfitting if its_log.position else ()
    reasons = {one.place: one.why for one in unfitting}
    for place, edit in enumerate(its_log.edits):
        mark = "  (undone)" if place >= its_log.position else ""
        why = f"  (left out: {reasons[place]})" if place in reasons else ""
        say(f"{place + 1:4d}  {edit}{mark}{why}")
    if not its_log.edits:
        say(f"{file} has no edits", err=True)


@click.command(context_settings=CONTEXT)
@file_options
def export(file: str, out: str, fps: float, quiet: bool) -> None:
    """Write the tracks, as they are mended, to a track file.

    FILE is a kept run, or a track file, which is written in another format.
    """
    from rtdet.kept.reviewed import tracks_in

    check_fps(fps)
    check_track_file(out)
    table = tracks_in(file, fps)
    write(table, out, quiet, f"{count(len(table.tracks()), 'track')}, {count(len(table), 'row')}")


def _open(file: str) -> KeptRun:
    """The run. Raises UsageError for a track file, which keeps no edits."""
    from rtdet.kept import KeptRun
    from rtdet.tracks.formats import FORMATS

    if file.lower().endswith(tuple(FORMATS)) and not is_run(file):
        raise UsageError(
            f"{file} is a track file, which keeps no edits: only a kept run does (rtdet --keep RUN.rtdet); "
            "write to another file than FILE to keep the tracks before an edit"
        )
    return KeptRun(file)
