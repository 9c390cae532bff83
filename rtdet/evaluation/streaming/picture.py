"""Accuracy by latency as a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from rtdet.evaluation.tracking import TrackingScores

_STYLES = {"predict": ("tab:blue", "-o"), "hold": ("gray", "--o")}


def accuracy_as_png(
    latencies_ms: Sequence[float], scores: Mapping[str, Sequence[TrackingScores]], title: str
) -> bytes:
    """PNG: HOTA, MOTA and IDF1 over the latency, a line for each of what may be shown ("predict", "hold")."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, parse_math=False)
    for axes, name in zip(figure.subplots(1, 3), ("HOTA", "MOTA", "IDF1"), strict=True):
        for show, of_show in scores.items():
            color, style = _STYLES[show]
            figures = [100 * one.figures[name] for one in of_show]
            axes.plot(latencies_ms, figures, style, color=color, markersize=4, label=show)
        axes.set(xlabel="latency, ms", title=name)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        # From 0, where a line does not go below it.
        axes.set_ylim(min(0.0, axes.get_ylim()[0]), 100)
        axes.legend(fontsize=9, loc="upper right", edgecolor="none")
    content = io.BytesIO()
    figure.savefig(content, dpi=120, format="png")
    return content.getvalue()
