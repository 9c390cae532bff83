"""Scores of sequences as a table for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from rtdet.evaluation.printable import printable
from rtdet.evaluation.tracking.scores import TrackingScores, combined

_SHARES = ("HOTA", "DetA", "AssA", "LocA", "MOTA", "MOTP", "IDF1", "IDP", "IDR")
_COUNTS = ("IDSW", "Frag", "FP", "FN", "MT", "PT", "ML")
# For a narrow terminal.
_FEW = ("HOTA", "DetA", "AssA", "MOTA", "IDF1", "IDSW", "FP", "FN")


def print_scores(scores: Mapping[str, TrackingScores]) -> None:
    """A row for each sequence, and one for all."""
    console = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 160)
    table = _table(scores, (*_SHARES, *_COUNTS))
    if Measurement.get(console, console.options.update(max_width=1000), table).maximum > console.width:
        table = _table(scores, _FEW)
    console.print(table)
    total = combined(scores.values())
    console.print(
        f"HOTA to IDR in percent; {total.frames} frames, {total.truth_boxes} boxes of {total.truth_ids} objects "
        f"to be found, {total.track_boxes} boxes of {total.track_ids} tracks"
    )


def _table(scores: Mapping[str, TrackingScores], columns: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("sequence", overflow="fold")
    for title in columns:
        table.add_column(title, justify="right", no_wrap=True)
    for name, one in scores.items():
        table.add_row(Text(printable(name)), *_cells(one, columns))
    table.add_section()
    table.add_row(Text("combined"), *_cells(combined(scores.values()), columns), style="bold")
    return table


def _cells(scores: TrackingScores, columns: tuple[str, ...]) -> list[str]:
    figures = scores.figures
    return [f"{100 * figures[name]:.2f}" if name in _SHARES else str(figures[name]) for name in columns]
