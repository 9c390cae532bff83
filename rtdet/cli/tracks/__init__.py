"""`rtdet tracks`: improves and corrects the track files of finished runs."""

from __future__ import annotations

import click

from rtdet.cli.options import CONTEXT
from rtdet.cli.tracks.doubts import doubts
from rtdet.cli.tracks.edit import correct, delete, draw, merge, rename, renumber, set_class, split, swap
from rtdet.cli.tracks.history import export, log, redo, undo
from rtdet.cli.tracks.improve import fill, link, smooth
from rtdet.cli.tracks.speed import speed


class _InOrder(click.Group):
    """A group whose help lists the commands in the order they were added, not alphabetically."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InOrder, context_settings=CONTEXT)
def command() -> None:
    """Smooth, fill and correct the tracks of a finished run.

    FILE and OUT are track files as --tracks writes them: .txt (MOT), .csv, .jsonl, .parquet or .json (COCO). OUT may
    have another format than FILE. It may also be FILE itself, which is replaced once the new file is complete.

    A kept run (--keep RUN.rtdet) takes the place of FILE. It keeps each edit, to be undone at any time; its tracks,
    also tracked again, are then the mended ones. No OUT is needed.

    For the best result, run all three in this order: link (if the tracker forgets objects quickly), fill, smooth.
    """


for _subcommand in (
    link, fill, smooth, speed, doubts, merge, split, swap, delete, rename, set_class, draw, correct, renumber,
    undo, redo, log, export,
):  # fmt: skip
    command.add_command(_subcommand)
