"""Scores of sequences as a table for the terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping

from rtdet.evaluation.tracking.scores import TrackingScores, combined
from rtdet.terminal import for_terminal, say

_SHARES = ("HOTA", "DetA", "AssA", "LocA", "MOTA", "MOTP", "IDF1", "IDP", "IDR")
_COUNTS = ("IDSW", "Frag", "FP", "FN", "MT", "PT", "ML")
# For a narrow terminal.
_FEW = ("HOTA", "DetA", "AssA", "MOTA", "IDF1", "IDSW", "FP", "FN")


def print_scores(scores: Mapping[str, TrackingScores], kind: str = "sequence") -> None:
    """A row for each sequence, and one for all."""
    lines = _lines(scores, (*_SHARES, *_COUNTS), kind)
    if sys.stdout.isatty() and len(lines[0]) > shutil.get_terminal_size().columns:
        lines = _lines(scores, _FEW, kind)
    total = combined(scores.values())
    lines += [
        "",
        f"HOTA to IDR in percent; {total.frames} frames, {total.truth_boxes} boxes of {total.truth_ids} objects "
        f"to be found, {total.track_boxes} boxes of {total.track_ids} tracks",
    ]
    say("\n".join(lines))


def _lines(scores: Mapping[str, TrackingScores], columns: tuple[str, ...], kind: str) -> list[str]:
    rows = [(kind, *columns)]
    rows += [(for_terminal(name), *_cells(one, columns)) for name, one in scores.items()]
    rows.append(("combined", *_cells(combined(scores.values()), columns)))
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = [
        row[0].ljust(first) + "".join(cell.rjust(2 + n) for cell, n in zip(row[1:], others, strict=True))
        for row in rows
    ]
    rule = "-" * len(lines[0])
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]


def _cells(scores: TrackingScores, columns: tuple[str, ...]) -> list[str]:
    figures = scores.figures
    return [f"{100 * figures[name]:.2f}" if name in _SHARES else str(figures[name]) for name in columns]
