"""A training's curves as a picture: loss, scores and learning rate over the steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rtdet.output_file import replacing
from rtdet.training.log import LABELS, read_log
from rtdet.types import FloatArray

# Of the parts of a loss.
_COLORS = ("tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown", "tab:olive")


def draw_curves(log: Path, out: Path) -> None:
    """Writes a PNG from a log.csv; nothing for a log without rows. Raises OutputError."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = read_log(log)
    if not rows:
        return
    columns = {
        name: np.array([float(row[name] or "nan") for row in rows])
        for name in rows[0]
        if name not in ("extra_loss", "positives", "gradient")
    }
    figure = Figure(figsize=(9, 7), layout="constrained")
    FigureCanvasAgg(figure)
    losses, scores, rates = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.2))
    _draw_losses(losses, columns)
    _draw_scores(scores, columns)
    rates.plot(columns["step"], columns["lr"], color="tab:gray")
    rates.set(ylabel="learning rate", xlabel="step")
    for axes in (losses, scores, rates):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    with replacing(out) as whole:
        figure.savefig(whole, dpi=110, format="png")


def _draw_losses(axes: Any, columns: dict[str, FloatArray]) -> None:
    trained = np.isfinite(columns["loss"])  # a start that was only measured has no loss
    columns = {name: values[trained] for name, values in columns.items()}
    steps = columns["step"]
    if not len(steps):
        return
    axes.plot(steps, columns["loss"], color="tab:blue", alpha=0.2, linewidth=0.8)
    axes.plot(steps, _smooth(columns["loss"]), color="tab:blue", label="loss")
    for name, color in zip((name for name in columns if name.endswith("_loss")), _COLORS, strict=False):
        axes.plot(steps, _smooth(columns[name]), color=color, label=name.removesuffix("_loss"))
    top = np.nanpercentile(columns["loss"], 99) * 1.1
    axes.set(
        ylabel="loss", ylim=(0, top if top > 0 else 1), title="Loss, smoothed over a fiftieth of the run"
    )
    axes.legend(frameon=False, ncols=3)


def _draw_scores(axes: Any, columns: dict[str, FloatArray]) -> None:
    first, second = (name for name in columns if name in LABELS)
    measured = np.isfinite(columns[first])
    for name, color in ((first, "tab:red"), (second, "tab:purple")):
        axes.plot(
            columns["step"][measured], columns[name][measured], "o-", color=color, markersize=4,
            label=LABELS[name],
        )  # fmt: skip
    what = "AP" if first == "ap50" else "share that is right"
    axes.set(ylabel=what, ylim=(0, 1))
    if measured.any():
        best = int(np.flatnonzero(measured)[np.argmax(columns[first][measured])])
        text = f"best {LABELS[first]} {columns[first][best]:.3f} at step {int(columns['step'][best])}"
        axes.set_title(f"Measured on the validation pictures: {text}")
        axes.legend(frameon=False, ncols=2)
    else:
        axes.set_title(f"{LABELS[first]}: not measured yet")


def _smooth(values: FloatArray) -> FloatArray:
    """The mean of the last fiftieth of the run before each step."""
    width = max(1, len(values) // 50)
    sums = np.cumsum(np.concatenate([[0.0], values]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - width)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))
