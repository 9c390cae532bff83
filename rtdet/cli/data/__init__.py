"""`rtdet data`: data sets checked, converted and labelled; one file each."""

from __future__ import annotations

import click

from rtdet.cli.data.check import check
from rtdet.cli.data.convert import convert
from rtdet.cli.data.label import label
from rtdet.cli.options import CONTEXT


@click.group(context_settings=CONTEXT)
def command() -> None:
    """Check, convert and label data sets: COCO JSON, VOC XML, YOLO txt, Open Images CSV.

    The format is found out from what is in the folder. DIR/train names a part of a set that is divided.
    """


for _subcommand in (check, convert, label):
    command.add_command(_subcommand)
