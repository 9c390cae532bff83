"""What all commands of `rtdet tracks` have in common: a track file in, a track file out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import options
from rtdet.cli.progress import progress
from rtdet.errors import UsageError

if TYPE_CHECKING:
    from rtdet.tracks.table import TrackTable


def file_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """FILE, --out, --fps and --quiet."""
    for option in (
        options.quiet(),
        click.option(
            "--fps", type=float, default=30.0, show_default=True,
            help="Frame rate of a file without times, as a .txt is; the others have their own.",
        ),
        click.option(
            "--out", required=True, metavar="OUT", help="A .txt, .csv, .jsonl, .parquet or .json; may be FILE."
        ),
        click.argument("file", metavar="FILE"),
    ):  # fmt: skip
        function = option(function)
    return function


def read(file: str, out: str, fps: float) -> TrackTable:
    """The tracks of `file`, once it is sure that `out` can be written."""
    from rtdet.output_file import check_output
    from rtdet.tracks.read_write import format_of, read_table

    if not 0 < fps < math.inf:
        raise UsageError(f"--fps must be above 0, not {fps:g}")
    for path in (file, out):
        format_of(path)
    check_output(out)
    return read_table(file, fps)


def write(table: TrackTable, out: str, quiet: bool, what: str) -> None:
    """Writes the table and says so, with `what` was done."""
    from rtdet.tracks import write_table

    with progress("writing", len(table.frame_list), quiet) as on_frame:
        write_table(table, out, on_frame)
    click.echo(f"wrote {out}: {what}", err=True)


def count(number: int, thing: str) -> str:
    """ "1 row", "2 rows"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
