"""`rtdet tracks`: finished track files made better and corrected."""

from __future__ import annotations

import click

from rtdet.cli.options import CONTEXT
from rtdet.cli.tracks.edit import merge, rename, renumber, split
from rtdet.cli.tracks.improve import fill, link, smooth


class _InOrder(click.Group):
    """A group whose help lists the commands as they were added, not by the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InOrder, context_settings=CONTEXT)
def command() -> None:
    """Smooth, fill and correct the tracks of a finished run.

    FILE and OUT are what --tracks writes: .txt (MOT), .csv, .jsonl, .parquet or .json (COCO). OUT may be of another
    format, and it may be FILE itself, which is replaced when the new one is whole.

    What helps most is all three in this order: link (where the tracker forgets soon), fill, smooth.
    """


for _subcommand in (link, fill, smooth, merge, split, rename, renumber):
    command.add_command(_subcommand)
