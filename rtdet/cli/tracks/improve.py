"""`rtdet tracks smooth|fill|link FILE|RUN --out OUT`."""

from __future__ import annotations

import click

from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import progress
from rtdet.cli.tracks.files import count, mend_options, read, write
from rtdet.cli.tracks.mending import is_run, mend

max_gap = click.option(
    "--max-gap-s",
    type=float,
    default=1.0,
    show_default=True,
    metavar="S",
    help="The longest gap to bridge, in seconds.",
)


@click.command(context_settings=CONTEXT)
@mend_options
def smooth(file: str, out: str | None, fps: float, quiet: bool) -> None:
    """Smooth the boxes of each track.

    A Kalman filter runs forward through the whole track and a Rauch-Tung-Striebel smoother back, using the true times
    of the frames, so that each box also takes later frames into account. Only boxes change. Rows that `fill` added
    follow the boxes that were seen.
    """
    from rtdet.tracks.offline import Edit
    from rtdet.tracks.offline import smooth as smooth_table

    if out is None or is_run(file):
        mend(file, out, fps, quiet, [Edit.of("smooth")], lambda after: count(len(after.tracks()), "track"))
        return
    table = read(file, out, fps)
    tracks = len(table.tracks())
    with progress("smoothing", tracks, quiet) as on_track:
        table = smooth_table(table, on_track)
    write(table, out, quiet, f"{count(tracks, 'track')}, {count(len(table), 'row')}")


@click.command(context_settings=CONTEXT)
@mend_options
@max_gap
@click.option("--every-frame", is_flag=True, help="Also add rows in frames that the tracker did not see.")
def fill(file: str, out: str | None, fps: float, quiet: bool, max_gap_s: float, every_frame: bool) -> None:
    """Add rows where a track was missed for a moment.

    A gap is filled if the two rows around it are at most --max-gap-s apart. The boxes of the new rows come from a
    smoother, cut off at the edge of the picture where its size is known (.json). Their score is 0, to tell them from
    boxes that were seen; the existing rows stay as they are.

    Only frames that the tracker saw get rows: a .jsonl or .json lists these frames; in the other formats they are
    assumed to follow each other at the file's usual step. With --every-frame, frames that were dropped get rows too.
    """
    from rtdet.tracks.offline import Edit
    from rtdet.tracks.offline import fill as fill_table

    if out is None or is_run(file):
        edit = Edit.of("fill", max_gap_s=max_gap_s, every_frame=every_frame)
        mend(file, out, fps, quiet, [edit], lambda after: f"{count(len(after), 'row')} with the filled ones")
        return
    table = read(file, out, fps)
    with progress("filling", len(table.tracks()), quiet) as on_track:
        filled = fill_table(table, max_gap_s, on_track, every_frame=every_frame)
    write(filled, out, quiet, f"{count(len(filled) - len(table), 'row')} added to {len(table)}")


@click.command(context_settings=CONTEXT)
@mend_options
@max_gap
def link(file: str, out: str | None, fps: float, quiet: bool, max_gap_s: float) -> None:
    """Give objects that were lost and found again their first ID back.

    Two tracks of the same class are joined if one begins soon after the other ends, near where the other was heading
    and with about its size. The gap between them remains; `fill` closes it.
    """
    from rtdet.tracks.offline import Edit
    from rtdet.tracks.offline import link as link_table

    if out is None or is_run(file):
        edit = Edit.of("link", max_gap_s=max_gap_s)
        mend(file, out, fps, quiet, [edit], lambda after: f"{count(len(after.tracks()), 'track')} are left")
        return
    table = read(file, out, fps)
    linked = link_table(table, max_gap_s)
    before, after = len(table.tracks()), len(linked.tracks())
    write(linked, out, quiet, f"{count(before, 'track')} became {after}")
