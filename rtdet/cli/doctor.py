"""`rtdet doctor`: what this machine can do for rtdet, what is missing, and the remedy."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from rtdet.cli.console import show_messages
from rtdet.cli.options import CONTEXT
from rtdet.doctor.report import NOTE, OK, PROBLEM, Report
from rtdet.terminal import console, say

MARKS = {OK: ("✓", "green"), NOTE: ("!", "yellow"), PROBLEM: ("✗", "bold red")}


@click.command(context_settings=CONTEXT)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for programs.")
def command(as_json: bool) -> None:
    """Show what this machine can do: cameras, codecs, hardware decoders, devices with the frames/s of the embedded
    model on each, caches, versions; what is missing or in the way, and the command that mends it.

    Takes some seconds, most of them to time the devices. Nothing is sent anywhere.
    """
    show_messages(quiet=True)
    logging.getLogger("rtdet").setLevel(logging.ERROR)  # what is wrong is in the report
    from rtdet.doctor.examining import examine

    with _shown_progress() as began:
        report = examine(began)
    if as_json:
        say(json.dumps(report.as_dict(), indent=1, ensure_ascii=False))
    elif sys.stdout.isatty():
        print_table(report)
    else:
        for line in report.lines():
            say(line)


@contextmanager
def _shown_progress() -> Iterator[Callable[[str], object]]:
    """Shows on a terminal which part is looked at."""
    if not sys.stderr.isatty():
        yield lambda title: None
        return
    with console(stderr=True).status("looking at this machine") as status:
        yield lambda title: status.update(f"looking at this machine: {title}")


def print_table(report: Report) -> None:
    """The report as a table of a terminal's width, problems in red and what mends them below."""
    from rich.table import Table
    from rich.text import Text

    terminal = console(highlight=False)
    width = max((len(finding.name) for finding in report), default=0)
    for part in report.parts:
        table = Table.grid(padding=(0, 1))
        table.add_column(width=1)
        table.add_column(min_width=min(width, 28), overflow="fold")
        table.add_column(overflow="fold")
        for finding in part.findings:
            mark, color = MARKS[finding.state]
            table.add_row(Text(mark, color), Text(finding.name), Text(finding.text))
            if finding.remedy:
                table.add_row("", "", Text(f"→ {finding.remedy}", "cyan"))
        terminal.print(Text(part.title, "bold"))
        terminal.print(table)
        terminal.print()
    terminal.print(Text(report.summary, "bold"))
