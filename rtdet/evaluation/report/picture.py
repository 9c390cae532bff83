"""The curves of a measurement as one picture, for slides and for looking at over ssh."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from rtdet.evaluation.detection.curves import Curve
from rtdet.evaluation.detection.measurement import Measurement

# Colours that can be told apart, and names that fit beside the plot.
_NAMED = 10
_LONGEST = 24


def curves_as_png(measured: Measurement) -> bytes:
    """PNG: interpolated precision over recall of each class, the most frequent by name; and precision, recall and
    F1 of all together by confidence."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _draw_classes(left, measured)
    _draw_confidences(right, measured.pooled, measured.outcomes.confidence)
    for axes in (left, right):
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_lines():
            for text in axes.legend(fontsize=9, loc="lower left", edgecolor="none").get_texts():
                text.set_parse_math(False)  # a class may be called "$x"
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that the font lacks
        figure.savefig(content, dpi=120, format="png")
    return content.getvalue()


def _draw_classes(axes: Any, measured: Measurement) -> None:
    scores = measured.scores.classes
    by_frequency = sorted(range(len(scores)), key=lambda i: -scores[i].truths)
    named = set(by_frequency[:_NAMED])
    for i, curve in enumerate(measured.curves):
        if not curve.truths:
            continue
        # Level from recall 0, and down to precision 0 where no more is found.
        recall = np.concatenate([[0.0], curve.recall, curve.recall[-1:]])
        precision = np.concatenate(
            [curve.interpolated[:1], curve.interpolated, np.zeros(len(curve.recall[-1:]))]
        )
        if not len(precision):  # nothing was detected
            precision = recall
        if i in named:
            # The space: of a name that begins with _ matplotlib makes no entry.
            axes.plot(recall, precision, label=f" {_short(curve.name)}, AP50 {100 * scores[i].ap50:.1f}")
        else:
            axes.plot(recall, precision, color="tab:gray", alpha=0.35, linewidth=0.8)
    more = len(scores) - _NAMED
    axes.set(
        xlabel="recall",
        ylabel="precision",
        title=f"Precision over recall, at IoU {measured.outcomes.min_iou:.2f}"
        + (f" ({more} more classes in grey)" if more > 0 else ""),
    )


def _draw_confidences(axes: Any, curve: Curve, chosen: float) -> None:
    for name, color, style in (
        ("precision", "tab:blue", "-"),
        ("recall", "tab:orange", "-"),
        ("f1", "gray", "--"),
    ):
        values = getattr(curve, name)
        # What the lowest score gives holds below it.
        values, confidences = (
            np.append(values, values[-1:]),
            np.append(curve.confidences, [0.0][: len(values)]),
        )
        axes.plot(confidences, values, style, color=color, label=name.replace("f1", "F1"))
    axes.axvline(chosen, color="black", linewidth=0.8, label=f"chosen, {chosen:.2f}")
    best = curve.best_confidence()
    if best is not None:
        axes.axvline(best, color="black", linewidth=0.8, linestyle=":", label=f"best F1, {best:.2f}")
    axes.set(xlabel="confidence", title="All classes together, by confidence")


def _short(name: str) -> str:
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
