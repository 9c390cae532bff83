"""`rtdet data check DIR`: reports what is in a data set and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rtdet.cli import options
from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.cli.progress import muted, progress
from rtdet.errors import OutputError
from rtdet.terminal import say

if TYPE_CHECKING:
    from rtdet.datasets.raw import RawLabels


@click.command(context_settings=CONTEXT)
@click.argument("folder", metavar="DIR")
@click.option(
    "--against", metavar="DIR", multiple=True, help="Also look for pictures of DIR in this data set."
)
@click.option(
    "--sheet",
    metavar="OUT.png",
    help="Contact sheet of samples.  [default: NAME-check.png in the current folder, unless that is in DIR]",
)
@click.option("--no-sheet", is_flag=True, help="Draw no contact sheet.")
@click.option(
    "--samples", type=click.IntRange(1, 400), default=24, show_default=True, help="Pictures on the sheet."
)
@click.option("--json", "json_file", metavar="OUT.json", help="Write every problem that was found.")
@options.quiet()
def check(
    folder: str, against: tuple[str, ...], sheet: str | None, no_sheet: bool, samples: int, json_file: str | None,
    quiet: bool,
) -> None:  # fmt: skip
    """Report what is in the data set in DIR and what is wrong with it.

    Every picture is decoded. The check finds pictures that are missing, cannot be decoded or differ in size from
    their labels, boxes that are empty, outside the picture or duplicated, classes without a name, and pictures that
    two parts (train, val, test, --against) share, even if they were scaled, re-encoded or slightly changed.

    Exit code 0: clean. 1: problems were found. 2: the labels cannot be read.
    """
    from rtdet.cli.data.report import check_sheet, print_report, write_json, write_sheet
    from rtdet.datasets.check import check_parts
    from rtdet.datasets.convert import read_parts
    from rtdet.output_file import check_output
    from rtdet.overwriting import refuse_overwriting

    show_messages(quiet=quiet)
    target = None if no_sheet else _sheet_file(sheet, Path(folder))
    read = chain.from_iterable(Path(name).rglob("*") for name in (folder, *against))
    refuse_overwriting({"--json": json_file, "--sheet": target}, read)
    if json_file is not None:
        check_output(json_file)
    if sheet is not None and not no_sheet:
        check_sheet(Path(sheet))
    parts = read_parts(Path(folder), tolerant=True)
    others = _others(against)
    count = sum(len(raw.pictures) for raw in [*parts.values(), *others.values()])
    # Libraries print to standard error for every broken picture, and the report names those anyway.
    with muted() as stream, progress("checking", count, quiet, stream) as on_picture:
        report = check_parts(Path(folder), parts, others, on_picture=on_picture)
    print_report(report)
    if json_file is not None:
        write_json(report, Path(json_file))
        say(f"wrote {json_file}")
    if target is not None:
        try:
            shown = write_sheet(parts, report, target, samples)
            say(f"wrote {target}: {shown} samples")
        except OutputError as error:
            if sheet is not None:
                raise
            say(f"no contact sheet was drawn: {error}; choose a place with --sheet OUT.png")
    elif not no_sheet:
        say(
            "no contact sheet was drawn, because it would be inside the data set; choose a place with --sheet OUT.png"
        )
    if report.problems:
        raise SystemExit(1)


def _others(folders: Sequence[str]) -> dict[str, RawLabels]:
    """The parts of the data sets to compare with, keyed by the name to print."""
    from rtdet.datasets.convert import read_parts

    return {
        str(Path(folder) / part): raw for folder in folders for part, raw in read_parts(Path(folder)).items()
    }


def _sheet_file(asked: str | None, folder: Path) -> Path | None:
    """Where the contact sheet goes; None where it would land inside the data set without having been asked for."""
    if asked is not None:
        return Path(asked)
    here, root = Path.cwd(), folder.resolve()
    return None if root == here or root in here.parents else Path(f"{root.name}-check.png")
