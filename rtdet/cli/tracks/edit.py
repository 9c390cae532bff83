"""`rtdet tracks merge|split|rename|renumber FILE ... --out OUT`."""

from __future__ import annotations

import click

from rtdet.cli.options import CONTEXT
from rtdet.cli.tracks.files import count, file_options, read, write
from rtdet.errors import UsageError


@click.command(context_settings=CONTEXT)
@file_options
@click.argument("ids", metavar="A,B[,C...]")
def merge(file: str, out: str, fps: float, quiet: bool, ids: str) -> None:
    """Join several tracks into one: B, C, ... become A.

    Tracks that appear in the same frame cannot be joined; split one of them first.
    """
    from rtdet.tracks.offline import merge as merge_ids

    first, *others = _whole_numbers(ids)
    if not others:
        raise UsageError(f"merge needs at least two IDs, as in 3,7, not {ids!r}")
    table = read(file, out, fps)
    for other in others:
        table = merge_ids(table, first, other)
    write(table, out, quiet, f"ID {first} now has {count(len(table.rows_of(first)), 'row')}")


@click.command(context_settings=CONTEXT)
@file_options
@click.argument("track_id", metavar="ID", type=int)
@click.option("--frame", type=int, required=True, metavar="N", help="First frame of the new track, from 1.")
def split(file: str, out: str, fps: float, quiet: bool, track_id: int, frame: int) -> None:
    """Cut a track in two.

    From frame N on it has a new ID, one above the highest in the file.
    """
    from rtdet.tracks.offline import split as split_id

    table = split_id(read(file, out, fps), track_id, frame)
    new = int(table.ids.max())
    write(table, out, quiet, f"ID {track_id} is ID {new} from frame {table.frames[table.rows_of(new)[0]]} on")


@click.command(context_settings=CONTEXT)
@file_options
@click.argument("old", type=int)
@click.argument("new", type=int)
def rename(file: str, out: str, fps: float, quiet: bool, old: int, new: int) -> None:
    """Change the ID of a track from OLD to NEW.

    No other track may have the ID NEW; to join two tracks, use `merge`.
    """
    from rtdet.tracks.offline import rename as rename_id

    write(rename_id(read(file, out, fps), old, new), out, quiet, f"ID {old} is now ID {new}")


@click.command(context_settings=CONTEXT)
@file_options
def renumber(file: str, out: str, fps: float, quiet: bool) -> None:
    """Number the tracks 1, 2, 3, ... as they begin."""
    from rtdet.tracks.offline import renumber as renumber_ids

    table = renumber_ids(read(file, out, fps))
    write(table, out, quiet, f"IDs 1 to {len(table.tracks())}" if len(table) else "no tracks")


def _whole_numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"IDs are whole numbers separated by commas, as in 3,7, not {text!r}") from None
