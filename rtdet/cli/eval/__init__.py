"""`rtdet eval`: measures detectors, classifiers and trackers; one file for each command."""

from __future__ import annotations

import click

from rtdet.cli.eval.classify import classify
from rtdet.cli.eval.detect import detect
from rtdet.cli.eval.stream import stream
from rtdet.cli.eval.track import track
from rtdet.cli.options import CONTEXT


@click.group(context_settings=CONTEXT)
def command() -> None:
    """Measure how good a detector, a classifier or a tracker is."""


for _subcommand in (detect, track, stream, classify):
    command.add_command(_subcommand)
