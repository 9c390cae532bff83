"""What the report's template is given, and the template filled in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rtdet.evaluation.detection.curves import Counts, Curve
from rtdet.evaluation.detection.measurement import Measurement
from rtdet.evaluation.detection.mistakes import FALSE_ALARM_KINDS, MISS_KINDS, Mistake, kinds_of, worst
from rtdet.evaluation.detection.scores import ClassScores
from rtdet.evaluation.report.charts import Charts, charts_of
from rtdet.evaluation.report.crops import cutout

if TYPE_CHECKING:
    import jinja2

_PICTURES = 18


@dataclass(frozen=True)
class Line:
    """One class (or all of them) with everything that is said of it."""

    name: str
    scores: ClassScores
    counts: Counts
    curve: Curve
    charts: Charts


@dataclass(frozen=True)
class Cause:
    """How many errors have one cause, and their share of all."""

    name: str
    count: int
    share: float


@dataclass(frozen=True)
class Cell:
    """An entry of the confusion matrix; `share` is its share of its row, for the shade."""

    count: int
    share: float
    kind: str


def render_report(
    measured: Measurement,
    *,
    title: str,
    notes: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
    pictures: int = _PICTURES,
) -> str:
    """The report as one HTML text: style, charts and pictures are inside, nothing is loaded, no script runs.

    title: what was measured. notes: sentences on what was left out. settings: how it was run, for the foot of the
    page. pictures: cut-outs of each kind of mistake at most. Every text is escaped: a class or a file may be called
    anything.
    """
    confidence = measured.outcomes.confidence
    lines = [
        Line(scores.name, scores, counts, curve, charts_of(curve, confidence))
        for scores, counts, curve in zip(
            measured.scores.classes, measured.counts, measured.curves, strict=True
        )
    ]
    pooled = charts_of(measured.pooled, confidence)
    every = Line("all classes", measured.scores.mean, measured.total, measured.pooled, pooled)
    return environment().get_template("report.html.j2").render(
        title=title,
        notes=notes,
        settings=settings or {},
        measured=measured,
        every=every,
        lines=lines,
        confidence=confidence,
        suggested=measured.pooled.best_confidence(),
        matrix=_matrix(measured),
        matrix_names=[*measured.dataset.class_names, "background"],
        false_alarm_causes=_causes(measured.false_alarms, FALSE_ALARM_KINDS),
        miss_causes=_causes(measured.misses, MISS_KINDS),
        misses=[cutout(one, measured.dataset) for one in worst(measured.misses, pictures)],
        false_alarms=[cutout(one, measured.dataset) for one in worst(measured.false_alarms, pictures)],
    )  # fmt: skip


def environment() -> jinja2.Environment:
    """Templates of this room, with the filters for figures."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rtdet.evaluation.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["number"] = _number
    environment.filters["counted"] = _counted
    return environment


def _percent(share: float) -> str:
    """87.3 for 0.873; a dash for what is not defined."""
    return "\u2013" if math.isnan(share) else f"{100 * share:.1f}"


def _number(count: int) -> str:
    """12 345, with thin spaces that do not break."""
    return f"{count:,}".replace(",", "\u202f")


def _counted(count: int, one: str, several: str) -> str:
    """`1 class`, `2 classes`."""
    return f"{_number(count)} {one if count == 1 else several}"


def _causes(mistakes: Sequence[Mistake], kinds: Mapping[str, str]) -> list[Cause]:
    counts = kinds_of(mistakes)
    total = max(1, len(mistakes))
    found = [Cause(text, counts.get(kind, 0), counts.get(kind, 0) / total) for kind, text in kinds.items()]
    return sorted(found, key=lambda cause: -cause.count)


def _matrix(measured: Measurement) -> list[list[Cell]]:
    matrix = measured.outcomes.confusion_matrix()
    last = len(matrix) - 1
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)

    def kind(row: int, column: int) -> str:
        if row == column:
            return "empty" if row == last else "right"
        return "background" if last in (row, column) else "mixed"

    return [
        [Cell(int(matrix[i, j]), round(float(shares[i, j]), 3), kind(i, j)) for j in range(last + 1)]
        for i in range(last + 1)
    ]
