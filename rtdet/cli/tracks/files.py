"""What the commands of `rtdet tracks` share: reading a track file and writing one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from rtdet.cli import options
from rtdet.cli.progress import progress
from rtdet.errors import UsageError
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.tracks.table import TrackTable


def file_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds FILE, --out, --fps and --quiet to a command."""
    for option in (
        options.quiet(),
        click.option(
            "--fps", type=float, default=30.0, show_default=True,
            help="Frame rate, for a .txt, which holds no times; the other formats do.",
        ),
        click.option(
            "--out", required=True, metavar="OUT",
            help="A .txt, .csv, .jsonl, .parquet or .json file; may be FILE itself.",
        ),
        click.argument("file", metavar="FILE"),
    ):  # fmt: skip
        function = option(function)
    return function


def read(file: str, out: str, fps: float) -> TrackTable:
    """Reads the tracks of `file`. Raises OutputError, before it reads, where `out` cannot be written."""
    from rtdet.output_file import check_output
    from rtdet.tracks.read_write import format_of, read_table

    if not 0 < fps < math.inf:
        raise UsageError(f"--fps must be above 0, not {fps:g}")
    for path in (file, out):
        format_of(path)
    check_output(out)
    return read_table(file, fps)


def write(table: TrackTable, out: str, quiet: bool, what: str) -> None:
    """Writes the table and prints where to, and `what` was done."""
    from rtdet.tracks import write_table

    with progress("writing", len(table.frame_list), quiet) as on_frame:
        write_table(table, out, on_frame)
    say(f"wrote {out}: {what}", err=True)


def count(number: int, thing: str) -> str:
    """The number with the noun in the singular or plural: "1 row", "2 rows"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
