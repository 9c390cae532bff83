"""A comparison as a table for the terminal, and the words that page and table share."""

from __future__ import annotations

import sys

from rich import box
from rich.measure import Measurement as Width
from rich.table import Table
from rich.text import Text

from rtdet.evaluation.comparison.compare import Compared, Comparison
from rtdet.evaluation.report.terminal import percent
from rtdet.terminal import console as make_console
from rtdet.terminal import for_terminal

_FEW = ("model", "AP", "AP50", "frames/s")


def print_comparison(comparison: Comparison, notes: list[str]) -> None:
    """The table, the best AP first; models that another beats in both AP and speed are dimmed."""
    console = make_console(
        highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 160
    )
    table = _table(comparison)
    if Width.get(console, console.options.update(max_width=1000), table).maximum > console.width:
        table = _table(comparison, _FEW)
    console.print(table)
    for note in notes:
        console.print(for_terminal(note))


def cells_of(one: Compared) -> dict[str, str]:
    """A model's figures as text, by the heads of the columns."""
    scores = one.scores
    return {
        "model": one.name,
        "AP": percent(scores.ap),
        "AP50": percent(scores.ap50),
        "small": percent(scores.ap_small),
        "medium": percent(scores.ap_medium),
        "large": percent(scores.ap_large),
        "frames/s": f"{one.per_second:.0f}" if one.per_second >= 10 else f"{one.per_second:.1f}",
        "ms": f"{one.latency_ms:.1f}",
        "input": one.input_size or "-",
        "parameters": short(one.parameters),
        "FLOPs": short(None if one.multiply_adds is None else 2 * one.multiply_adds),
        "MB": "-" if one.megabytes is None else f"{one.megabytes:.1f}",
    }


def _table(comparison: Comparison, columns: tuple[str, ...] | None = None) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    rows = [cells_of(one) for one in comparison.models]
    shown = columns or tuple(rows[0])
    for title in shown:
        is_name = title == "model"
        table.add_column(title, overflow="fold", justify="left" if is_name else "right", no_wrap=not is_name)
    front = {one.name for one in comparison.best()}
    for one, row in zip(comparison.models, rows, strict=True):
        cells = [Text(for_terminal(row[title])) for title in shown]  # a model may be called "[red]"
        table.add_row(*cells, style="bold" if one.name in front else "dim")
    return table


def short(count: int | None) -> str:
    """1.04 G, 905 k; a dash for None."""
    if count is None:
        return "-"
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= unit:
            return f"{count / unit:.3g} {letter}"
    return str(count)
