"""What the commands of `rtdet tracks` share: reading a track file and writing one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import completion, options
from rtdet.cli.progress import progress
from rtdet.errors import UsageError
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.tracks.table import TrackTable


def file_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds FILE, --out, --fps and --quiet to a command."""
    return _with_options(function, needs_out=True)


def kept_or_file_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a command that writes the tracks of a kept run, too, which stays as it is."""
    return _with_options(function, needs_out=True, takes_runs=True)


def mend_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a command that a kept run can be given to, which needs no --out."""
    return _with_options(function, needs_out=False)


def _with_options(
    function: Callable[..., Any], *, needs_out: bool, takes_runs: bool = False
) -> Callable[..., Any]:
    more = (
        ""
        if needs_out
        else " A RUN.rtdet keeps what was done by itself; with --out its tracks are written too."
    )
    named = "FILE" if needs_out and not takes_runs else "FILE|RUN.rtdet"
    for option in (
        options.quiet(),
        click.option(
            "--fps", type=float, default=30.0, show_default=True,
            help="Frame rate, for a .txt, which holds no times; the other formats do.",
        ),
        click.option(
            "--out", required=needs_out, metavar="OUT",
            help=f"A .txt, .csv, .jsonl, .parquet or .json file; may be FILE itself.{more}",
        ),
        click.argument("file", metavar=named, shell_complete=completion.files),
    ):  # fmt: skip
        function = option(function)
    return function


def read(file: str, out: str, fps: float) -> TrackTable:
    """Reads the tracks of `file`. Raises OutputError, before it reads, where `out` cannot be written."""
    from rtdet.tracks.read_write import format_of, read_table

    check_fps(fps)
    format_of(file)
    check_track_file(out)
    return read_table(file, fps)


def read_tracks(file: str, out: str, fps: float) -> TrackTable:
    """The same of a track file or of a kept run, its tracks as they stand."""
    from rtdet.kept import KeptRun, is_named_kept, reviewed_tracks

    if not is_named_kept(file):
        return read(file, out, fps)
    check_fps(fps)
    check_track_file(out)
    with KeptRun(file) as run:
        return reviewed_tracks(run)


def check_fps(fps: float) -> None:
    """Raises UsageError where it is not above 0."""
    if not 0 < fps < math.inf:
        raise UsageError(f"--fps must be above 0, not {fps:g}")


def check_track_file(out: str) -> None:
    """Raises UnknownNameError for another suffix and OutputError where it cannot be written."""
    from rtdet.output_file import check_output
    from rtdet.tracks.read_write import format_of

    format_of(out)
    check_output(out)


def write(table: TrackTable, out: str, quiet: bool, what: str) -> None:
    """Writes the table and prints where to, and `what` was done."""
    from rtdet.tracks import write_table

    with progress("writing", len(table.frame_list), quiet) as on_frame:
        write_table(table, out, on_frame)
    say(f"wrote {out}: {what}", err=True)


def count(number: int, thing: str) -> str:
    """The number with the noun in the singular or plural: "1 row", "2 rows"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
