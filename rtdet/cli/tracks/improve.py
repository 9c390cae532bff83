"""`rtdet tracks smooth|fill|link FILE --out OUT`."""

from __future__ import annotations

import click

from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import progress
from rtdet.cli.tracks.files import count, file_options, read, write

max_gap = click.option(
    "--max-gap-s", type=float, default=1.0, show_default=True, metavar="S", help="Longest gap."
)


@click.command(context_settings=CONTEXT)
@file_options
def smooth(file: str, out: str, fps: float, quiet: bool) -> None:
    """Draw each track as one smooth way.

    A Kalman filter goes through all of a track and a Rauch-Tung-Striebel smoother back, in the true time between
    frames; so each box knows what came after it. Only boxes change. Rows that `fill` made follow what was seen.
    """
    from rtdet.tracks.offline import smooth as smooth_table

    table = read(file, out, fps)
    tracks = len(table.tracks())
    with progress("smoothing", tracks, quiet) as on_track:
        table = smooth_table(table, on_track)
    write(table, out, quiet, f"{count(tracks, 'track')}, {count(len(table), 'row')}")


@click.command(context_settings=CONTEXT)
@file_options
@max_gap
@click.option("--every-frame", is_flag=True, help="Also in frames that the tracker did not get to see.")
def fill(file: str, out: str, fps: float, quiet: bool, max_gap_s: float, every_frame: bool) -> None:
    """Add rows where a track was missed for a moment.

    A gap is filled where two rows of a track are at most so many seconds apart. A new row has the box that a smoother
    gives it, cut off at the edge of the picture where its size is known (.json). Its score is 0, which tells
    it from what was seen; rows that were there stay as they are.

    Frames are those that the tracker saw: a .jsonl or .json lists them; in the other formats they follow each other
    at the file's usual step. With --every-frame those that were dropped get rows too.
    """
    from rtdet.tracks.offline import fill as fill_table

    table = read(file, out, fps)
    with progress("filling", len(table.tracks()), quiet) as on_track:
        filled = fill_table(table, max_gap_s, on_track, every_frame=every_frame)
    write(filled, out, quiet, f"{count(len(filled) - len(table), 'row')} added to {len(table)}")


@click.command(context_settings=CONTEXT)
@file_options
@max_gap
def link(file: str, out: str, fps: float, quiet: bool, max_gap_s: float) -> None:
    """Give objects that were lost and found again their first ID back.

    Two tracks of one class are joined when one begins soon after the other ends, near where that one was going and
    of its size. The gap between them stays; `fill` fills it.
    """
    from rtdet.tracks.offline import link as link_table

    table = read(file, out, fps)
    linked = link_table(table, max_gap_s)
    before, after = len(table.tracks()), len(linked.tracks())
    write(linked, out, quiet, f"{count(before, 'track')} became {after}")
