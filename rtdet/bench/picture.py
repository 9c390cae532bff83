"""What was measured, as a picture: where a frame's time goes, stage by stage and in the pipeline."""

from __future__ import annotations

from io import BytesIO

from rtdet.bench.measuring import Bench
from rtdet.bench.table import TITLES, lines_of

_COLORS = {
    "decode": "#4c9be8",
    "detect": "#e8804c",
    "track": "#5cb85c",
    "record": "#9b7fd1",
    "other": "#8a8f98",
}


def draw_bench(bench: Bench) -> bytes:
    """A PNG. Above, core-milliseconds a frame: the stages' own beside the pipeline's; below, the frames a second of
    each, with the limit as a line. Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, height_ratios=(1, 1.6))
    _draw_core_ms(above, bench)
    _draw_speeds(below, bench)
    figure.suptitle("\n".join(lines_of(bench)), fontsize=9, parse_math=False)
    made = BytesIO()
    figure.savefig(made, format="png", dpi=120)
    return made.getvalue()


def _draw_core_ms(axes: object, bench: Bench) -> None:
    parts = [(stage.name, stage.cpu_ms) for stage in bench.run]
    rest = bench.pipeline.cpu_ms - sum(ms for _, ms in parts)
    left = 0.0
    for name, ms in [*parts, ("other", max(rest, 0.0))]:
        title = TITLES.get(name, "all else of the pipeline")
        axes.barh([""], [ms], left=left, color=_COLORS[name], label=f"{title} {ms:.1f}")  # type: ignore[attr-defined]
        left += ms
    axes.set_xlabel("core-ms a frame")  # type: ignore[attr-defined]
    axes.legend(ncols=4, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 1.35), frameon=False)  # type: ignore[attr-defined]
    _plain(axes)


def _draw_speeds(axes: object, bench: Bench) -> None:
    rows = [*bench.stages, bench.pipeline][::-1]
    speeds = [row.frames_per_s for row in rows]
    bars = axes.barh(  # type: ignore[attr-defined]
        [TITLES[row.name] for row in rows], speeds, color=[_COLORS.get(row.name, "#2b3038") for row in rows]
    )
    axes.bar_label(bars, labels=[f"{speed:.0f}" for speed in speeds], padding=3, fontsize=8)  # type: ignore[attr-defined]
    axes.set_xscale("log")  # type: ignore[attr-defined]
    axes.xaxis.set_major_formatter("{x:g}")  # type: ignore[attr-defined]
    axes.set_xlim(max(min(speeds) / 3, 0.1), max(speeds) * 2)  # type: ignore[attr-defined]
    by, per_second = bench.limit
    axes.axvline(per_second, color="#d0342c", linewidth=1, linestyle="--")  # type: ignore[attr-defined]
    axes.set_xlabel(f"frames/s alone (dashed: the limit by {TITLES[by]}, {per_second:.0f})")  # type: ignore[attr-defined]
    _plain(axes)


def _plain(axes: object) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)  # type: ignore[attr-defined]
