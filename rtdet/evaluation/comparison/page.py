"""A comparison as one HTML file that a browser opens without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rtdet.evaluation.comparison.chart import HEIGHT, WIDTH, chart_of
from rtdet.evaluation.comparison.compare import Comparison
from rtdet.evaluation.comparison.table import cells_of
from rtdet.evaluation.report.page import environment


def render_comparison(
    comparison: Comparison,
    *,
    title: str,
    notes: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> str:
    """Chart and table as HTML: style and drawing are inside, nothing is loaded, no script runs. Every text is
    escaped: a model or a class may be called anything."""
    rows = [cells_of(one) for one in comparison.models]
    return environment().get_template("comparison.html.j2").render(
        title=title,
        notes=notes,
        settings=settings or {},
        comparison=comparison,
        best={one.name for one in comparison.best()},
        rows=rows,
        heads=[head for head in rows[0] if head != "model"],
        chart=chart_of(comparison),
        width=WIDTH,
        height=HEIGHT,
    )  # fmt: skip
