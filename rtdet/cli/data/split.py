"""`rtdet data split DIR --out DIR`: train, val and test."""

from __future__ import annotations

from pathlib import Path

import click

from rtdet.cli import options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import progress
from rtdet.errors import UsageError
from rtdet.terminal import say


@click.command(context_settings=CONTEXT)
@click.argument("folder", metavar="DIR")
@click.option("--out", required=True, metavar="DIR", help="A new or empty folder.")
@click.option(
    "--val", type=float, default=0.1, show_default=True, metavar="SHARE", help="Of the pictures, for val."
)
@click.option(
    "--test",
    type=float,
    default=0.1,
    show_default=True,
    metavar="SHARE",
    help="Of the pictures, for test; 0: none.",
)
@click.option(
    "--to",
    "kind",
    type=click.Choice(["coco", "voc", "yolo", "openimages"]),
    help="[default: the format that it has]",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Other parts.")
@options.link_pictures()
@options.allow_loss()
@options.quiet()
def split(
    folder: str, out: str, val: float, test: float, kind: str | None, seed: int, link: bool, allow_loss: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Divide the data set in DIR into train, val and test, at random.

    train gets what --val and --test leave. Pictures that are nearly the same, as frames of one scene, stay in one
    part, so that shares are met as well as that allows. A set that is divided already is divided anew.
    """
    from rtdet.datasets.convert import read_parts
    from rtdet.datasets.split import split_parts

    if not (0 <= val < 1 and 0 <= test < 1 and 0 < val + test < 1):
        raise UsageError(f"--val {val:g} and --test {test:g} are shares: together above 0 and below 1")
    show_messages(quiet=quiet)
    parts = read_parts(Path(folder))
    shares = {"train": 1 - val - test, "val": val, "test": test}
    with progress("looking", sum(len(raw.pictures) for raw in parts.values()), quiet) as on_picture:
        done = split_parts(
            parts,
            {part: share for part, share in shares.items() if share > 0},
            Path(out),
            kind=kind,
            seed=seed,
            link=link,
            allow_loss=allow_loss,
            on_picture=on_picture,
        )
    counts = [
        f"{part} {_counted(number, 'picture')} ({_counted(done.objects[part], 'object')})"
        for part, number in done.pictures.items()
    ]
    say(f"wrote {out}: {', '.join(counts)}")
    if done.grouped:
        say(f"{done.grouped} pictures are nearly the same as others: those stay in one part")
    for what, number in sorted(done.written.lost.items()):
        say(f"left out: {number} {what}, which {kind or 'the format'} cannot express")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
