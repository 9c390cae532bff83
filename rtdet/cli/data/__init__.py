"""`rtdet data`: checks, converts, labels and splits data sets; one file for each command."""

from __future__ import annotations

import click

from rtdet.cli.data.check import check
from rtdet.cli.data.convert import convert
from rtdet.cli.data.label import label
from rtdet.cli.data.split import split
from rtdet.cli.options import CONTEXT


@click.group(context_settings=CONTEXT)
def command() -> None:
    """Check, convert, label and split data sets: COCO JSON, VOC XML, YOLO txt (Darknet's obj.data, too),
    Open Images CSV, CVAT XML, labelme JSON and EPIC-KITCHENS CSV.

    The format is recognised from what is in the folder. A part of a divided data set is named by its folder, as in
    DIR/train.
    """


for _subcommand in (check, convert, label, split):
    command.add_command(_subcommand)
