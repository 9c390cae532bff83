"""`rtdet data convert DIR --to FORMAT --out DIR`."""

from __future__ import annotations

from pathlib import Path

import click

from rtdet.cli import options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import progress
from rtdet.terminal import say


@click.command(context_settings=CONTEXT)
@click.argument("folder", metavar="DIR")
@click.option("--to", "kind", required=True, type=click.Choice(["coco", "voc", "yolo", "openimages"]))
@click.option("--out", required=True, metavar="DIR", help="A new or empty folder.")
@options.link_pictures()
@options.allow_loss()
@options.quiet()
def convert(folder: str, kind: str, out: str, link: bool, allow_loss: bool, quiet: bool) -> None:
    """Write the data set in DIR in another format, with its pictures.

    All parts (train, val, test) are converted. Boxes are cut off at the picture's borders; VOC rounds them to whole
    pixels. What the format cannot express is left out and counted: ignored regions (crowds, difficult objects) in
    YOLO, scores of a teacher in YOLO and VOC.
    """
    from rtdet.datasets.convert import read_parts, write_parts

    show_messages()
    parts = read_parts(Path(folder))
    with progress("converting", sum(len(raw.pictures) for raw in parts.values()), quiet) as on_picture:
        done = write_parts(parts, kind, Path(out), link=link, allow_loss=allow_loss, on_picture=on_picture)
    say(f"wrote {out}: {done.pictures} pictures, {done.boxes} boxes")
    for what, number in sorted(done.lost.items()):
        say(f"left out: {number} {what}, which {kind} cannot express")
