"""A classifier's figures as lines and a table for the terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from rtdet.evaluation.classification import ClassificationScores
from rtdet.evaluation.report.terminal import percent
from rtdet.terminal import console as make_console
from rtdet.terminal import for_terminal


def summary(scores: ClassificationScores) -> str:
    """The line that says it all."""
    classes = len(scores.classes)
    nothing = f"; of {classes} classes, top-5 is always 1" if scores.top5_says_nothing else ""
    shares = f"top-1 {scores.top1:.3f}, top-5 {scores.top5:.3f}"
    return f"{shares} on {scores.pictures} pictures of {classes} classes{nothing}"


def worst_pairs(scores: ClassificationScores, most: int = 10) -> list[str]:
    """What is taken for what, a line each; names may hold anything."""
    return [
        f"{for_terminal(one.name)} taken for {for_terminal(one.taken_for)}: {one.count} of {one.pictures} "
        f"({percent(one.count / one.pictures)} %)"
        for one in scores.confusions(most)
    ]


def print_classification(scores: ClassificationScores, most: int = 10) -> None:
    """The table of classes, the worst first, the worst pairs, and the summary."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("class", overflow="fold")
    for title in ("pictures", "top-1", "top-5", "precision"):
        table.add_column(title, justify="right", no_wrap=True)
    measured = [one for one in scores.classes if one.pictures]
    for one in sorted(measured, key=lambda one: one.top1):
        shares = (one.top1, one.top5, one.precision)
        table.add_row(Text(for_terminal(one.name)), str(one.pictures), *map(percent, shares))
    console = make_console(highlight=False, markup=False, emoji=False)
    console.print(table)
    if pairs := worst_pairs(scores, most):
        console.print("mistaken most often:")
        for line in pairs:
            console.print(f"  {line}", soft_wrap=True)
    console.print(summary(scores), soft_wrap=True)
