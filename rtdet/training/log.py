"""A training's log.csv: a row for each step, and how good the network is where that was measured.

It holds no times, so that a training that was killed and resumed leaves the same file as one that was not.
"""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from rtdet.output_file import cannot_write, replacing

_FIRST, _LAST = ("step", "lr", "loss"), ("extra_loss", "positives", "gradient")
_LOSSES, _SCORES = ("score", "box"), ("ap50", "ap")
# Of scores, for people.
LABELS = {"ap50": "AP50", "ap": "AP", "top1": "top-1", "top5": "top-5"}


def columns_of(losses: Sequence[str], scores: Sequence[str] = _SCORES) -> tuple[str, ...]:
    """The log's columns for a network with these parts of its loss, and these scores (the keys of LABELS)."""
    return (*_FIRST, *(f"{name}_loss" for name in losses), *_LAST, *scores)


class Log:
    """Appends rows to a file, which is always complete up to the last row. Raises OutputError, as on a full disk."""

    def __init__(
        self, path: Path, last_step: int, losses: Sequence[str] = _LOSSES, scores: Sequence[str] = _SCORES
    ) -> None:
        """Rows after `last_step` are cut off: they will be written again. 0: an empty log. losses: the parts of the
        network's loss; scores: what is measured of it."""
        self.path = path
        columns = columns_of(losses, scores)
        rows = [row for row in read_log(path) if last_step and int(row["step"]) <= last_step]
        with replacing(path) as whole, whole.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        try:
            self._file = path.open("a", buffering=1, newline="", encoding="utf-8")
        except OSError as error:
            raise cannot_write(path, error) from error
        self._writer = csv.DictWriter(self._file, columns, lineterminator="\n")

    def write(self, row: Mapping[str, object]) -> None:
        try:
            self._writer.writerow(row)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def close(self) -> None:
        # Each row was written at its end: what is left here is a row that `write` has said it cannot write.
        with contextlib.suppress(OSError):
            self._file.close()


def read_log(path: Path) -> list[dict[str, str]]:
    """The complete rows of a log; an incomplete last line is left out, and a file with other columns gives none."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.DictReader(file)
        names = tuple(reader.fieldnames or ())
        if names[: len(_FIRST)] != _FIRST or names[-5:-2] != _LAST or not LABELS.keys() >= set(names[-2:]):
            return []
        return [row for row in reader if None not in row.values() and row["step"].isdigit()]
