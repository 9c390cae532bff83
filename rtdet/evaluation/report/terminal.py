"""The figures of a measurement as a table for the terminal."""

from __future__ import annotations

import math
import sys

from rich import box
from rich.measure import Measurement as Width
from rich.table import Table
from rich.text import Text

from rtdet.evaluation.detection.measurement import Measurement
from rtdet.terminal import console as make_console
from rtdet.terminal import for_terminal

# The figures of the table that is printed: all, and those for a narrow terminal.
_FIGURES = {
    "AP50": "ap50", "AP75": "ap75", "AP": "ap", "small": "ap_small", "medium": "ap_medium", "large": "ap_large",
    "AR100": "ar_100", "VOC11": "voc_11_point", "VOC": "voc_all_point",
}  # fmt: skip
_FEW = {title: _FIGURES[title] for title in ("AP50", "AP75", "AP")}


def print_scores(measured: Measurement, notes: list[str]) -> None:
    """The table, and what was left out of it."""
    console = make_console(
        highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 160
    )
    table = _table(measured)
    if Width.get(console, console.options.update(max_width=1000), table).maximum > console.width:
        table = _table(measured, _FEW)
    console.print(table)
    total, happened = measured.total, measured.outcomes
    console.print(
        f"pictures: {len(measured.dataset)}; AP and AR in percent; TP, FP, FN at confidence "
        f"{happened.confidence:.2f} and IoU {happened.min_iou:.2f}: precision {percent(total.precision)}, "
        f"recall {percent(total.recall)}"
    )
    best = measured.pooled.best_confidence()
    if best is not None:
        counts = measured.pooled.at(best)
        console.print(
            f"best F1 at confidence {best:.2f}: precision {percent(counts.precision)}, "
            f"recall {percent(counts.recall)}"
        )
    for note in notes:
        console.print(for_terminal(note))


def _table(measured: Measurement, columns: dict[str, str] = _FIGURES) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("class", overflow="fold")
    for title in ("objects", *columns, "TP", "FP", "FN", "best at"):
        table.add_column(title, justify="right", no_wrap=True)
    entries = [
        *zip(measured.scores.classes, measured.counts, measured.curves, strict=True),
        (measured.scores.mean, measured.total, measured.pooled),
    ]
    for scores, counts, curve in entries:
        is_mean = scores is measured.scores.mean
        if is_mean:
            table.add_section()
        figures = [getattr(scores, name) for name in columns.values()]
        best = curve.best_confidence()
        # Text: a class may be called "[red]".
        cells = [
            Text(for_terminal(scores.name)),
            *(Text(text) for text in (str(scores.truths), *map(percent, figures))),
            *(Text(str(count)) for count in (counts.tp, counts.fp, counts.fn)),
            Text("-" if best is None else f"{best:.2f}"),
        ]
        table.add_row(*cells, style="bold" if is_mean else None)
    return table


def percent(share: float) -> str:
    """38.4 for .384; a dash for what is not defined."""
    return "-" if math.isnan(share) else f"{100 * share:.1f}"
